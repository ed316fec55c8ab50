"""Logs as tables: events, checkouts and connections, one row each, with the columns of :mod:`logpool.schema`."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import polars as pl

from logpool.analysis import Analysis
from logpool.errors import DamagedInputWarning
from logpool.judge.findings import DAMAGED
from logpool.read.selection import Selection
from logpool.schema import CHECKOUTS, CONNECTIONS, EVENTS, Column, End, Kind
from logpool.track.sequence import Review
from logpool.track.tracked import CHECKOUT, LIFE, connection_of, group_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logpool.analysis import Paths, Progress
    from logpool.track.found import Tracked

_TYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "string": pl.String,
    "int64": pl.Int64,
    "float64": pl.Float64,
    "bool": pl.Boolean,
    "datetime[us]": pl.Datetime("us"),
}


def read_events(
    paths: Paths,
    *,
    layout: str | None = None,
    pools: Iterable[str] = (),
    since: str | None = None,
    until: str | None = None,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Every event of some logs, in order: a row each, with the columns of :data:`logpool.schema.EVENTS`.

    Args:
        paths: as :func:`logpool.analyze` takes them, and so the rest.
        layout: the log's format string.
        pools: only these.
        since: only from this time on: ISO 8601, or how long before the log's end (``2h``).
        until: only before this time.
        progress: called now and then with the bytes and events read so far, and the share of all, where that is known.

    Raises:
        logpool.errors.InputError: no log can be read, or none holds a pool record.

    Warns:
        logpool.errors.DamagedInputWarning: part of the logs could not be read, or not as it stands.
    """
    analysis = _analysis(paths, layout, pools, since, until, progress)
    batches = list(analysis.events())
    _warn(analysis)
    events = pl.concat(batches)
    identities = _identities(analysis, events["connection"]).alias("identity")
    threads = analysis.vocabulary.threads.all()[events["thread"]].alias("thread")
    told = _shapes(analysis)[events["shape"]].with_columns(identities, threads)
    rows = pl.concat([events.drop("shape", "connection", "thread"), told], how="horizontal")
    timing = pl.col("kind") == Kind.TIMING.word
    rows = rows.with_columns(
        _path(analysis, "source", "path"),
        _time("time", "time"),
        connection=pl.when(~timing).then("identity"),
        seconds=pl.when(timing).then("identity").cast(pl.Float64),
    )
    return _shown(analysis, rows, EVENTS)


def read_checkouts(
    paths: Paths,
    *,
    layout: str | None = None,
    pools: Iterable[str] = (),
    since: str | None = None,
    until: str | None = None,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Every checkout, in order of its beginning, with the columns of :data:`logpool.schema.CHECKOUTS`.

    Takes what :func:`read_events` takes, and raises the same.
    """
    analysis = _analysis(paths, layout, pools, since, until, progress)
    tracked = list(analysis.tracked())
    _warn(analysis)
    rows = pl.concat([pl.DataFrame(schema=CHECKOUT), *(one.checkouts.table for one in tracked)])
    rows = _reviewed(rows, tracked).sort("out_seq")
    outcome = pl.col("outcome").replace_strict({int(end): end.word for end in End}, return_dtype=pl.String)
    rows = rows.with_columns(
        *_named(analysis, rows),
        _path(analysis, "out_source", "path"),
        _path(analysis, "end_source", "end_path"),
        _time("out_time", "start"),
        _time("end_time", "end"),
        line="out_line",
        hold_seconds=_seconds(pl.col("end_time") - pl.col("out_time")),
        outcome=outcome,
    )
    return _shown(analysis, rows, CHECKOUTS)


def read_connections(
    paths: Paths,
    *,
    layout: str | None = None,
    pools: Iterable[str] = (),
    since: str | None = None,
    until: str | None = None,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Every life of a connection, in order of its beginning, with the columns of :data:`logpool.schema.CONNECTIONS`.

    Takes what :func:`read_events` takes, and raises the same.
    """
    analysis = _analysis(paths, layout, pools, since, until, progress)
    rows = pl.concat([pl.DataFrame(schema=LIFE), *(one.lives.table for one in analysis.tracked())]).sort("life_seq")
    _warn(analysis)
    over = pl.when("dropped").then(pl.lit("dropped")).otherwise(pl.lit("closed"))
    life = _seconds(pl.col("end_time") - pl.col("life_time"))
    rows = rows.with_columns(
        *_named(analysis, rows),
        _path(analysis, "life_source", "path"),
        _path(analysis, "end_source", "end_path"),
        pl.when("born").then(_time("life_time", "created")).alias("created"),
        _time("end_time", "closed"),
        line="life_line",
        life_seconds=pl.when("born").then(life),
        outcome=pl.when(pl.col("end_seq").is_null()).then(pl.lit("open")).otherwise(over),
        checkouts="uses",
    )
    return _shown(analysis, rows, CONNECTIONS)


def _analysis(
    paths: Paths,
    layout: str | None,
    pools: Iterable[str],
    since: str | None,
    until: str | None,
    progress: Progress | None,
) -> Analysis:
    return Analysis(paths, layout, Selection.of(pools, since, until), progress=progress)


def _warn(analysis: Analysis) -> None:
    if analysis.damages.all:
        warnings.warn(f"{DAMAGED}: {analysis.damages.told()}", DamagedInputWarning, stacklevel=3)


def _shown(analysis: Analysis, rows: pl.DataFrame, columns: Iterable[Column]) -> pl.DataFrame:
    shown = rows.select(pl.col(column.name).cast(_TYPES[column.type]) for column in columns)
    offsets = [reading.offset for reading in analysis.readings if reading.first_time is not None]
    if not offsets or None in offsets:
        return shown
    times = [name for name, dtype in shown.schema.items() if dtype == _TYPES["datetime[us]"]]
    return shown.with_columns(pl.col(times).dt.replace_time_zone("UTC"))


def _seconds(microseconds: pl.Expr) -> pl.Expr:
    """A duration; none at all (0) where the log's clock steps back."""
    # polars multiplies by 1e-6, which misses the nearest number; rounding finds it
    return (microseconds.clip(0) / 1e6).round(6)


def _time(name: str, alias: str) -> pl.Expr:
    return pl.col(name).cast(pl.Datetime("us")).alias(alias)


def _path(analysis: Analysis, name: str, alias: str) -> pl.Expr:
    paths = dict(enumerate(analysis.places))
    return pl.col(name).replace_strict(paths, return_dtype=pl.String, default=None).alias(alias)


def _identities(analysis: Analysis, codes: pl.Series) -> pl.Series:
    return analysis.vocabulary.connections.all()[codes]


def _named(analysis: Analysis, rows: pl.DataFrame) -> list[pl.Series]:
    """``pool``, ``process`` and ``connection`` of rows with a ``key``."""
    groups = analysis.vocabulary.groups
    names = pl.DataFrame(
        [(pool, process or analysis.readings[source].path) for source, process, pool in groups],
        schema={"pool": pl.String, "process": pl.String},
        orient="row",
    )
    codes = rows.select(group_of().alias("group"), connection_of().alias("connection"))
    found = names[codes["group"]]
    return [found["pool"], found["process"], _identities(analysis, codes["connection"]).alias("connection")]


def _shapes(analysis: Analysis) -> pl.DataFrame:
    """What each shape says, as the columns of events show it."""
    rows: list[tuple[str | None, ...]] = []
    for shape in analysis.vocabulary.shapes:
        if shape is None:
            rows.append((None,) * 6)
            continue
        said = shape.message
        driver = said.connection.driver if said.connection else None
        rows.append(
            (
                said.kind.word,
                said.detail.word,
                shape.pool,
                shape.process,
                driver,
                said.reason,
            )
        )
    texts = ("kind", "detail", "pool", "process", "driver", "reason")
    return pl.DataFrame(rows, schema=dict.fromkeys(texts, pl.String), orient="row")


def _reviewed(checkouts: pl.DataFrame, tracked: Iterable[Tracked]) -> pl.DataFrame:
    """Checkouts with what is known only when all is: whose reset failed, and what the garbage collector returned."""
    review = Review()
    for one in tracked:
        review.take(one.violations, one.later)
    verdict = review.finish()
    reclaimed = pl.col("out_seq").is_in(verdict.reclaimed["out_seq"].drop_nulls().implode())
    incomplete = pl.col("out_seq").is_in(verdict.incomplete["out_seq"].implode())
    return checkouts.with_columns(
        outcome=pl.when(reclaimed).then(pl.lit(int(End.RECLAIMED), pl.UInt8)).otherwise("outcome"),
        complete=pl.col("complete") & ~incomplete,
    )
