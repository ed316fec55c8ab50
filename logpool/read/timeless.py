"""Rows in which no time can stand, such as a traceback's: each text of them is looked at once."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from logpool.classes import stateful
from logpool.native.cutting import Cutter, Taken
from logpool.native.finding import Fate, Known, Lot
from logpool.native.library import NONE
from logpool.native.texts import Texts
from logpool.read.numbering import MOST_TEXTS, holding
from logpool.read.vocabulary import MAY_MATTER

if TYPE_CHECKING:
    from logpool.native.lines import Rows

#: whatever holds no such figures has no time in any format; decimals are none
LIKE_A_TIME = r"\d:\d|(?:^\.?|[^\d.]|\D\.)\d{8}"


@stateful
class Timeless:
    """What is known of such rows.

    Attributes:
        most: how many texts may be.
    """

    most: int = MOST_TEXTS

    def __post_init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._cutter, self._known = Cutter([], leading=False), Known([])

    def parted(self, rows: Rows, chosen: array[int]) -> tuple[array[int], list[int]]:
        """Parts some rows, by their numbers: those in which a time may stand, and those that matter without one."""
        if self._cutter.most > self.most:
            self._begin()
        taken = Taken.of(self._cutter, rows, chosen)
        self._learn(taken.first_key)
        # none of them is anything yet
        found = self._known.find(rows, chosen, taken, Texts(), Texts(), array("q"), 0, Lot())
        return found.left, [one.row for one in found.aside]

    def _learn(self, first: int) -> None:
        """Looks at the texts from a number on."""
        texts, known = self._cutter.keys, self._known
        for timed, matters in zip(holding(LIKE_A_TIME, texts, first), holding(MAY_MATTER, texts, first), strict=True):
            known.fates.append(Fate.LEFT if timed else Fate.SET_ASIDE if matters else Fate.DROPPED)
        for column, number in ((known.labels, 0), (known.fixed, NONE), (known.threads, NONE)):
            column.extend([number] * (len(texts) - first))
