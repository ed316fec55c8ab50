"""Which lines can matter at all: most of most logs' cannot, and nothing else is done to them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from logpool.read.vocabulary import TIMED_OUT_TEXT

if TYPE_CHECKING:
    import polars as pl

# every line that can be an event, a timeout or an unrecognised record holds one of these
NEEDLES = (
    "sqlalchemy.pool",
    "onnection ",
    "Error on connect",
    "Pool recreating",
    "Pool disposed",
    "Exception during reset",
    "Time taken:",
    "time taken:",
    "Job done.",
    TIMED_OUT_TEXT,
)

# an alternation of literals is the fastest way to look for several
_ANY = "|".join(map(re.escape, NEEDLES))


def needed_of(lines: pl.Series) -> pl.Series:
    """For each line whether it can matter."""
    return lines.str.contains(_ANY)
