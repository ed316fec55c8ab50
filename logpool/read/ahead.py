"""One stage works while the next one does: what is read ahead waits, and there is never much of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from queue import Full, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

_WAITING = 1
# how long it takes at most to see that nobody reads any more
_PATIENCE = 0.1


@dataclass
class _Made:
    """What has come from a thread: an item, an error, or the end."""

    item: object = None
    error: BaseException | None = None
    more: bool = True


class _Maker(Thread):
    """Makes items as long as somebody waits for them."""

    def __init__(self, items: Iterable[object]) -> None:
        # a program that ends waits for no read that hangs
        super().__init__(daemon=True)
        self.items = items
        self.made: Queue[_Made] = Queue(_WAITING)
        self.left = Event()

    def run(self) -> None:
        try:
            for item in self.items:
                if not self._put(_Made(item)):
                    return
        except BaseException as error:  # noqa: BLE001 - raised where the items are read
            self._put(_Made(error=error))
        else:
            self._put(_Made(more=False))

    def _put(self, made: _Made) -> bool:
        while not self.left.is_set():
            with suppress(Full):
                self.made.put(made, timeout=_PATIENCE)
                return True
        return False


def ahead(items: Iterable[T]) -> Iterator[T]:
    """The same items in the same order, each made in a thread of its own while the last one is in use.

    What is raised there is raised here. Nothing is made before the first item is asked for, and no more than two
    items that nobody has asked for.
    """
    maker = _Maker(items)
    maker.start()
    try:
        while (made := maker.made.get()).more:
            if made.error is not None:
                raise made.error
            yield made.item  # type: ignore[misc]
    finally:
        maker.left.set()
