"""Long work that Ctrl-C ends at once.

Ctrl-C is an exception in the main thread, wherever that is just then. Where Python frees something, it would be
printed, and lost; from polars it would come late, or twice, and cut off what cleans up. So a thread of its own does
what takes long, and the main one only waits.
"""

from __future__ import annotations

from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

# polars handles signals, too, and has the waiting start anew: so Ctrl-C is noticed when it ends
_LOOKS_UP_AFTER = 0.1


def interruptible(work: Callable[[], T]) -> T:
    """Returns what some work returns, and raises what it raises.

    Raises:
        KeyboardInterrupt: Ctrl-C came. The work goes on for as long as the program does.
    """
    done: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()
    Thread(target=_do, args=(work, done), daemon=True).start()
    while True:
        with suppress(Empty):
            found, error = done.get(timeout=_LOOKS_UP_AFTER)
            break
    if error is not None:
        raise error
    return found  # type: ignore[return-value]


def _do(work: Callable[[], T], done: SimpleQueue[tuple[T | None, BaseException | None]]) -> None:
    try:
        done.put((work(), None))
    except BaseException as error:  # noqa: BLE001 - raised by the one who waits
        done.put((None, error))
