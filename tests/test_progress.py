"""The line that shows how far a long reading has come."""

from __future__ import annotations

import io
import sys
import time

import pytest

from logpool.progress import Progress


class Terminal(io.StringIO):
    """A standard error that somebody looks at."""

    def isatty(self) -> bool:
        return True


class Clock:
    """A time that a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_silent_in_the_first_second(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Progress() as told:
        clock.now += 0.99
        told(1_000_000, 5)
    assert isinstance(sys.stderr, Terminal)
    assert sys.stderr.getvalue() == ""


def test_shows_figures_and_clears_them(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with Progress() as told:
        clock.now += 2
        told(300_000_000, 1_234_567)
        assert terminal.getvalue() == "\r\033[K300 MB read, 150 MB/s, 1,234,567 pool events"
    assert terminal.getvalue().endswith("pool events\r\033[K")


def test_shows_them_ten_times_a_second_at_most(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    told = Progress()
    clock.now += 2
    for size in range(3):
        told(size, 0)
        clock.now += 0.0625
    assert terminal.getvalue().count("read") == 2


def test_clears_the_line_after_an_error(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with pytest.raises(ValueError, match="cut"), Progress() as told:  # noqa: PT012 - it is raised inside
        clock.now += 2
        told(1, 1)
        raise ValueError("cut")
    assert terminal.getvalue().endswith("\r\033[K")


def test_nothing_where_nobody_looks(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", pipe := io.StringIO())
    with Progress() as told:
        clock.now += 60
        told(1_000_000, 5)
    assert pipe.getvalue() == ""


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.25, "25%, 0:06 left"), (0.01, "1%, 3:18 left"), (0.0001, "0%, 5:33:18 left"), (1.0, "100%, 0:00 left")],
)
def test_tells_the_time_left(share: float, shown: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with Progress() as told:
        clock.now += 2
        told(300_000_000, 7, share)
        assert terminal.getvalue() == f"\r\033[K300 MB read, 150 MB/s, {shown}, 7 pool events"
