"""From the numbers that tables hold to what a person reads: places, times, pools, processes, connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logpool.classes import dataclass
from logpool.read.times import iso
from logpool.report.model import Evidence
from logpool.track.tracked import connection_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import polars as pl

    from logpool.read.grammar import Message
    from logpool.read.reading import Reading
    from logpool.read.vocabulary import Vocabulary

#: how many places a finding cites
EVIDENCE = 5


@dataclass(frozen=True)
class Names:
    """What the numbers of one analysis mean.

    Attributes:
        vocabulary: names shapes, groups and connections.
        readings: what was read of each source.
        places: the path of each file, by its number.
    """

    vocabulary: Vocabulary
    readings: Sequence[Reading]
    places: Sequence[str]

    def place(self, source: int, line: int) -> Evidence:
        """A place, by the number of its file."""
        return Evidence(self.places[source], line)

    def evidence(self, places: Iterable[tuple[int, int]]) -> tuple[Evidence, ...]:
        """The first few of some places, each once."""
        return tuple(self.place(source, line) for source, line in list(dict.fromkeys(places))[:EVIDENCE])

    def time(self, time: int | None, group: int | None = None) -> str | None:
        """A time in microseconds as ISO 8601, with the offset of the group's log where it has one."""
        if time is None:
            return None
        number = 0 if group is None else self.vocabulary.groups[group][0]
        return iso(time, self.readings[number].offset)

    def pool(self, group: int) -> str:
        """The logger of a group's pool."""
        return self.vocabulary.groups[group][2]

    def process(self, group: int) -> str:
        """A group's process, as a person would call it: what the layout shows, else its log."""
        source, process, _ = self.vocabulary.groups[group]
        return process if process is not None else self.readings[source].path

    def message(self, shape: int) -> Message | None:
        """What a record of some shape says."""
        known = self.vocabulary.shapes[shape]
        return None if known is None else known.message

    def connections(self, keys: pl.Series) -> list[str | None]:
        """The identities of connections."""
        names = self.vocabulary.connections.all()
        codes = keys.to_frame("key").select_seq(connection_of()).to_series()
        return names[codes].to_list()
