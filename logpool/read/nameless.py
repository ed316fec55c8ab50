"""Messages of a pool that name no connection, such as "Pool recreating", where no logger vouches for them.

They may stand in anybody's sentence, in a line of source code, in the message of another logger. So what stands before
one must be what layouts put there, and nothing else: times, levels, numbers, threads, the place in SQLAlchemy's own
source. And each has one level, whatever the version.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from logpool.late import regex
from logpool.read.grammar import parse_message
from logpool.read.levels import LEVELS
from logpool.read.locators import without_locators
from logpool.read.records import ANY_PROCESS, LEVEL_NAMES, SOURCE_MODULES, THREAD_NAME, TIME
from logpool.read.starts import LONGEST, STARTS
from logpool.read.wrappers import unwrapped
from logpool.schema import Kind

if TYPE_CHECKING:
    from logpool.read.grammar import Message

_LEVELS = {
    kind: level
    for kind in (
        Kind.CONNECT_FAILED,
        Kind.DISCONNECTED,
        Kind.RESET_FAILED,
        Kind.RECONNECT_EXHAUSTED,
        Kind.RECREATED,
        Kind.DISPOSED,
    )
    for level in LEVELS[kind]
}
_LONGEST_BEFORE = 1 << 8
# where it stands behind an escaped tabulator, what stands in the place of its last group is longer
_UUID = r"[\dA-Fa-f]{8}-(?:[\dA-Fa-f]{4}-){3}[\dA-Fa-f]{12,32}"
# SQLAlchemy's modules, with a file's ending, a function and a line, which are numbers; the old ones are common words
_SOURCE = rf"(?:(?:in )?(?:{SOURCE_MODULES})(?:\.py)?(?:[.:]_*[a-z]\w*)?|(?:in )?(?:pool|log)(?:\.py)?)"
# as {levelname:.1} prints it, or glog, which goes on with the day
_LETTER = regex(r"\W*([DIWEC])(?:\d{4})?\b")
# as structlog prints it
_SMALL_LEVEL = r"\[(?:debug|info|warning|error|critical)\s*\]"
# no call: info("Pool recreating")
_NO_WORDS = r"(?:(?<!\w)\(|[^\w(])"
_FIELDS = regex(
    rf"(?:{_LETTER.pattern})?+(?:{THREAD_NAME.pattern}|\b(?:{LEVEL_NAMES}|{ANY_PROCESS}|{_SOURCE}|{_UUID}"
    rf"|[\da-f]*\d[\da-f]*(?:ms)?)\b|{_SMALL_LEVEL}|{_NO_WORDS})*+"
)
_LEVEL = regex(rf"\b(?:{LEVEL_NAMES})\b|{_SMALL_LEVEL}")
# what ends a field: of a sentence, or of a call, no more than a colon does
_END_OF_FIELD = regex(rf"(?:[\])|>:/-]|\b(?:{LEVEL_NAMES}))\s*$")
_LONGEST_GAP = 1 << 5
# what grep -n puts before a line, of several files each one's name: that of a logger, and a line's, may stand so, too
_NUMBERED = regex(r"(?:[\w./-]*\.(?:log|txt|out|err|jsonl?)(?:[.-][\d-]+)?[:-])?\d+[:-]")
#: words that tell whether these are fields
WORDS_OF_FIELDS = "base impl pool log py in D I W E C ms root debug info warning error critical Process PoolWorker"


def is_among_fields(message: Message, before: str) -> bool:
    """Whether a message is certainly a pool's, though no logger says so.

    Args:
        message: it.
        before: what stands before it in its line.
    """
    own = _LEVELS.get(message.kind)
    if own is None or message.connection is not None or len(before) > _LONGEST_BEFORE:
        return False
    # within what collected the line
    within = without_locators(before)
    found = _NUMBERED.match(within)
    readings = [one for one, _ in unwrapped(within)] + ([within[found.end() :]] if found else [])
    inner = next((one for one in readings if _FIELDS.fullmatch(one)), None)
    if inner is None:
        return False
    level = _level_in(inner)
    return level in {own, own[0]} if level else TIME in inner or bool(THREAD_NAME.search(inner))


def _level_in(before: str) -> str | None:
    found = _LEVEL.search(before)
    if found:
        return found[0].strip("[] ").upper()
    letter = _LETTER.match(before)
    return letter[1] if letter else None


def is_in_doubt(text: str) -> bool:
    """Whether a line may be such a record behind fields that nobody knows: the level fits, and a field ends there."""
    for start in STARTS.finditer(text, 0, LONGEST):
        before = text[: start.start()]
        if _END_OF_FIELD.search(before[-_LONGEST_GAP:]):
            message = parse_message(text[start.start() :])
            own = None if message is None or message.connection is not None else _LEVELS.get(message.kind)
            if own is not None and re.search(rf"\b{own}\b", before[-_LONGEST_BEFORE:]):
                return True
    return False
