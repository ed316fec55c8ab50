"""One stage works while the next one does: what is read ahead waits, and there is never much of it."""

from __future__ import annotations

from queue import SimpleQueue
from threading import Semaphore, Thread
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")


class _Made(NamedTuple):
    """What has come from a thread: an item, an error, or the end."""

    item: object = None
    error: BaseException | None = None
    more: bool = True


class _Maker(Thread):
    """Makes an item for each time that it is asked."""

    def __init__(self, items: Iterable[object]) -> None:
        # a program that ends waits for no read that hangs
        super().__init__(daemon=True)
        self.items = items
        self.asked = Semaphore(1)
        self.made: SimpleQueue[_Made] = SimpleQueue()
        self.left = False

    def run(self) -> None:
        items = iter(self.items)
        more = True
        while more:
            self.asked.acquire()
            if self.left:
                return
            more = self._make(items)

    def _make(self, items: Iterator[object]) -> bool:
        try:
            self.made.put(_Made(next(items)))
        except StopIteration:
            self.made.put(_Made(more=False))
        except BaseException as error:  # noqa: BLE001 - raised where the items are read
            self.made.put(_Made(error=error))
        else:
            return True
        return False

    def take(self) -> _Made:
        """The next item; the one after it is made from now on."""
        made = self.made.get()
        self.asked.release()
        return made

    def leave(self) -> None:
        """Nobody asks any more."""
        self.left = True
        self.asked.release()


def ahead(items: Iterable[T]) -> Iterator[T]:
    """The same items in the same order, each made in a thread of its own while the last one is in use.

    What is raised there is raised here. Nothing is made before the first item is asked for, and no more than one item
    that nobody has asked for.
    """
    yield from begun(items)


def begun(items: Iterable[T]) -> Iterator[T]:
    """The same, but the first item is made from now on."""
    maker = _Maker(items)
    maker.start()
    taken: Iterator[T] = _taken(maker)
    # so that the thread ends with it, though nobody ever asks for an item
    next(taken)
    return taken


def _taken(maker: _Maker) -> Iterator[T]:
    """What is made, behind an item that is none."""
    try:
        yield None  # type: ignore[misc]
        while (made := maker.take()).more:
            if made.error is not None:
                raise made.error
            item = made.item
            del made
            yield item  # type: ignore[misc]
            # what is no longer in use need not wait for the next one
            del item
    finally:
        maker.leave()
