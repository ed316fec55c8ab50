"""Records that were printed twice: by two handlers, in one layout or in two. Each counts once.

With ``echo_pool`` and a handler of the root logger, or with plain text beside JSON, every record stands in the log
twice. Undetected, every count doubles. One doubled record proves nothing: so a log's first few thousand events tell
whether it is doubled throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from logpool.late import pl
from logpool.read.vocabulary import UNKNOWN_POOL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from logpool.read.reading import Reading
    from logpool.read.vocabulary import Shape, Vocabulary

#: how many events decide
DECIDING = 4096
_NEARLY_ALL = 0.95
# of a doubled log's events half repeat the one before
_NEARLY_HALF = 0.45
_FEWEST = 6
_SHOWN = 5


@dataclass
class Doubles:
    """What was left out of one source.

    Attributes:
        vocabulary: gives the events their meaning.
        reading: what was read of the source; what is left out of its pool lines is counted there.
        count: how many records were left out.
        places: where the first few stand: the number of the file, and the line.
        how: in what way the log is doubled, for people.
    """

    vocabulary: Vocabulary
    reading: Reading
    count: int = 0
    places: list[tuple[int, int]] = field(default_factory=list)
    how: str | None = None
    _dropped_layout: str | None = None
    _halved: bool = False
    _last: pl.DataFrame | None = None

    def without(self, batches: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The events of one source, each once."""
        waiting: list[pl.DataFrame] = []
        decided = False
        for batch in batches:
            if decided:
                yield self._once(batch)
                continue
            waiting.append(batch)
            if sum(one.height for one in waiting) >= DECIDING:
                decided = True
                yield from self._decide(waiting)
        if not decided:
            yield from self._decide(waiting)

    def _decide(self, waiting: list[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        if waiting:
            sample = pl.concat(waiting).head(DECIDING)
            self._dropped_layout = self._second_layout(sample)
            if self._dropped_layout is None:
                self._halved = self._is_repeated(sample)
        yield from map(self._once, waiting)

    def _second_layout(self, sample: pl.DataFrame) -> str | None:
        """The layout in which a log says again what it says in another one; the one that tells less."""
        shapes = self.vocabulary.shapes
        layouts = {shape.layout for number in sample["shape"].unique() if (shape := shapes[number]) is not None}
        if len(layouts - {""}) != 2:  # noqa: PLR2004 - a pair
            return None
        by_layout: dict[str, list[tuple[int, int, int | None]]] = {}
        told: dict[str, int] = {}
        for number, connection, thread in sample.select_seq("shape", "connection", "thread").iter_rows():
            shape = shapes[number]
            if shape is not None and shape.layout:
                said = (int(shape.message.kind), int(shape.message.detail), connection)
                by_layout.setdefault(shape.layout, []).append(said)
                told.setdefault(shape.layout, _told(shape) + (thread is not None))
        (one, first), (other, second) = by_layout.items()
        shorter, longer = sorted((len(first), len(second)))
        if shorter < _FEWEST or shorter < _NEARLY_ALL * longer - 1:
            return None
        same = sum(a == b for a, b in zip(first, second, strict=False))
        if same < _NEARLY_ALL * shorter:
            return None
        kept, dropped = (one, other) if told[one] >= told[other] else (other, one)
        self.how = f"in two layouts ({kept}, and again in {dropped})"
        return dropped

    def _is_repeated(self, sample: pl.DataFrame) -> bool:
        """Whether connections do everything twice. Those that have several users at once may, and prove nothing."""
        alone = ~self.vocabulary.frame()["shared"][sample["shape"]]
        repeated = _repeated(sample.filter(alone & sample["connection"].is_not_null()), self.vocabulary)["repeated"]
        if len(repeated) < _FEWEST or repeated.sum() < _NEARLY_HALF * len(repeated):
            return False
        self.how = "in the same layout"
        return True

    def _once(self, batch: pl.DataFrame) -> pl.DataFrame:
        if self._dropped_layout is not None:
            layouts = [shape is not None and shape.layout == self._dropped_layout for shape in self.vocabulary.shapes]
            again = pl.Series(layouts, dtype=pl.Boolean)[batch["shape"]]
        elif self._halved:
            again = self._again(batch)
        else:
            return batch
        self.count += int(again.sum())
        groups = self.vocabulary.frame()["group"][batch["shape"].filter(again)]
        self.reading.doubled_lines += len(groups) - groups.null_count()
        if len(self.places) < _SHOWN:
            self.places += batch.filter(again).select_seq("source", "line").head(_SHOWN - len(self.places)).rows()
        return batch.filter(~again)

    def _again(self, batch: pl.DataFrame) -> pl.Series:
        """For each event whether it is every second one of a run of equal ones."""
        before = self._last if self._last is not None else batch.clear().with_columns_seq(odd=pl.lit(value=False))
        rows = pl.concat([before, batch.with_columns_seq(odd=pl.lit(None, pl.Boolean))], how="diagonal")
        runs = _repeated(rows, self.vocabulary)
        # the place in the run, counted on from what the last batch ended with
        place = pl.int_range(pl.len()).over("run")
        begun = pl.col("odd").first().over("run").fill_null(value=False).cast(pl.Int64)
        runs = runs.with_columns_seq(odd=((place + begun) % 2 == 1))
        last = runs.filter(pl.col("key") != pl.col("key").shift(-1, fill_value=-(1 << 62)))
        self._last = last.select_seq(*batch.columns, "odd")
        return runs.sort("place").filter(pl.col("place") >= before.height)["odd"]


def _repeated(rows: pl.DataFrame, vocabulary: Vocabulary) -> pl.DataFrame:
    """Rows by connection, with ``repeated``: the same as the one before; and the number of their run."""
    meaning = vocabulary.frame()
    kinds = meaning["kind"][rows["shape"]]
    details = meaning["detail"][rows["shape"]]
    rows = rows.with_columns_seq(
        said=kinds.cast(pl.Int64) * 256 + details.cast(pl.Int64),
        # what names no connection repeats if its whole shape does
        key=pl.coalesce(pl.col("connection").cast(pl.Int64), -1 - pl.col("shape").cast(pl.Int64)),
        place=pl.int_range(pl.len()),
    ).sort("key", maintain_order=True)
    same = (
        (pl.col("key") == pl.col("key").shift(1))
        & (pl.col("said") == pl.col("said").shift(1))
        & pl.col("time").eq_missing(pl.col("time").shift(1))
    ).fill_null(value=False)
    return rows.with_columns_seq(repeated=same, run=(~same).cast(pl.Int64).cum_sum())


def _told(shape: Shape) -> int:
    """How much a layout shows beside the thread."""
    return 4 * (shape.pool is not None and shape.pool != UNKNOWN_POOL) + 2 * (shape.process is not None)
