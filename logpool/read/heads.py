"""The head of a record: what stands before its message, in any layout that is known, inside any wrapper.

A head is read with every time in it replaced by :data:`TIME`, once for each distinct one. First what collected the
log is taken off (docker, Kubernetes, syslog, Heroku, colour codes); then the first layout that fits says where
logger, level, process and thread stand. Where none fits, the message itself is found wherever it stands, and only
what is certain is taken from around it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from logpool.read.around import PROCESSES, WORDS_OF_OTHERS, are_fields, record_around
from logpool.read.grammar import parse_message
from logpool.read.layouts import in_known_layouts
from logpool.read.nameless import WORDS_OF_FIELDS
from logpool.read.objects import KEYS, in_json, in_logfmt
from logpool.read.records import LEVEL_NAMES, Head, Record, is_pool_logger, logger_name
from logpool.read.starts import STARTS, WORDS_OF_STARTS
from logpool.read.wrappers import DOCKER_TIME, unwrapped, without_colours
from logpool.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

#: the layout of what no layout fits
UNKNOWN = "unknown, the message found in the line"
#: words that tell something in a head, wherever they stand
WORDS_OF_HEADS = (
    *LEVEL_NAMES.split("|"),
    *KEYS,
    *WORDS_OF_STARTS,
    WORDS_OF_FIELDS,
    WORDS_OF_OTHERS,
    "app p py stdout stderr F P MainProcess MainThread Thread ThreadPoolExecutor Dummy asyncio AnyIO worker waitress",
)


def read_head(text: str, processes: tuple[str, ...] = PROCESSES) -> Head | None:
    """A line, its times replaced by :data:`TIME`, taken apart; None for a line that is no record's head.

    Args:
        text: the line.
        processes: of :data:`PROCESSES` and :data:`logpool.read.around.GUESSES`, what may name one where no layout fits.
    """
    readings = list(unwrapped(without_colours(text)))
    fallback: Head | None = None
    for inner, wrapping in readings:
        for head in _in_known_layouts(inner, processes):
            if _is_the_pools(head.record):
                return wrapping.around(_with_its_logger(head))
            fallback = fallback or wrapping.around(head)
    if fallback is not None and fallback.record.logger is not None and is_pool_logger(fallback.record.logger):
        # the layout may have more fields behind those that are known
        start = STARTS.search(fallback.record.message)
        if start is None or not are_fields(fallback.record, start.start()):
            return fallback
    if fallback is None:
        # what nobody knows may stand before an object
        for head in _in_object(readings[0][0], processes):
            if _is_the_pools(head.record):
                return _with_its_logger(head)
    logger = None if fallback is None else logger_name(fallback.record.logger)
    of_another = logger is not None and not is_pool_logger(logger)
    indented = any(inner[:1].isspace() for inner, _ in readings)
    shown = None if fallback is None else fallback.record.level
    record = record_around(readings[0][0], processes, indented=indented, of_another=of_another, shown=shown)
    if record is None:
        return fallback
    # a time before the layout's own may be part of the layout
    wrapping = next(wrapping for _, wrapping in reversed(readings) if wrapping.names[-1:] != (DOCKER_TIME,))
    return wrapping.around(Head(record, UNKNOWN))


def read_json(text: str) -> Head | None:
    """The same, for one JSON object a line and nothing else."""
    for inner, wrapping in unwrapped(without_colours(text)):
        for head in in_json(inner, read_head):
            return wrapping.around(head)
    return None


def _in_known_layouts(text: str, processes: tuple[str, ...]) -> Iterator[Head]:
    """A line without wrappers, in each layout that it fits."""
    if text.startswith("{"):
        yield from in_json(text, partial(read_head, processes=processes))
    if "=" in text:
        yield from in_logfmt(text)
    yield from in_known_layouts(text)


def _in_object(text: str, processes: tuple[str, ...]) -> Iterator[Head]:
    """A line that ends with an object, whatever stands before that."""
    begin = text.find('{"')
    if begin > 0 and text.rstrip().endswith("}"):
        yield from in_json(text[begin:], partial(read_head, processes=processes))


def _with_its_logger(head: Head) -> Head:
    return head._replace(record=replace(head.record, logger=logger_name(head.record.logger)))


def _is_the_pools(record: Record) -> bool:
    message = parse_message(record.message)
    if message is None or record.logger is None or is_pool_logger(record.logger):
        return message is not None
    if message.connection is not None:
        return message.connection.driver != "unknown"
    return logger_name(record.logger) is None and message.kind is not Kind.TIMING
