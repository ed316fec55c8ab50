"""Which lines can matter at all: most of most logs' cannot, and nothing else is done to them."""

from __future__ import annotations

from logpool.native.lines import Needles
from logpool.read.vocabulary import TIMED_OUT_TEXT

# every line that can be an event, a timeout or an unrecognised record holds one of these
_TEXTS = (
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

# pairs of characters that are rare in most logs
NEEDLES = Needles(_TEXTS, rare=("y.", "nn", "Po", "du", "n:", "Jo"))
