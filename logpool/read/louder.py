"""Records at INFO and above that stand in a log twice, while those at DEBUG stand there once.

So it is where one handler prints all of the pool's records, as ``echo_pool="debug"`` does, and another one, of the root
logger and at INFO, the louder ones again. They are few, and may be far between; but no connection is invalidated twice,
nor recycled, without anything else between: one such pair shows it.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple

from logpool.classes import stateful
from logpool.late import pl
from logpool.native.numbers import places_of
from logpool.read.copies import APPLICATIONS, DELAY, SECOND
from logpool.read.levels import LEVELS
from logpool.schema import Kind

if TYPE_CHECKING:
    from logpool.read.copies import Meaning

# copies stand no further apart than so many events, and where not both have times no further than so many
_NEAR, _NEXT = 64, 2
# what happens to a connection once, and what else is told at INFO and above
_ONCE = frozenset({int(Kind.INVALIDATED), int(Kind.RECYCLED)})
_LOUD = frozenset(int(kind) for kind, levels in LEVELS.items() if levels != {"DEBUG"})
_MOST_KEPT = 1 << 12


class _Said(NamedTuple):
    """The last time that something loud was said of a connection, or of none."""

    at: int
    process: str | None
    thread: int | None
    time: int | None
    is_copy: bool = False


@stateful
class Louder:
    """Tells such copies from what is to be kept.

    Attributes:
        meaning: of events.
        sure: whether a pair was found that is one record.
    """

    meaning: Meaning
    sure: bool = False
    _seen: int = 0
    _said: dict[tuple[str | None, int, int | None], _Said] = field(default_factory=dict)
    # the last events
    _tail: pl.DataFrame | None = None

    def again(self, events: pl.DataFrame) -> list[int]:
        """The places of copies in a batch, in order."""
        kinds = self.meaning.vocabulary.frame()["kind"]
        places = places_of(events["shape"], kinds.is_in(list(_LOUD)))
        last = events.select_seq("shape", "connection")
        tail = last.clear() if self._tail is None else self._tail
        found = self._among(events, places, pl.concat([tail, last])) if len(places) else []
        self._seen += events.height
        self._tail = pl.concat([tail, last.tail(2 * _NEAR)]).tail(2 * _NEAR)
        return found

    def _among(self, events: pl.DataFrame, places: pl.Series, known: pl.DataFrame) -> list[int]:
        columns = ("kind", "said", "group", "shared", "connection", "time", "thread")
        rows = self.meaning.of(events[places]).select_seq(columns)
        begin = self._seen + events.height - known.height
        found = []
        for place, (kind, said, group, shared, connection, time, thread) in zip(places, rows.iter_rows(), strict=True):
            _, process, pool = (0, None, None) if group is None else self.meaning.vocabulary.groups[group]
            one, key = _Said(self._seen + place, process, thread, time), (pool, said, connection)
            before = self._said.get(key)
            is_copy = before is not None and _is_one(before, one)
            if before is not None and is_copy:
                if kind in _ONCE and connection is not None and not shared:
                    between = known["connection"].slice(before.at + 1 - begin, one.at - before.at - 1)
                    is_copy = not (between == connection).any() and self._is_quiet(known, before.at - begin, pool)
                    self.sure |= is_copy
                else:
                    is_copy = self.sure and not before.is_copy
            self._said[key] = one._replace(is_copy=is_copy)
            if is_copy:
                found.append(place)
        if len(self._said) > _MOST_KEPT:
            self._said = {key: one for key, one in self._said.items() if self._seen + events.height - one.at <= _NEAR}
        return found

    def _is_quiet(self, known: pl.DataFrame, place: int, pool: str | None) -> bool:
        """Whether the log shows, right before a place, what a pool tells at DEBUG: else nothing stands between."""
        meaning = self.meaning.vocabulary.frame().select_seq("kind", "group")
        shapes = known["shape"].slice(max(0, place - _NEAR), min(place, _NEAR))
        groups = self.meaning.vocabulary.groups
        return any(
            group is not None and groups[group][2] == pool and kind not in _LOUD and kind not in APPLICATIONS
            for kind, group in meaning[shapes.unique()].iter_rows()
        )


def _is_one(before: _Said, one: _Said) -> bool:
    """Whether two records may be one: some layouts show neither process nor thread, seconds alone, or no time."""
    if any(None not in pair and pair[0] != pair[1] for pair in zip(before[1:3], one[1:3], strict=True)):
        return False
    if before.time is None or one.time is None:
        return one.at - before.at <= _NEXT
    whole = before.time % SECOND == 0 or one.time % SECOND == 0
    return one.at - before.at <= _NEAR and abs(one.time - before.time) < (SECOND if whole else DELAY)
