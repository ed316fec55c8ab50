"""A logging format string -> where time, logger, level, process, thread and message stand in a line.

A layout works in two steps. :meth:`Layout.cut` takes a column of lines apart into the time and the rest, without
looking at the rest. Times differ from line to line, the rest repeats; so :meth:`Layout.read` takes one rest apart,
once for each distinct one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import polars as pl
from lark import Token, Tree
from lark.exceptions import UnexpectedInput

from logpool.errors import UsageError
from logpool.read.grammar import parser
from logpool.read.times import TimeFormat, time_format, time_formats

if TYPE_CHECKING:
    from collections.abc import Iterable

DOCUMENT = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"
ECHO_POOL = "%(asctime)s %(levelname)s %(name)s %(message)s"
BASIC = "%(levelname)s:%(name)s:%(message)s"
KNOWN = (DOCUMENT, ECHO_POOL, BASIC)

# no level: the end of a time
_LEVEL = r"(?:(?![AP]M\b)[A-Za-z]+|Level \d+)"
_PATTERNS = {
    "levelname": _LEVEL,
    "levelno": r"\d+",
    "lineno": r"\d+",
    "message": r".*",
    "msecs": r"\d+(?:\.\d+)?",
    "name": r"[^\s:](?:.*?[^\s:])??",
    "process": r"\d+",
    "relativeCreated": r"\d+(?:\.\d+)?",
    "thread": r"-?\d+",
    # the name that Python gives holds a space: Thread-1 (work)
    "threadName": r"(?:Thread-\d+ \([^)]*\)|.*?)",
}
# a time with milliseconds behind it that are not padded to three digits
_ASCTIME_MSECS = "asctime msecs"
_TIMES = frozenset({"asctime", _ASCTIME_MSECS, "created"})
_POOL_CLASS = re.compile(r"^(?:\w+\.)*[A-Z]\w*Pool\b")
_MILLISECONDS = re.compile(r"[,.]")
# stands for the time in a rest where the time was taken from the middle of the line
_MARK = "\x01"
_UNIT = "\x1f"


@dataclass(frozen=True, slots=True)
class Record:
    """One head line taken apart. What the layout does not show is None."""

    message: str
    logger: str | None = None
    level: str | None = None
    process: str | None = None
    thread: str | None = None


class Layout(Protocol):
    """How the lines of one log are laid out."""

    @property
    def name(self) -> str:
        """The format string, or ``json``."""

    @property
    def offset(self) -> int | None:
        """The offset of its times from UTC, in seconds; None for naive ones."""

    @property
    def has_time(self) -> bool:
        """Whether times can be read."""

    def cut(self, lines: pl.Series) -> pl.DataFrame:
        """Lines to ``time`` (microseconds, null where there is none) and ``rest`` (null for no head)."""

    def read(self, rest: str) -> Record | None:
        """One rest taken apart; None for the rest of a line that is no head."""


@dataclass(frozen=True)
class FormatLayout:
    """A layout given by a format string of the ``logging`` module.

    Attributes:
        name: the format string.
        head: matches a rest.
        prefix: what stands before the time, where that is always the same text.
        time: how the time is printed; None where the layout shows none, or none that is known.
    """

    name: str
    head: re.Pattern[str]
    prefix: str | None
    time: TimeFormat | None
    whole: re.Pattern[str] = field(repr=False)

    @property
    def offset(self) -> int | None:
        """The offset of its times from UTC, in seconds; None for naive ones."""
        return self.time.offset if self.time else None

    @property
    def has_time(self) -> bool:
        """Whether times can be read."""
        return self.time is not None

    def cut(self, lines: pl.Series) -> pl.DataFrame:
        """See :class:`Layout`."""
        line = pl.col("line")
        frame = lines.alias("line").to_frame()
        if self.time is None:
            return frame.select(time=pl.lit(None, pl.Int64), rest=line)
        if self.prefix is not None and self.time.width is not None:
            start = len(self.prefix)
            texts = line.str.slice(start, self.time.width)
            rest = line.str.slice(start + self.time.width)
            if self.prefix:
                texts = pl.when(line.str.starts_with(self.prefix)).then(texts)
        else:
            texts = line.str.extract(f"({self.time.pattern})")
            rest = line.str.replace(self.time.pattern, _MARK)
        cut = frame.select(time=self.time.parse(texts), rest=rest)
        if cut["time"].null_count():
            cut = cut.with_columns(pl.when(pl.col("time").is_not_null()).then(pl.col("rest")).alias("rest"))
        return cut

    def read(self, rest: str) -> Record | None:
        """See :class:`Layout`."""
        match = self.head.fullmatch(rest)
        return _record(match) if match else None

    def explains(self, line: str) -> Record | None:
        """A whole line taken apart, its time included; None for a line that is no head in this layout."""
        match = self.whole.fullmatch(line)
        return _record(match) if match else None


@dataclass(frozen=True)
class JsonLayout:
    """One JSON object a line."""

    name: str = "json"
    time: TimeFormat | None = None

    @property
    def offset(self) -> int | None:
        """The offset of its times from UTC, in seconds; None for naive ones."""
        return self.time.offset if self.time else None

    @property
    def has_time(self) -> bool:
        """Whether times can be read."""
        return self.time is not None

    def cut(self, lines: pl.Series) -> pl.DataFrame:
        """See :class:`Layout`."""
        cut = [_json_fields(line) for line in lines]
        frame = pl.DataFrame(
            {"text": [time for time, _ in cut], "rest": [rest for _, rest in cut]},
            schema={"text": pl.String, "rest": pl.String},
        )
        if self.time is None:
            return frame.select(time=pl.lit(None, pl.Int64), rest="rest")
        return frame.select(time=self.time.parse(pl.col("text")), rest="rest")

    def read(self, rest: str) -> Record | None:
        """See :class:`Layout`."""
        logger, level, process, thread, message = rest.split(_UNIT, 4)
        return Record(message, logger or None, level or None, process or None, thread or None)


_JSON_KEYS = (
    ("name", "logger", "logger_name", "module"),
    ("levelname", "level", "severity"),
    ("process", "pid"),
    ("thread", "threadName"),
    ("message", "msg", "event"),
)
_JSON_EXCEPTIONS = ("exc_info", "exc_text", "exception")
# what a pool timeout's traceback holds
_TIMED_OUT = "connection timed out, timeout"
_JSON_TIMES = ("asctime", "timestamp", "time", "ts", "@timestamp")


def _json_fields(line: str) -> tuple[str | None, str | None]:
    """The time's text and the rest of one JSON line; no rest for a line that is no record."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None, None
    if not isinstance(record, dict):
        return None, None
    values = [
        next((str(record[key]) for key in keys if record.get(key) is not None), "") for keys in _JSON_KEYS
    ]
    if not values[-1]:
        return None, None
    values[-1] += "".join(f"\n{record[key]}" for key in _JSON_EXCEPTIONS if _TIMED_OUT in str(record.get(key)))
    time = next((str(record[key]) for key in _JSON_TIMES if key in record), None)
    return time, _UNIT.join([*(value.replace(_UNIT, " ") for value in values[:-1]), values[-1]])


def layout_of(text: str, sample: Iterable[str]) -> Layout:
    """The layout that a format string, or the word ``json``, describes.

    Args:
        text: the format string, in ``%``, ``{`` or ``$`` style.
        sample: lines of the log, which tell how it prints its times.

    Raises:
        UsageError: the text is no format string, or has no message.
    """
    lines = list(sample)
    if text == "json":
        times = (time_format(time) for time, _ in map(_json_fields, lines) if time)
        return JsonLayout(time=next(filter(None, times), None))
    return _format_layout(text, _parts(text), lines)


def _format_layout(name: str, parts: list[tuple[str, str]], sample: list[str]) -> FormatLayout:
    timed = any(kind != "text" and value in _TIMES for kind, value in parts)
    time = None
    if timed:
        merged = _with_milliseconds(parts)
        time = _sampled_time(merged, sample)
        if time is None and merged != parts:
            # asctime has milliseconds of its own as long as nobody gives it a datefmt
            time = _sampled_time(parts, sample)
        else:
            parts = merged
    pattern = time.pattern if time else r".+?"
    first = next((i for i, (kind, _) in enumerate(parts) if kind != "text"), 0)
    prefix = "".join(value for _, value in parts[:first])
    leading = timed and parts[first][1] in _TIMES and not parts[first][0].startswith("padded")
    fixed = leading and time is not None and time.width is not None
    head = _regex(parts[first + 1 :], pattern) if fixed else _regex(parts, _MARK if time else pattern)
    return FormatLayout(
        name, re.compile(head, re.DOTALL), prefix if fixed else None, time, _whole(parts, pattern)
    )


def _whole(parts: list[tuple[str, str]], pattern: str) -> re.Pattern[str]:
    return re.compile(_regex(parts, pattern), re.DOTALL)


def _sampled_time(parts: list[tuple[str, str]], sample: list[str]) -> TimeFormat | None:
    """How the sample prints the time: the first place in a line at which a time makes the whole line fit."""
    milliseconds = any(value == _ASCTIME_MSECS for _, value in parts)
    for line in sample:
        for digit in re.finditer(r"(?<!\d)\d", line):
            for found in time_formats(line[digit.start() :], milliseconds=milliseconds):
                if re.fullmatch(_regex(parts, found.pattern), line, re.DOTALL):
                    return found
    return None


def known_layouts(sample: Iterable[str]) -> list[FormatLayout]:
    """The layouts that are found without being asked for, made to fit a log's lines."""
    lines = list(sample)
    layouts = [_format_layout(text, _parts(text), lines) for text in KNOWN]
    return [layout for layout in layouts if layout.has_time or "asctime" not in layout.name]


def find_layout(sample: Iterable[str]) -> Layout | None:
    """The known layout that explains most of some lines of the pool; None where none explains any."""
    lines = list(sample)
    best, most = None, 0
    for layout in known_layouts(lines):
        explained = sum(1 for line in lines if _is_pool(layout.explains(line)))
        if explained > most:
            best, most = layout, explained
    return best


def _is_pool(record: Record | None) -> bool:
    return record is not None and record.logger is not None and is_pool_logger(record.logger)


def _parts(text: str) -> list[tuple[str, str]]:
    """A format string as ``("text", …)`` and ``("field", name)`` parts, in order."""
    style = next((style for style, field in _FIELDS if re.search(field, text)), "brace")
    try:
        tree = parser("layout", "percent", "brace", "dollar").parse(text, start=style)
    except UnexpectedInput as error:
        raise UsageError(f"no format string of logging: {text!r}", _STYLES) from error
    parts = [_part(node) for node in tree.children]
    names = [value for kind, value in parts if kind != "text"]
    if "message" not in names:
        raise UsageError(f"the layout has no message: {text!r}", _STYLES)
    return parts


def is_pool_logger(name: str) -> bool:
    """Whether a logger is SQLAlchemy's for pools, or has the name of a pool class of the user's own."""
    return name.startswith("sqlalchemy.pool") or bool(_POOL_CLASS.search(name))


_STYLES = (
    "give a format string as logging.Formatter takes it, such as '%(asctime)s %(name)s %(message)s', or json"
)


# what tells a style: first of all how it writes the message
_FIELDS = (
    ("percent", r"%\(message\)"),
    ("dollar", r"\$message\b|\$\{message\}"),
    ("brace", r"\{message"),
    ("percent", r"%\("),
    ("dollar", r"\$\{?\w"),
)


def _part(node: Tree[Token] | Token) -> tuple[str, str]:
    if isinstance(node, Token):
        return "text", str(node)
    signs = {"percent_sign": "%", "open_brace": "{", "close_brace": "}", "dollar_sign": "$"}
    rule = str(node.data)
    if rule in signs:
        return "text", signs[rule]
    tokens = {token.type: str(token) for token in node.children if isinstance(token, Token)}
    spec = tokens.get("PERCENT_SPEC", "") + tokens.get("BRACE_SPEC", "")
    return ("padded" if re.search(r"[1-9<>^]", spec) else "field"), tokens["FIELD"]


def _with_milliseconds(parts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The parts, ``asctime`` followed by ``msecs`` taken for one time."""
    merged: list[tuple[str, str]] = []
    for part in parts:
        after_time = len(merged) >= 2 and merged[-2][1] == "asctime" and merged[-2][0] == "field"  # noqa: PLR2004
        if part[1] == "msecs" and part[0] != "text" and after_time and _MILLISECONDS.fullmatch(merged[-1][1]):
            merged.pop()
            if part[0] == "field":
                merged[-1] = ("field", _ASCTIME_MSECS)
        else:
            merged.append(part)
    return merged


def _regex(parts: list[tuple[str, str]], time: str) -> str:
    seen: set[str] = set()
    out: list[str] = []
    for kind, value in parts:
        if kind == "text":
            out.append(re.escape(value))
            continue
        pattern = time if value in _TIMES else _PATTERNS.get(value, r".*?")
        if value not in seen and value not in _TIMES:
            pattern = f"(?P<{value}>{pattern})"
        seen.add(value)
        out.append(rf"\s*{pattern}\s*" if kind == "padded" else pattern)
    return "".join(out)


def _record(match: re.Match[str]) -> Record:
    found = match.groupdict()
    return Record(
        found["message"],
        found.get("name"),
        found.get("levelname"),
        found.get("process"),
        found.get("threadName") or found.get("thread"),
    )
