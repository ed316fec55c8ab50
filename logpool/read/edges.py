"""Where a log was cut: whether its first record still has its begin, and its last one its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logpool.late import regex
from logpool.read.starts import STARTS
from logpool.read.vocabulary import pool_message
from logpool.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from logpool.read.records import Head

_LOGGER = "sqlalchemy.pool"
_OPENING, _CLOSING = frozenset("[({<\"'"), frozenset("])}>\"'")
# what differs from record to record before a message; a long word is looked at once
_NUMBER = regex(r"(?<![^\W_])[^\W_]*\d\w*")


def lacks_begin(line: str, others: Iterable[str]) -> bool:
    """Whether of a log's first record the begin is missing: what stands before the message is an end of others' like.

    And it begins within a word of theirs, within brackets or quotation marks, or behind the pool's logger: else it may
    as well be a record that lacks a field which others have, and at worst its time is not whole.

    Args:
        line: the record.
        others: records behind it.
    """
    before = _before(line)
    if before is None:
        return False
    alike = []
    for other in others:
        like = _before(other)
        if like == before:
            return False
        if like is not None and like.endswith(before) and _is_torn(like[: len(like) - len(before)], before):
            alike.append(like)
    # in a layout whose fields differ each time, one of them may end as another one begins
    return 0 < 2 * len(set(alike)) <= len(alike)


def _is_torn(lost: str, before: str) -> bool:
    """Whether what stands before a message was torn from something by which records are known."""
    is_within_word = _is_of_word(lost[-1]) and _is_of_word(before[:1])
    is_within_brackets = lost[-1] in _OPENING or before[:1] in _CLOSING
    return is_within_word or is_within_brackets or (_LOGGER in lost and _LOGGER not in before)


def _is_of_word(character: str) -> bool:
    """Whether a word may go on with it; figures are of numbers."""
    return character.isalpha() or character in {".", "_"}


def _before(line: str) -> str | None:
    """What stands before the message, whatever its numbers; None where no message begins."""
    start = STARTS.search(line)
    return None if start is None else _NUMBER.sub("0", line[: start.start()])


def lacks_end(head: Head, line: str, layouts: Container[str], loggers: Iterable[str]) -> bool:
    """Whether of a record of a pool without a line end the end is missing.

    Args:
        head: the record.
        line: the same as it stands there.
        layouts: those of the records before it: one whose end is missing may be in another, as half an object is none.
        loggers: those of the pools before it: where the logger stands last, it may be the begin of one.
    """
    told = head.record.logger or ""
    logger = told.lstrip("'\"")
    # all of it may stand there, behind a quotation mark that nothing closes
    if logger and line.endswith(logger) and any(known.startswith(logger) and known != told for known in loggers):
        return True
    message, text = pool_message(head.record), head.record.message
    if message is None:
        return False
    if head.layout not in layouts or text.count("<") > text.count(">"):
        return True
    # what follows the connection may say that it failed
    return message.kind is Kind.PINGED and "<" in text and not text.endswith(">")
