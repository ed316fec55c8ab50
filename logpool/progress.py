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
    """Called with the bytes and events read so far. Clears its line in the end."""

    def __init__(self) -> None:
        self._begin = self._last = time.monotonic()
        self._shown = False
        self._wanted = sys.stderr.isatty()

    def __call__(self, size: int, events: int) -> None:
        """Shows the figures, not too often."""
        now = time.monotonic()
        if not self._wanted or now - self._begin < _QUIET_SECONDS or now - self._last < _EVERY_SECONDS:
            return
        self._last, self._shown = now, True
        rate = size / (now - self._begin) / 1e6
        sys.stderr.write(f"\r\033[K{size / 1e6:,.0f} MB read, {rate:,.0f} MB/s, {events:,} pool events")
        sys.stderr.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
