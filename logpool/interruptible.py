"""Long work that Ctrl-C ends at once.

Ctrl-C is an exception in the main thread, wherever that is just then. Where Python frees something, it would be
printed, and lost; from polars it would come late, or twice, and cut off what cleans up. So a thread of its own does
what takes long, and the main one only waits.
"""

from __future__ import annotations

import signal
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def interruptible(work: Callable[[], T]) -> T:
    """Returns what some work returns, and raises what it raises.

    Raises:
        KeyboardInterrupt: Ctrl-C came. The work goes on for as long as the program does.
    """
    if hasattr(signal, "siginterrupt"):
        # polars was imported meanwhile, whose handler would have the waiting start anew
        signal.siginterrupt(signal.SIGINT, True)  # noqa: FBT003 - takes no keywords
    done: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()
    Thread(target=_do, args=(work, done), daemon=True).start()
    found, error = done.get()
    if error is not None:
        raise error
    return found  # type: ignore[return-value]


def _do(work: Callable[[], T], done: SimpleQueue[tuple[T | None, BaseException | None]]) -> None:
    try:
        done.put((work(), None))
    except BaseException as error:  # noqa: BLE001 - raised by the one who waits
        done.put((None, error))
