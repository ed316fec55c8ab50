"""Where a log ends in time: seen from its last lines alone, whatever they are in."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import subprocess
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

import logpool
from logpool.errors import InputError, UsageError
from logpool.read import ends
from logpool.read.ends import end_of
from logpool.read.selection import Back
from logpool.read.sources import sources_of

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "samples" / "document-queuepool.log"
NOON = 1_704_110_400_000_000  # 2024-01-01T12:00:00Z
HOUR = 3_600_000_000
CONNECTION = "<connection object at 0x7feb87ec2700; dsn: 'dbname=app', closed: 0>"
HEAD = "2024-01-01 12:00:00,000 - sqlalchemy.pool.impl.QueuePool - DEBUG - "
BACK = Back("--since", "2h", 2 * HOUR)


def end(*paths: Path, layout: str | None = None) -> int:
    return end_of(sources_of(paths), layout, BACK)


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def lines(count: int) -> str:
    """A log of an hour that ends at noon."""
    return "".join(
        f"2024-01-01 11:{59 * number // count:02}:00,000 - sqlalchemy.pool.impl.QueuePool - DEBUG - "
        f"Connection {CONNECTION} checked out from pool\n"
        for number in range(count)
    )


@pytest.mark.parametrize(
    "after",
    [
        "",
        "Traceback (most recent call last):\n  File 'a.py', line 1\n    x = '2030-01-01 00:00:00'\n",
        "DETAIL:  Failing row contains (1, 2030-01-01 00:00:00).\n",
        "\n\n\n",
        "a line that is no record\n" * 5000,
        "no line end",
        "\0" * 10,
    ],
    ids=lambda text: repr(text[:20]),
)
@pytest.mark.parametrize("before", [0, 3000])
def test_the_last_record_tells(before: int, after: str, tmp_path: Path) -> None:
    text = f"{lines(before)}{HEAD}Created new connection {CONNECTION}\n{after}"
    assert end(written(tmp_path / "a.log", text)) == NOON


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("count", [3, 2000])
def test_in_any_encoding(encoding: str, count: int, tmp_path: Path) -> None:
    text = f"{lines(count)}{HEAD}Pool recreating\n"
    assert end(written(tmp_path / "a.log", text, encoding)) == NOON


@pytest.mark.parametrize("looked_at", [1, 10, 100, 1000])
def test_however_little_is_looked_at_first(looked_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ends, "_LOOKED_AT", (looked_at, 1 << 20))
    for count in range(4):
        path = written(tmp_path / "a.log", f"{lines(count)}{HEAD}Pool recreating\nand more\n")
        assert end(path) == NOON


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
@pytest.mark.parametrize("count", [3, 20_000])
def test_compressed(pack: object, count: int, tmp_path: Path) -> None:
    assert callable(pack)
    (tmp_path / "a.log").write_bytes(pack(f"{lines(count)}{HEAD}Pool recreating\n".encode()))
    assert end(tmp_path / "a.log") == NOON


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "zip"])
def test_in_archives(kind: str, tmp_path: Path) -> None:
    data = f"{lines(3000)}{HEAD}Pool recreating\n".encode()
    path = tmp_path / f"logs.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.log", data)
    else:
        with tarfile.open(path, "w:gz" if kind == "tar.gz" else "w") as tar:
            info = tarfile.TarInfo("a.log")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    assert end(path) == NOON


def test_of_several_logs_the_last_one_to_end_tells(tmp_path: Path) -> None:
    early = written(tmp_path / "early.log", lines(3))
    late = written(tmp_path / "late.log", f"{HEAD}Pool recreating\n")
    timeless = written(tmp_path / "timeless.log", "DEBUG:sqlalchemy.pool.impl.NullPool:Pool recreating\n")
    assert end(early, late, timeless) == end(late, early) == NOON


def test_of_a_rotated_set_the_newest_file_with_a_time_tells(tmp_path: Path) -> None:
    written(tmp_path / "app.log.1", f"{lines(3)}{HEAD}Pool recreating\n")
    written(tmp_path / "app.log", "  File 'a.py', line 1\nand no time\n")
    assert end(tmp_path) == NOON


def test_a_layout_that_was_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path / "a.log", "2024-01-01 12:00:00 :: hi\n2024-01-01 13:00:00 -- hi\n")
    assert end(path, layout="%(asctime)s :: %(message)s") == NOON
    assert end(path) == NOON + HOUR


def test_what_is_no_text_tells_no_time(tmp_path: Path) -> None:
    written(tmp_path / "a.log", f"{HEAD}Pool recreating\n")
    (tmp_path / "b.db").write_bytes(bytes(range(32)) * 200 + b"\n2030-01-01 00:00:00\n")
    assert end(tmp_path) == NOON


@pytest.mark.parametrize("text", ["", "DEBUG:sqlalchemy.pool.impl.NullPool:Pool recreating\n", "12:00:00 hi\n"])
def test_no_time(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        end(*[written(tmp_path / f"{name}.log", text) for name in "abcde"])
    names = ", ".join(str(tmp_path / f"{name}.log") for name in "abc")
    assert caught.value.message == (
        f"--since 2h counts from the end of the log, but no time with day and year was found in {names} and 2 more"
    )


def test_a_pipe_shows_its_end_too_late(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    def write() -> None:
        with (tmp_path / "pipe").open("w") as pipe:
            pipe.write(f"{HEAD}Pool recreating\n")

    writer = threading.Thread(target=write)
    writer.start()
    with pytest.raises(UsageError) as caught:
        logpool.analyze(tmp_path / "pipe", until="30m")
    writer.join()
    assert caught.value.message == (
        f"--until 30m counts from the end of the log, which the pipe {tmp_path / 'pipe'} shows only when all is read"
    )


def test_so_does_standard_input() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "logpool", "analyze", "--since", "2h", "-"],
        input=SAMPLE.read_text("utf-8"),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: --since 2h counts from the end of the log, which standard input shows only when all is read\n"
        "hint: give a time such as 2024-09-26T17:45:00, or write the log to a file first\n"
    )


@pytest.mark.parametrize(("since", "absolute"), [("10ms", "17:45:27.024"), ("0.1s", "17:45:26.934"), ("1d", "00:00")])
def test_counting_back_is_the_same_as_saying_when(since: str, absolute: str) -> None:
    whole = logpool.analyze(SAMPLE, since=f"2024-09-26T{absolute}")
    assert whole == logpool.analyze(SAMPLE, since=since)
    assert whole == logpool.analyze(SAMPLE, since=since, block_bytes=300)
    until = logpool.analyze(SAMPLE, until=f"2024-09-26T{absolute}")
    assert until == logpool.analyze(SAMPLE, until=since, block_bytes=300)
    events = logpool.read_events(SAMPLE, since=since)
    assert events.equals(logpool.read_events(SAMPLE, since=f"2024-09-26T{absolute}"))
