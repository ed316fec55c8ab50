"""Steps made of plain rows, as a batch of events has them."""

import polars as pl
from hypothesis import strategies as st

from logpool.native.events import Events
from logpool.native.steps import Steps

LABELS = st.integers(0, 5)
THREADS = st.none() | LABELS
LINES = st.integers(0, 1 << 40)
TIMES = st.none() | st.integers(-50, 50)
STEP = st.tuples(st.integers(0, 2), TIMES, st.integers(-2, 2), st.none() | st.integers(0, 3))
STEPS = {"group": pl.UInt32, "time": pl.Int64, "out": pl.Int8, "out_thread": pl.UInt32}
EVENT = {"shape": pl.UInt32, "time": pl.Int64, "line": pl.Int64, "source": pl.UInt32, "thread": pl.UInt32}
_OTHER = {"opened": pl.Int8, "closed": pl.Int8, "out": pl.Int8, "out_seq": pl.Int64, "out_thread": pl.UInt32}
_NONE = pl.DataFrame(schema={"begin": pl.UInt32, "end": pl.UInt32})


def steps_of(rows: pl.DataFrame, first: int = 0, groups: int = 8) -> Steps:
    """Steps of ``group``; with ``time``, ``line``, ``source``, and what :data:`_OTHER` names, or with none of these."""
    wanted = {"time": pl.Int64, "line": pl.Int64, "source": pl.UInt32, **_OTHER}
    given = [
        pl.col(name) if name in rows.columns else pl.lit(None, dtype).alias(name) for name, dtype in wanted.items()
    ]
    whole = rows.select("group", *given).with_columns(
        pl.col("line", "source", "opened", "closed", "out").fill_null(0), thread=pl.lit(None, pl.UInt32)
    )
    events = whole.select(pl.col("group").alias("shape"), "time", "line", "source", "thread").cast(EVENT)  # type: ignore[arg-type]
    others = whole.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias("place"), *_OTHER).cast(_OTHER)  # type: ignore[arg-type]
    return Steps(Events(events, first, pl.Series(range(groups), dtype=pl.UInt32)), _NONE, _NONE, others)
