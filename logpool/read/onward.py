"""Records that stand in a log several times from some place on, as where a handler is added while the program runs.

A notebook's cell that is run again, a set-up that is called for each request: each time one handler more prints every
record. Copies stand right behind each other, or with those of other threads between them, and have the same time to the
millisecond. No connection does the same twice in a row at one time; but a shipper may send a line twice, and one such
pair shows nothing: it takes several near each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logpool.classes import stateful
from logpool.late import pl
from logpool.read.copies import NEAR, ONCE, SECOND
from logpool.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from logpool.read.copies import Meaning

# so many pairs near each other show that a handler was added
_SURE = 3


@stateful
class Onward:
    """Tells such copies from what is to be kept.

    Attributes:
        meaning: of events.
    """

    meaning: Meaning
    # how many events came before those that are looked at, and the last of them
    _seen: int = 0
    _tail: pl.DataFrame | None = None
    # the last pairs: their ``place``, and whether they are ``telling``: a whole second may be of a layout of seconds,
    # and what names no connection of several threads
    _pairs: pl.DataFrame | None = None

    def parted(self, batches: Iterable[pl.DataFrame]) -> Iterator[tuple[pl.DataFrame, pl.Series | None]]:
        """The same events in the same order, with whether each is a copy; None where none is."""
        held: pl.DataFrame | None = None
        for batch in batches:
            rows = batch if held is None else pl.concat([held, batch])
            ready, held = self._ready(rows, is_last=False), None
            if ready < rows.height:
                rows, held = rows.head(ready), rows.slice(ready)
            if rows.height:
                yield rows, self._again(rows)
        if held is not None:
            self._ready(held, is_last=True)
            yield held, self._again(held)

    def _ready(self, rows: pl.DataFrame, *, is_last: bool) -> int:
        """Finds the pairs in some events, and how many of these can be told by now."""
        found = self._pairs_in(rows)
        if self._pairs is not None:
            still = self._pairs["place"].is_between(self._seen - 2 * NEAR, self._seen, "left")
            found = pl.concat([self._pairs.filter(still), found])
        self._pairs = found if found.height else None
        if is_last or self._pairs is None:
            return rows.height
        # what follows may make a pair one of several
        places = found["place"]
        early = places.filter(~self._are_sure(found) & (places >= self._seen + rows.height - NEAR))
        return max(0, int(early[0]) - self._seen) if len(early) else rows.height

    def _pairs_in(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Events that say what the one right before them says, of the same connection and time."""
        places = _is_like_before(rows).arg_true().cast(pl.Int64)
        if self._tail is not None and _is_like_before(pl.concat([self._tail.tail(1), rows.head(1)]))[-1]:
            places = pl.concat([pl.Series([0], dtype=pl.Int64), places])
        if not len(places):
            return pl.DataFrame(schema={"place": pl.Int64, "telling": pl.Boolean})
        telling = pl.col("connection").is_not_null() & pl.col("kind").is_in(ONCE) & (pl.col("time") % SECOND != 0)
        events = self.meaning.of(rows[places]).with_columns_seq(place=places + self._seen)
        return events.filter(_may_be()).select_seq("place", telling=telling)

    @staticmethod
    def _are_sure(pairs: pl.DataFrame) -> pl.Series:
        """Whether several pairs that are telling are near each."""
        places, telling = pairs["place"], pairs.filter("telling")["place"]
        end = telling.search_sorted(places + NEAR, "right").cast(pl.Int64)
        return end - telling.search_sorted(places - NEAR, "left") >= _SURE

    def _again(self, rows: pl.DataFrame) -> pl.Series | None:
        """Which of some events are copies."""
        before, self._seen = self._seen, self._seen + rows.height
        tail = rows.head(0) if self._tail is None else self._tail
        self._tail = rows.tail(NEAR) if rows.height >= NEAR else pl.concat([tail, rows]).tail(NEAR)
        if self._pairs is None:
            return None
        sure = self._pairs["place"].filter(self._are_sure(self._pairs))
        if not len(sure):
            return None
        # each event with the last pair that stands no later: from there on, other threads may stand between
        at = pl.int_range(before, self._seen, eager=True)
        number = sure.search_sorted(at, "right").cast(pl.Int64) - 1
        last = sure.gather(number.clip(0))
        is_near = (number >= 0) & (at - last < NEAR)
        return at.is_in(sure.implode()) | (is_near & self._said_before(pl.concat([tail, rows])).tail(rows.height))

    def _said_before(self, rows: pl.DataFrame) -> pl.Series:
        """Whether events say what the one before them of the same connection says, at the same time."""
        known = self.meaning.of(rows).with_columns_seq(at=pl.int_range(pl.len()))
        found = known.sort("connection", "at", maintain_order=True)
        is_same = pl.all_horizontal(
            # what names none several threads may say at one time
            pl.col("connection") == pl.col("connection").shift(1),
            *(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in ("shape", "thread")),
            pl.col("time") == pl.col("time").shift(1),
            pl.col("at") - pl.col("at").shift(1) < NEAR,
            _may_be(),
        )
        return found.select_seq("at", again=is_same.fill_null(value=False)).sort("at")["again"]


def _may_be() -> pl.Expr:
    """Which events may be copies: at one time several may take one connection that they share, or wait in vain."""
    return (pl.col("kind") != int(Kind.TIMED_OUT)) & (~pl.col("shared") | (pl.col("kind") == int(Kind.CREATED)))


def _is_like_before(rows: pl.DataFrame) -> pl.Series:
    """Whether each event is as the one before it, and of the same time."""
    alike = (rows["shape"] == rows["shape"].shift(1)).fill_null(value=False)
    alike &= rows["connection"].eq_missing(rows["connection"].shift(1))
    if not alike.any():
        return alike
    alike &= (rows["time"] == rows["time"].shift(1)).fill_null(value=False)
    return alike & rows["thread"].eq_missing(rows["thread"].shift(1))
