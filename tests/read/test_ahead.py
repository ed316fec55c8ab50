"""Stages that work side by side: the same items, the same errors, the same report."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import logpool
from logpool import analysis
from logpool.native.library import library
from logpool.read import gathering
from logpool.read.ahead import ahead, begun
from logpool.read.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

SAMPLES = Path(__file__).parents[2] / "samples"
CASES = Path(__file__).parents[1] / "cases"
LOGS = sorted([*SAMPLES.glob("*.log"), *CASES.glob("*/input.log")])


def test_items_come_in_their_order() -> None:
    assert list(ahead(iter(range(1000)))) == list(range(1000))
    assert list(ahead([])) == []


def test_an_error_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("gone")

    reading = ahead(items())
    assert [next(reading), next(reading)] == [1, 2]
    with pytest.raises(OSError, match="gone"):
        next(reading)


def test_nothing_is_made_before_it_is_asked_for_and_little_after() -> None:
    made = []

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    reading = ahead(items())
    assert made == []
    assert next(reading) == 0
    time.sleep(0.1)
    assert len(made) == 2


@pytest.mark.parametrize("read", [0, 1, 2])
def test_who_reads_no_further_leaves_no_thread(read: int) -> None:
    before = threading.active_count()
    reading = begun(iter(range(100)))
    assert [next(reading) for _ in range(read)] == list(range(read))
    del reading
    end = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.02)
    assert threading.active_count() <= before


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.log")), ids=lambda path: path.stem)
def test_the_report_does_not_depend_on_threads(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_threads = analysis.analyze(path, block_bytes=4096)
    monkeypatch.setattr(analysis, "_READ_AHEAD", 0)
    assert analysis.analyze(path, block_bytes=4096) == with_threads


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.parent.name + "/" + path.stem)
def test_the_report_does_not_depend_on_what_is_read_meanwhile(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = analysis.analyze(path, block_bytes=6000)
    made, frame = count(), Vocabulary.frame

    def grown(vocabulary: Vocabulary) -> pl.DataFrame:
        """The shapes, of which there are more each time: another message, then the pool of another process."""
        known = [shape for shape in vocabulary.shapes if shape is not None and shape.pool is not None]
        number = next(made)
        if known:
            shape = known[number % len(known)]
            with vocabulary.lock:
                vocabulary.add(replace(shape, message=replace(shape.message, reason=f"another {number}")))
                vocabulary.add(replace(shape, process=f"another {number}"))
        return frame(vocabulary)

    monkeypatch.setattr(Vocabulary, "frame", grown)
    assert analysis.analyze(path, block_bytes=6000) == expected


def test_memory_is_given_back_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    log = SAMPLES / "postgres-busy.log"
    expected, spared = analysis.analyze(log, block_bytes=4096), []
    monkeypatch.setattr(gathering, "spare_memory", lambda: spared.append(library().spare_memory()))
    assert analysis.analyze(log, block_bytes=4096) == expected
    assert not spared
    monkeypatch.setattr(gathering, "_SPARED_AFTER", 100)
    assert analysis.analyze(log, block_bytes=4096) == expected
    assert 0 < len(spared) <= len(logpool.read_events(log)) // 100


def test_the_report_does_not_depend_on_the_threads_of_polars() -> None:
    words = [sys.executable, "-m", "logpool", "analyze", "--format", "json", str(SAMPLES / "postgres-busy.log")]
    reports = {
        subprocess.run(words, env={**os.environ, "POLARS_MAX_THREADS": threads}, capture_output=True, check=True).stdout
        for threads in ("1", "2", "5")
    }
    assert len(reports) == 1
