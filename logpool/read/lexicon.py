"""The words that may matter to whoever reads a line: in the place of any other word, another one may as well stand."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

from logpool.late import regex
from logpool.native.variables import Words
from logpool.read.grammar import grammar_text
from logpool.read.heads import WORDS_OF_HEADS
from logpool.read.stamps import WORDS_OF_TIMES
from logpool.read.vocabulary import WORDS_OF_RECORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORD = regex(r"[^\W_]+")
# whatever is named so: QueuePool, ThreadPoolExecutor; AdaptedConnection; OperationalError, KeyboardInterrupt
_PARTS = ("pool", "connection", "error", "exception", "exit", "interrupt", "warning")
# a word that is in one line of so many is part of their layout: it need not be tried
_OFTEN = 4


@cache
def _meaningful() -> frozenset[str]:
    """Those of messages, drivers, layouts and times."""
    grammars = [grammar_text(name) for name in ("message", "connection")]
    return frozenset(_WORD.findall(" ".join([*grammars, *WORDS_OF_TIMES, *WORDS_OF_HEADS, *WORDS_OF_RECORDS])))


def words_of(lines: Sequence[str]) -> Words:
    """Those, and the ones that some lines have in common."""
    counts = Counter(word for line in lines for word in set(_WORD.findall(line)))
    common = [word for word, count in counts.items() if count * _OFTEN >= len(lines)]
    return Words([*_meaningful(), *common], _PARTS)
