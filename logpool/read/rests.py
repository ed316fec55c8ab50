"""What is left of a line when its times are cut out of it, and its addresses, ids, numbers and words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from logpool.native.cutting import Out
from logpool.read.patterns import SAMPLES, SAMPLES_OF_NUMBERS

if TYPE_CHECKING:
    from logpool.native.cutting import Taken

# what stands for an id that was taken out, by the mark in its place: none that a log holds
_IDS = {
    "\x03": "d3b07384d113edec49eaa6238ad5ff00",
    "\x04": "9182736455463728190",
    "\x05": "91827364",
    "\x06": "9182736.1827",
    "\x0c": "1827:d3b0:1827:d3b0:1827:d3b0:1827:1827",
}
#: what shows that one of these is part of something, be it as a number
PARTS_OF_IDS = ("d3b0", "1827")
_SAMPLES = {Out.NUMBERS: SAMPLES_OF_NUMBERS, Out.WORDS: SAMPLES, Out.CHUNKS: SAMPLES}


class Rest(NamedTuple):
    """What a cut leaves of a line.

    Attributes:
        key: the line without its times (the mark in their places), without the seconds of a timing (the character 2 in
            their place), without the address that may be the connection's (7 in its place), and, where they were to be
            taken out, without its ids (the character 3 in their places, 4 in those of numbers, 5 of short ones, 6 of
            those with many decimals, 12 of network addresses), its other addresses (8), its other numbers (14 in those
            of one digit, then on), words (28 to 31), paths, URLs, mail addresses and
            network addresses of four numbers (11).
        address: that address, ``0x…``; None where there is none.
        seconds: likewise.
        thread: likewise, where a number or a word that was taken out is part of it.
        out: what was to be taken out.
    """

    key: str
    address: str | None
    seconds: str | None
    thread: str | None = None
    out: Out = Out.NOTHING

    @property
    def text(self) -> str:
        """The line without its times, and with the same id, number or word in the place of each that was taken out."""
        text = self.key if self.address is None else self.key.replace("\x07", self.address, 1)
        text = text if self.seconds is None else text.replace("\x02", self.seconds, 1)
        for mark, one in _IDS.items() if self.has_ids else ():
            text = text.replace(mark, one)
        return text.translate(_SAMPLES[self.out]) if self.out in _SAMPLES else text

    @property
    def has_ids(self) -> bool:
        """Whether some were taken out."""
        return self.out >= Out.IDS and any(mark in self.key for mark in _IDS)


def rest_of(taken: Taken, place: int) -> Rest:
    """The rest of one of the lines that were cut, by its place among them."""
    cutter = taken.cutter
    key = cutter.keys.get(taken.key(place))
    return Rest(key, taken.address(place), taken.seconds(place), taken.thread(place), cutter.out)
