"""Logs read as the analysis reads them, and no further."""

from collections.abc import Sequence
from itertools import pairwise

from logpool.read.events import EventReader
from logpool.read.lines import Block, Lines
from logpool.read.numbering import MOST_TEXTS
from logpool.read.reading import Reading
from logpool.read.vocabulary import Vocabulary


def all_of(
    lines: list[str], cuts: Sequence[int], most: int = MOST_TEXTS, *, split: bool = False
) -> tuple[list[tuple[object, ...]], int]:
    """Every event as it is read, process and thread and all; and how many lines are not understood."""
    vocabulary, reading = Vocabulary(), Reading("log")
    places = sorted({0, *(min(cut, len(lines)) for cut in cuts), len(lines)})
    blocks = (Block(begin + 1, Lines.of(lines[begin:end]), 1, split=split) for begin, end in pairwise(places))
    batches = list(EventReader(vocabulary, 0, reading, most_texts=most).read(blocks))
    found: list[tuple[object, ...]] = [
        (line, time, vocabulary.shapes[shape], *(None if one is None else texts.get(one) for texts, one in named))
        for batch in batches
        for line, time, shape, name, thread in batch.drop("source").iter_rows()
        for named in [((vocabulary.connections, name), (vocabulary.threads, thread))]
    ]
    return found, reading.unrecognised_lines
