"""How often a log prints every record, found out from its first few thousand events.

What shows it is events that name their connection. One connection does not do the same twice in a row: where nearly
all of them do, two handlers print it. Where these print in two layouts, each event of the one has its like in the
other, of the same moment. An event that names no connection shows nothing, since many connections may have it at once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple

from logpool.classes import dataclass, stateful
from logpool.late import pl
from logpool.read.vocabulary import UNKNOWN_POOL
from logpool.schema import Kind

if TYPE_CHECKING:
    from logpool.read.vocabulary import Shape, Vocabulary

#: copies of a record stand no further apart than so many events
NEAR = 4096
#: what the application logs itself: not all handlers that print the pool's records need print these
APPLICATIONS = (int(Kind.TIMING), int(Kind.TIMED_OUT))
#: what no connection does twice in a row: what lies between is of the same level, so no log has the one alone
ONCE = tuple(map(int, (Kind.CREATED, Kind.CHECKED_OUT, Kind.RETURNED, Kind.RESET, Kind.CLOSING)))
# of those that a doubled log has twice, so many do stand there twice
_NEARLY_ALL = 0.95
_FEWEST = 6
# copies in two layouts stand so much nearer to each other than the log is long: a log that begins anew is no copy
_PART = 8
# from how many events on, and how many times as many as usual, a layout is silent that others copy
_LEAST_NEAR, _MANY_TIMES = 64, 8
#: microseconds: how late the second copy of a record may get its time, where each gets one of its own
DELAY = 50_000
SECOND = 1_000_000
# clocks of different zones differ by multiples of this
_ZONES = 900 * SECOND


@stateful
class Meaning:
    """What events are, for those who look for copies.

    Attributes:
        vocabulary: gives them their meaning.
        layouts: the layouts of their shapes, by number; the first is none.
    """

    vocabulary: Vocabulary
    layouts: list[str] = field(default_factory=lambda: [""])
    _numbers: dict[str, int] = field(default_factory=lambda: {"": 0})
    _of_shapes: list[int] = field(default_factory=list)

    def of(self, events: pl.DataFrame) -> pl.DataFrame:
        """Events with ``kind``, ``said`` (what happens), ``group``, ``shared`` and ``layout``."""
        meaning = self.vocabulary.frame()
        shapes = events["shape"]
        kind = meaning["kind"][shapes].alias("kind")
        said = (kind.cast(pl.Int64) * 256 + meaning["detail"][shapes].cast(pl.Int64)).alias("said")
        group = meaning["group"][shapes]
        # a pool that the layout does not show may be one that hands a connection to several users
        unknown = pl.Series([pool == UNKNOWN_POOL for _, _, pool in self.vocabulary.groups], dtype=pl.Boolean)
        shared = meaning["shared"][shapes] | unknown[group].fill_null(value=False)
        layout = self._layouts_of(meaning.height)[shapes].alias("layout")
        return events.with_columns_seq(kind, said, group, shared, layout)

    def _layouts_of(self, shapes: int) -> pl.Series:
        for shape in self.vocabulary.shapes[len(self._of_shapes) : shapes]:
            layout = shape.layout if shape else ""
            if layout not in self._numbers:
                self._numbers[layout] = len(self.layouts)
                self.layouts.append(layout)
            self._of_shapes.append(self._numbers[layout])
        return pl.Series(self._of_shapes, dtype=pl.UInt32)


def runs(rows: pl.DataFrame, *, exact: bool = False) -> pl.DataFrame:
    """Events that say the same in the same layout, as runs: each with the number of its ``run``.

    Of a connection those are one run that follow each other within a second. What names no connection is one if it
    is of the same second, and the application's own of the same time: between the copies of one record another one's
    may stand. Two handlers may print a time with different decimals.

    Args:
        rows: with what :class:`Meaning` adds, and their place ``at`` in the log.
        exact: whether copies have the same time, so that a time tells what is one.
    """
    named, own = _is_named(), pl.col("kind").is_in(APPLICATIONS)
    second = pl.col("time") // SECOND
    keys = rows.with_columns_seq(
        one=pl.when(named).then(pl.col("group").cast(pl.Int64)).otherwise(-1 - pl.col("shape").cast(pl.Int64)),
        other=pl.col("connection").cast(pl.Int64).fill_null(-1),
        then=pl.when(named).then(0).otherwise(pl.when(own | exact).then("time").otherwise(second).fill_null(-1)),
    ).sort("layout", "one", "other", "then", maintain_order=True)
    new_key = pl.any_horizontal(
        pl.col(name).ne_missing(pl.col(name).shift(1)) for name in ("layout", "one", "other", "then")
    )
    new_run = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in ("said", "thread"))
    new_run |= pl.col("time").is_null() != pl.col("time").is_null().shift(1)
    new_run |= ((pl.col("time") - pl.col("time").shift(1)).abs() >= SECOND).fill_null(value=False)
    far = pl.col("at") - pl.col("at").shift(1) > NEAR
    return keys.with_columns_seq(
        run=(new_key | new_run | far.fill_null(value=True)).cum_sum(),
        is_last=new_key.shift(-1, fill_value=True),
    )


def _is_named() -> pl.Expr:
    return pl.col("connection").is_not_null() & ~pl.col("kind").is_in(APPLICATIONS)


@dataclass(frozen=True)
class Repeats:
    """How often handlers of the same layout print every record.

    Attributes:
        counts: by layout; 1 where one does.
        single: the kinds that only one of them prints.
        exact: whether they print the same times.
    """

    counts: dict[int, int]
    single: tuple[int, ...]
    exact: bool = False

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Repeats:
        """Those of the first events, with their :func:`runs`."""
        of_pool = rows.filter(_is_named())
        counts = {int(part["layout"][0]): _repeats(part) for part in of_pool.partition_by("layout")}
        if set(counts.values()) <= {1}:
            return cls({}, ())
        others = pl.col("layout").replace_strict(counts, default=1, return_dtype=pl.UInt32).alias("times")
        kept = rows.with_columns_seq(others).filter(pl.col("times") > 1)
        single = [kind for kind in APPLICATIONS if _stands_alone(kept.filter(pl.col("kind") == kind))]
        times = of_pool.group_by("run").agg(pl.col("time").n_unique())["time"]
        return cls(counts, tuple(single), _share(times == 1) >= _NEARLY_ALL)

    def of_layout(self, layout: int) -> int:
        """How often the records of a layout stand in the log: one that the first events have not has what they have."""
        known = set(self.counts.values())
        return self.counts.get(layout, known.pop() if len(known) == 1 else 1)


def _repeats(named: pl.DataFrame) -> int:
    """How often events stand in one layout that all name a connection."""
    # a connection with several users at once may be taken twice, but it is not made twice
    telling = pl.when("shared").then(pl.col("kind") == int(Kind.CREATED)).otherwise(pl.col("kind").is_in(ONCE))
    if named.select_seq(telling | pl.col("shared")).to_series().sum() < _FEWEST:
        return 1
    found = named.group_by("run").agg(pl.len().cast(pl.Int64).alias("len"), telling.first().alias("telling"))
    lengths = found.filter("telling")["len"]
    if not len(lengths):
        return 1
    times = int(lengths.mode().min())  # type: ignore[arg-type]
    if times == 1 or min(_share(lengths % times == 0), _share(found["len"] % times == 0)) < _NEARLY_ALL:
        return 1
    return times


def _stands_alone(rows: pl.DataFrame) -> bool:
    """Whether some events stand once where others do more often."""
    found = rows.group_by("run").agg(pl.len().cast(pl.Int64).alias("len"), pl.col("times").first())
    return bool(found.height) and _share(found["len"] % found["times"].cast(pl.Int64) == 0) < _NEARLY_ALL


def _share(true: pl.Series) -> float:
    return float(true.sum()) / len(true)


class Again(NamedTuple):
    """The layouts in which a log says again what it says in another one.

    Attributes:
        layouts: they.
        kept: the other one, which tells more.
        times: in how many layouts it says everything.
        near: how many events from these it has something itself, wherever they are copies.
    """

    layouts: frozenset[int]
    kept: int
    times: int
    near: int


def second_layouts(rows: pl.DataFrame, meaning: Meaning) -> Again | None:
    """The layouts in which the first events say again what they say in another one.

    Args:
        rows: they, with what :class:`Meaning` adds; those without repeats.
        meaning: knows the layouts.
    """
    known = rows.filter((pl.col("layout") > 0) & ~pl.col("kind").is_in(APPLICATIONS))
    named = known.filter(pl.col("connection").is_not_null())
    if named.height * 2 < known.height:
        # of a driver that prints nothing to tell connections apart by
        named = known
    counts = Counter(named["layout"].to_list())
    for one, count in counts.most_common():
        others = named.height - count
        times = round(others / count)
        if times < 1 or min(count, others) < _FEWEST or others < _NEARLY_ALL * times * count:
            continue
        found = _pairs(named, one, times)
        if found.height >= _NEARLY_ALL * others and _of_the_same_moments(found, named):
            return _again(named, found, one, times, meaning)
    return None


def _pairs(named: pl.DataFrame, one: int, times: int) -> pl.DataFrame:
    """Each event of the other layouts with its like in one of them.

    Returns:
        Their ``place`` and ``time``, those of the other ``place_right`` and ``time_right``; ``connection``, ``layout``.
    """
    placed = named.select_seq("layout", "group", "said", "connection", "time", place=pl.int_range(pl.len()))
    mine = placed.filter(pl.col("layout") == one)
    others = placed.filter(pl.col("layout") != one)
    number = pl.int_range(pl.len()).over("said", "connection")
    return others.with_columns_seq(number=number // times).join(
        mine.with_columns_seq(number=number), on=["said", "connection", "number"], nulls_equal=True
    )


def _of_the_same_moments(pairs: pl.DataFrame, named: pl.DataFrame) -> bool:
    """Whether nearly all pairs are one record each: of the same time, and near each other if that is not known."""
    apart = (pl.col("place") - pl.col("place_right")).abs()
    near = apart <= pl.when(pl.col("connection").is_null()).then(1).otherwise(max(1, named.height // _PART))
    later = pl.col("time") - pl.col("time_right")
    differences = pairs.select_seq(later).to_series().drop_nulls()
    middle = differences.median() if len(differences) else 0
    zones = round(middle / _ZONES) * _ZONES  # type: ignore[operator, arg-type]
    exact = not any((pairs[name] % SECOND == 0).all() for name in ("time", "time_right"))
    same_time = ((later - zones).abs() <= (DELAY if exact else SECOND)).fill_null(value=True)
    sure = later.is_not_null() & pl.col("connection").is_not_null() & (zones == 0)
    return _share(pairs.select_seq(same_time & (sure | near)).to_series()) >= _NEARLY_ALL


def _again(known: pl.DataFrame, pairs: pl.DataFrame, one: int, times: int, meaning: Meaning) -> Again:
    """Of layouts that say the same those that tell less."""
    counts = known["layout"].value_counts().join(pairs["layout"].value_counts(), on="layout")
    # what another layout has to itself is no copy
    paired = {layout: count for layout, all_, count in counts.iter_rows() if count >= _NEARLY_ALL * all_}
    most = max(paired.values())
    # one handler's records may have several layouts
    main = [layout for layout, count in paired.items() if count == most or (times > 1 and count >= _NEARLY_ALL * most)]
    tells = _tells(known, meaning)
    # of those that tell as much the one that comes first
    kept = max((layout for layout in tells if layout == one or layout in main), key=lambda layout: tells[layout])
    left_out = frozenset({one} if times == 1 and kept != one else {one, *paired} - {kept})
    return Again(left_out, kept, times + 1, _nearness(known, left_out))


def _nearness(known: pl.DataFrame, left_out: frozenset[int]) -> int:
    """How many events copies stand from what is none; many times as many as nearly all do."""
    place, is_copy = pl.int_range(pl.len()), pl.col("layout").is_in(left_out)
    last = pl.when(~is_copy).then(place)
    apart = pl.min_horizontal(place - last.forward_fill(), last.backward_fill() - place)
    usual = known.select_seq(apart.alias("apart"), is_copy.alias("is_copy")).filter("is_copy")["apart"]
    return _LEAST_NEAR + _MANY_TIMES * int(usual.quantile(_NEARLY_ALL) or 0)


def _tells(known: pl.DataFrame, meaning: Meaning) -> dict[int, int]:
    """How much each layout shows, by the first of its events; in the order of these."""
    first = known.unique("layout", keep="first", maintain_order=True)
    found = first.select_seq("layout", "shape", "time", "thread").iter_rows()
    shapes = meaning.vocabulary.shapes
    return {
        layout: _told(shape) + 2 * (time is not None) + (thread is not None)
        for layout, number, time, thread in found
        if (shape := shapes[number]) is not None
    }


def _told(shape: Shape) -> int:
    """How much a layout shows beside time and thread."""
    return 8 * (shape.pool is not None and shape.pool != UNKNOWN_POOL) + 4 * (shape.process is not None)
