"""Records in no layout that is known: the message, wherever it stands, and what is certain of what stands around it."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from logpool.late import regex
from logpool.read.grammar import parse_message
from logpool.read.levels import LEVELS
from logpool.read.locators import LOCATOR, without_locators
from logpool.read.nameless import is_among_fields
from logpool.read.records import LEVEL_NAMES, PROCESS_NAME, THREAD, THREAD_NAME, TIME, Record
from logpool.read.starts import LONGEST, PART_OF_A_MESSAGE, STARTS

if TYPE_CHECKING:
    from logpool.read.grammar import Message

_POOL_LOGGER = regex(r"sqlalchemy\.pool(?:\.[\w-]+)*")
_POOL_CLASS = regex(r"(?:[A-Za-z_]\w*\.)+[A-Z]\w*Pool(?:\.[\w-]+)*")
# alone in brackets, called so, or in front of a thread: any other number may be a line of source code, or a level
# neither does the first part of a date: 20240905, 240905 before a clock, 11/26/26
_MONTH_AND_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_DATE = (
    rf"(?:(?:19|20)\d\d{_MONTH_AND_DAY}\b|\d\d{_MONTH_AND_DAY}[ T]?{TIME}"
    r"|\d{1,4}(?:/\d{1,2}/|-\d{1,2}-|\.\d{1,2}\.)\d{1,4}\b)"
)
_PROCESS = rf"(?!{_DATE})\d{{1,9}}"
# of a thread, an address: no process has one as large, and what is larger is an id; neither a time of our days
_IDENT = r"(?!1[5-8]\d{8}(?:\d{3})?\b)\d{10,15}(?!\.?\d)"
# what a hyphen alone joins to a number may be an id
_NEXT = rf"(?:(?=-*[:/|, ])[:/|, -]+|-(?={THREAD_NAME.pattern}|{_IDENT}))"
_AROUND = {
    "alone": rf"(?<!\.py)\[(?P<alone>{_PROCESS})\]",
    "called": rf"\bp(?:rocess|id)?(?:[=:] ?| )(?P<called>{_PROCESS})(?!\d)",
    # the line of a module or a logger: [name:753][MainThread]
    "before": rf"(?<![\w.-])(?<!Level )(?<!\.py[:\[])(?:(?<![A-Za-z]:)|(?!\d+\]))(?P<before>{_PROCESS})"
    rf"[\s:|,/\[\](-]+(?={THREAD_NAME.pattern}|{_IDENT})",
    "first": rf"\[(?P<first>{_PROCESS}){_NEXT}{THREAD}\]",
    "other": rf"\((?P<other>{_PROCESS}){_NEXT}(?P<another>[^\s()][^()]*(?:\([^()]*\))?)\)",
}
# a number that is a field, or a name of a worker, may as well be of anything else
_GUESSED = {
    "named": r"(?<![\w.-])(?P<named>[a-z_]*(?:Process|Worker)-\d+(?:[:-]\d+)*)(?![\w.-])",
    "marked": rf"(?<![^\s\[(|;,])[#P](?P<marked>{_PROCESS})(?![\w.-])",
    "enclosed": rf"[(<\"'](?P<enclosed>{_PROCESS})[)>\"']",
    # of a StatefulSet, as stern prints it in front of the container
    "pod": r"^(?P<pod>[a-z][a-z\d-]*-\d{1,3}) [a-z][a-z\d-]* ",
    "field": rf"(?<![^\s|;,])(?<!Level )(?P<field>{_PROCESS})(?![^\s|;,])",
}
#: how a number around a message may name a process
PROCESSES = tuple(_AROUND)
#: likewise, where nothing else explains what is told
GUESSES = tuple(_GUESSED)
# at the beginning of a line without a time: the milliseconds since the program began (%(relativeCreated)d), or the like
_COUNT = regex(rf"\s*\d+(?:\.\d+)?(?=\s)(?!.*{TIME})")
# a layout's numbers, the first aligned to the right, and nothing else before the message: "   4711: "
_NUMBERS = regex(r"\s+\d[\d\W]*")
# of a thread that is named by its number alone
_THREAD_NUMBER = regex(rf"(?<![\w.:-]){_IDENT}(?![\w.:])")
# or by a word and a number, alone in brackets: a thread of a pool of threads, or else a request
_NUMBERED_THREAD = regex(rf"(?<=\[)(?!{PROCESS_NAME.pattern}\])[A-Za-z][A-Za-z_.]*(?:-[A-Za-z_.]+)*[-_]\d{{1,4}}(?=\])")
_THREADS = (THREAD_NAME, _THREAD_NUMBER, _NUMBERED_THREAD)
_LEVEL_WORD = regex(r"\b(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\b")
# what a layout may put between logger and message: threads, numbers, whatever is in brackets
_FIELDS = regex(
    rf"(?:(?:{THREAD_NAME.pattern}|{LOCATOR}|\[[^\]]*\]|\([^)]*\)|[\w./]+\.py(?::\d+)?|\d+)[\s:|,/-]*)+", re.IGNORECASE
)
_LONGEST_FIELDS = 1 << 8
# what a layout puts between the logger and the message
_JOINED = regex(rf"[\s:|\])>-]+(?:(?:\d+|{LEVEL_NAMES})[\s:|\])>-]+)*")
_QUOTES = frozenset("'\"`")
# SQLAlchemy's own loggers that are no pool's: they print parameters, and rows
_SQLALCHEMYS = regex(r"\bsqlalchemy\.(?:engine|orm|dialects)\b")
#: words that tell whether a line is theirs
WORDS_OF_OTHERS = "sqlalchemy engine orm dialects"
# another record begins
_ANOTHER = regex(rf"{TIME}.*\b(?:{LEVEL_NAMES})\b")


def record_around(
    text: str, processes: tuple[str, ...], *, indented: bool, of_another: bool, shown: str | None = None
) -> Record | None:
    """The message wherever it stands in a line, and what is certain of what stands around it.

    What names neither a connection nor a pool's logger may be anybody's, as "Pool recreating" in some sentence: it
    counts where nothing but fields stands before it.
    Another logger may be a wrong one; but only a connection's text shows that it is, where the level is no other one
    than a pool's would be.
    A line that begins with white space may be of a traceback, and of the pool's own source: there the message has
    something before it that only a layout puts there.

    Args:
        text: the line.
        processes: of :data:`PROCESSES` and :data:`GUESSES`, what may name a process.
        indented: whether it begins with white space, be it within what collected it.
        of_another: whether it is of another logger, by a layout that is known.
        shown: the level that this layout shows.
    """
    for start in STARTS.finditer(text, 0, LONGEST):
        message = parse_message(text[start.start() :])
        if message is None:
            continue
        before = without_locators(text[: start.start()])
        # in JSON it may stand behind the message
        name = _POOL_LOGGER.search(before) or _POOL_CLASS.search(before) or _POOL_LOGGER.search(text, start.end())
        named = message.connection is not None and message.connection.driver != "unknown"
        elsewhere = of_another or (not _POOL_LOGGER.search(before) and bool(_SQLALCHEMYS.search(before)))
        if elsewhere and (text[start.start() - 1 : start.start()] in _QUOTES or _is_at_odds(message, before, shown)):
            # another logger's, of what it quotes
            return None
        vouched = named or (name and (not elsewhere or _JOINED.fullmatch(before, name.end())))
        if not vouched and (elsewhere or not is_among_fields(message, text[: start.start()])):
            continue
        level = _LEVEL_WORD.search(before)
        count = _COUNT.match(before)
        marked = name or level or count or TIME in before.lstrip() or THREAD_NAME.search(before)
        if indented and not marked and not (named and _NUMBERS.fullmatch(before)):
            continue
        around = _process_around(processes).search(before, count.end() if count else 0)
        found = around.groupdict() if around else {}
        process = next((found[key] for key in processes if found.get(key)), None)
        thread = found.get("thread") or found.get("another")
        if thread is None or LOCATOR in thread:
            # behind a number there may as well be a client's address
            thread = next(filter(None, (_first_match(one, before) for one in _THREADS)), None)
        return Record(
            text[start.start() :],
            name[0] if name else None,
            level[0] if level else None,
            process,
            thread,
        )
    return None


def _is_at_odds(message: Message, before: str, shown: str | None) -> bool:
    """Whether a line has a level, and none at which a pool says that."""
    # others' short forms tell nothing
    levels = set(_LEVEL_WORD.findall(f"{before} {(shown or '').upper()}"))
    own = LEVELS.get(message.kind)
    return own is not None and bool(levels) and not levels & own


@cache
def _process_around(processes: tuple[str, ...]) -> re.Pattern[str]:
    # what matches nothing, where none may name one
    return re.compile("|".join({**_AROUND, **_GUESSED}[one] for one in processes) or r"(?!)", re.IGNORECASE)


def _first_match(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return match[0] if match else None


def are_fields(record: Record, end: int) -> bool:
    """Whether a record's message is, up to a place, what its layout puts before the message: of a task, a user, a path.

    SQLAlchemy's own loggers say nothing but messages as a whole. Behind part of one another line may have been written.
    """
    before = without_locators(record.message[:end])
    if _FIELDS.fullmatch(before):
        return True
    return (
        0 < len(before) <= _LONGEST_FIELDS
        and (record.logger or "").startswith("sqlalchemy.pool")
        and not before[-1].isalnum()
        and not _ANOTHER.search(before)
        and not PART_OF_A_MESSAGE.search(before)
    )
