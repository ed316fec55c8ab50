"""How far a long reading has come: one line on standard error, on a terminal, after the first second."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

_QUIET_SECONDS = 1.0
_EVERY_SECONDS = 0.1


class Progress:
    """Called with the bytes and events read so far, and the share of all. Clears its line in the end."""

    def __init__(self) -> None:
        self._begin = self._last = time.monotonic()
        self._shown = False
        self._wanted = sys.stderr.isatty()

    def __call__(self, size: int, events: int, share: float | None = None) -> None:
        """Shows the figures, not too often."""
        now = time.monotonic()
        if not self._wanted or now - self._begin < _QUIET_SECONDS or now - self._last < _EVERY_SECONDS:
            return
        self._last, self._shown = now, True
        gone = now - self._begin
        left = f", {share:.0%}, {_clock(gone * (1 - share) / share)} left" if share else ""
        figures = f"{size / 1e6:,.0f} MB read, {size / gone / 1e6:,.0f} MB/s{left}, {events:,} pool events"
        sys.stderr.write(f"\r\033[K{figures}")
        sys.stderr.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # a thread that was left alone may still go on
        self._wanted = False
        if self._shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()


def _clock(seconds: float) -> str:
    """Minutes and seconds, or hours, minutes and seconds, as a clock shows them."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
