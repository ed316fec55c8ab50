"""What may be times in a line, by how they look and by the keys that they are the values of.

Which of several is the line's own depends on where they stand: what collected a line has a time of its own.
"""

from __future__ import annotations

import re
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from logpool.late import regex
from logpool.read.locators import locators
from logpool.read.starts import STARTS
from logpool.read.times import NAMED_ZONE, OFFSET, ZONES

if TYPE_CHECKING:
    from collections.abc import Iterator

# milliseconds behind all of a time, as ``%(asctime)s.%(msecs)03d`` prints them; a comma may as well begin what is next
_BEHIND = r"(?:[.,]\d{1,3}(?![\d,]))?"
_TWICE = r",(?:(?P<three>\d{3})\.(?P=three)|0(?P<two>\d\d)\.(?P=two)|00(?P<one>\d)\.(?P=one))(?!\d)"
_FRACTION_AND_ZONE = rf"(?:[.,]\d{{1,9}})?(?:Z|{NAMED_ZONE}|\s?{OFFSET}{_BEHIND})?"
_HALF = r"(?:[.,]\d{3}(?:\d{3})?)? [AP]M\b"
# in the basic form of ISO 8601; such figures are nothing else
_BASIC = (
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[ T](?:[01]\d|2[0-3])[0-5]\d[0-5]\d"
    rf"{_FRACTION_AND_ZONE}(?![.,]?\w)"
)
# seconds, perhaps with decimals, or milliseconds since the epoch, of our days, as the first field; elsewhere such a
# number may be anything
_FIRST_FIELD = r"(?:^|(?<=^[\[(]))1[5-9]\d{8}(?:\d{3}|\.\d{1,9})?(?=[\s\]),;|])"
_TIMES = regex(
    # behind the number of a line, as grep prints it, nothing stands but what begins with a year
    r"(?<!\d)(?:(?<!\d[./-])(?=\d{4}[-/.])|(?<!\d[.:/-]))(?:"
    r"(?:\d{4}[-/.]\d{2}[-/.]\d{2}(?:[ T:_/\t]|, | at | @ )|(?:19|20)\d{6}[ T-]|\d{2}[-./]\d{2}[-./]\d{4}(?:[ T\t]|, )"
    r"|\d{2}[/ -][A-Z][a-z]{2}[/ -]\d{4}[: ]|\d{1,2} [A-Z][a-z]{2,8} \d{4} "
    r"|(?<!\w)[A-Z][a-z]{2,8} \d{1,2},? \d{4}(?:,? | @ | at ))"
    rf"\d{{2}}:\d{{2}}:\d{{2}}(?:{_HALF}{_BEHIND}|:\d{{3}}(?![\d:])|{_TWICE}|{_FRACTION_AND_ZONE})"
    # where it is written without zeros, the months come first
    rf"|\d{{1,2}}/\d{{1,2}}/\d{{4}},? \d{{1,2}}:\d\d:\d\d{_HALF}|{_BASIC}|{_FIRST_FIELD}"
    r"|\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?: [AP]M\b)?|1\d{9}\.\d{3,9})(?!\d)"
    r"|\b[A-Z][a-z]{2} (?:[ \d]\d|\d) \d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?: (?:19|20)\d\d\b(?![-/.]\d)| [AP]M\b)?(?!\d)"
    # glog's, behind the letter of the level
    r"|(?<=\b[CDEFIW])\d{4} \d{2}:\d{2}:\d{2}\.\d{6}(?!\d)"
)
# a time as the value of a key, in JSON or logfmt: there it may be a number
_KEYED = regex(
    r'(?P<anchor>(?P<escape>\\*)"(?P<key>asctime|timestamp|time|ts|@timestamp|created|datetime|date'
    r'|__REALTIME_TIMESTAMP|_time)(?P=escape)"\s*:\s*(?:(?P=escape)")?'
    # in a path or a query it is part of what was asked for
    r'|(?: |\b(?<![?&;#/]))(?P<word>asctime|timestamp|time|ts|t)=["\']?)'
    rf"(?P<time>{_TIMES.pattern}|\d{{10}}(?:\d{{3}}){{0,3}}(?:\.\d+)?(?!\d))"
)
_SIGNS_OF_KEYS = ('="', '":', "time=", "='")
_KEYS = (
    "asctime",
    "timestamp",
    "time",
    "ts",
    "t",
    "@timestamp",
    "created",
    "datetime",
    "date",
    "__REALTIME_TIMESTAMP",
    "_time",
)
#: so much of a line may hold its own times, where nothing tells where its message begins
HEAD_WIDTH = 160
LOGGER = "sqlalchemy.pool"
#: words that tell where a time stands, or are part of one
WORDS_OF_TIMES = (
    *_KEYS,
    "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec Mon Tue Wed Thu Fri Sat Sun AM PM Z T",
    *ZONES,
)
_JSON_FILE = regex(r'\{"log":\s*"')
# where a text begins in an object; and where one does that may be a line of a log, of whatever logger
_VALUE = regex(r'(?<!\\)"(?P<key>[^"\\]{1,40})"\s*:\s*"')
_LINES = frozenset({"log", "line", "message", "msg", "textpayload", "content", "text", "logentry", "_raw", "raw"})
_QUOTE = regex(r'(?<!\\)"')
# one that a collector put into another
_OBJECT = regex(
    r'"(?:log|line|message|msg|textPayload|content|text|logEntry|_raw|raw)"\s*:\s*"\s*\{\s*\\+"', re.IGNORECASE
)


class Stamp(NamedTuple):
    """What may be a time.

    Attributes:
        anchor: the text that it stands behind; None where it stands at a fixed place.
        text: it.
        start: where it begins, or the anchor does.
        end: where it ends.
        rank: the smaller, the more likely it is the line's own.
    """

    anchor: str | None
    text: str
    start: int
    end: int
    rank: int


def times_in(head: str, begin: int = 0, end: int | None = None) -> Iterator[re.Match[str]]:
    """What may be times; not what looks so in a client's address."""
    taken: list[tuple[int, int]] | None = None
    for match in _TIMES.finditer(head, begin, len(head) if end is None else end):
        taken = locators(head) if taken is None else taken
        if not any(first <= match.start() and match.end() <= behind for first, behind in taken):
            yield match


def head_width(line: str) -> tuple[int, bool]:
    """How much of a line may hold its own times, and whether that is certain: what stands before the message."""
    start = STARTS.search(line)
    if start:
        return start.start(), True
    logger = line.find(LOGGER)
    return (logger, True) if logger >= 0 else (HEAD_WIDTH, False)


def stamps_of_keys(line: str) -> list[Stamp]:
    """Those of JSON or logfmt, in order, with what collected the line before them; none where no key has a time."""
    if not any(sign in line for sign in _SIGNS_OF_KEYS):
        return []
    objects = _OBJECT.search(line)
    times = [
        Stamp(one["anchor"], one["time"], one.start(), one.end(), _rank(one))
        for one in _KEYED.finditer(line)
        # what is escaped may be anybody's, but in an object that is the line itself
        if not one["escape"] or (objects and objects.start() < one.start())
    ]
    if not times:
        return []
    in_file = _JSON_FILE.search(line)
    if in_file:
        plain = head_width(line)[0]
    else:
        times = sorted([*times, *_within(line)], key=attrgetter("start"))
        plain = min(times[0].start, line.find("{") if "{" in line else len(line))
    before = (
        Stamp(None, one[0], one.start(), one.end(), -1 if in_file and one.start() > in_file.start() else len(_KEYS))
        for one in times_in(line[:plain])
    )
    found: list[Stamp] = []
    for stamp in (*before, *times):
        if not found or stamp.start >= found[-1].end:
            found.append(stamp)
    return found


def _rank(keyed: re.Match[str]) -> int:
    """The smaller, the more likely it is the line's own: in an object within another one it is."""
    return -len(keyed["escape"]) if keyed["escape"] else _KEYS.index(keyed["key"] or keyed["word"])


def _within(line: str) -> Iterator[Stamp]:
    """The time of a line that a collector put into an object: its own comes before the collector's.

    Of a pool's record it may stand anywhere before the message; of another one only where it begins.
    """
    width, certain = head_width(line)
    for value in _VALUE.finditer(line[:width]):
        begin = value.end()
        if not certain and value["key"].lower() not in _LINES:
            continue
        if certain and _QUOTE.search(line, begin, width):
            continue
        for match in times_in(line, begin, width):
            lead = line[begin : match.start()]
            # a time alone is no line
            is_line = line[match.end() : match.end() + 1] != '"' and not _QUOTE.search(lead)
            if is_line and (certain or not lead.strip("[(<")):
                yield Stamp(line[value.start() : match.start()], match[0], value.start(), match.end(), -1)
            return
