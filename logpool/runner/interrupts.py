"""Signals that end a command, held back where they would cut a start or a cleanup in two."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Self


class Interrupts:
    """Holds Ctrl-C, SIGTERM and SIGHUP back, except inside `with interrupts.allowed()`.

    They then take their usual course, save that one which would end Python at once raises SystemExit.
    """

    def __init__(self) -> None:
        self._pending: int | None = None
        self._open = False
        self._previous: dict[int, signal._HANDLER] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # elsewhere Python lets nobody set handlers
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) not in (signal.SIG_IGN, None):  # `nohup` stays in force
                    self._previous[number] = signal.signal(number, self._arrive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._deliver()

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Delivers what has been held back, and what comes while the context lasts."""
        self._open = True
        try:
            self._deliver()
            yield
        finally:
            self._open = False

    def _arrive(self, number: int, _frame: FrameType | None) -> None:
        self._pending = number
        if self._open:
            self._deliver()

    def _deliver(self) -> None:
        number, self._pending = self._pending, None
        if number is None:
            return
        was_open = self._open
        self._open = False  # what is raised here leads to a cleanup that nothing may cut
        previous = self._previous[number]
        if not callable(previous):
            raise SystemExit(128 + number)
        previous(number, None)
        self._open = was_open
