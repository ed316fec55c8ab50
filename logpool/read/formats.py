"""A format string of the ``logging`` module -> a reader of heads in that layout, for ``--layout``."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from lark import Token, Tree
from lark.exceptions import UnexpectedInput

from logpool.classes import dataclass
from logpool.errors import UsageError
from logpool.late import regex
from logpool.read.around import PROCESSES
from logpool.read.grammar import parser
from logpool.read.heads import read_head, read_json
from logpool.read.records import TIME, Head, Record
from logpool.read.starts import STARTS
from logpool.read.times import NAMED_ZONE

if TYPE_CHECKING:
    from collections.abc import Callable

    HeadReader = Callable[[str], Head | None]

# AM and PM are no level: they end a time
_LEVEL = r"(?:Level \d+|(?![AP]M\b)[A-Za-z]+)"
# of seconds, which may be a time
_NUMBER = rf"(?:{TIME}|\d+(?:\.\d+)?)"
# a time, with a date before it or a zone behind it that are not known for such; or any text
_ASCTIME = (
    rf"(?:(?:[A-Z][a-z]{{2,8}},? |\d[\d,./-]*[ T_]){{0,4}}?{TIME}(?: [A-Z]{{1,3}}[SD]?T\b)?"
    rf"|[^{TIME}]+?)"
)
_PATTERNS = {
    "created": _NUMBER,
    "levelname": _LEVEL,
    "levelno": r"\d+",
    "lineno": r"\d+",
    "message": r".*",
    "msecs": r"\d+(?:\.\d+)?",
    "name": rf"[^\s:{TIME}](?:[^{TIME}]*?[^\s:{TIME}])??",
    "process": r"\d+",
    "relativeCreated": _NUMBER,
    "thread": r"-?\d+",
    # the name that Python gives holds a space: Thread-1 (work)
    "threadName": r"(?:Thread-\d+ \([^)]*\)|.*?)",
}
_STYLES = "give a format string as logging.Formatter takes it, such as '%(asctime)s %(name)s %(message)s', or json"
_JSON = "json"
_TIME_FIELDS = frozenset({"asctime", "created"})
_BEFORE_MILLISECONDS = (["asctime", "."], ["asctime", ","], ["asctime", ":"])
_ZONE = regex(rf"Z|{NAMED_ZONE}")
# what tells a style: first of all how it writes the message
_FIELDS = (
    ("percent", r"%\(message\)"),
    ("dollar", r"\$message\b|\$\{message\}"),
    ("brace", r"\{message"),
    ("percent", r"%\("),
    ("dollar", r"\$\{?\w"),
)


def head_reader(layout: str | None, processes: tuple[str, ...] = PROCESSES) -> HeadReader:
    """What takes the heads of a log apart.

    Args:
        layout: a format string in ``%``, ``{`` or ``$`` style, or ``json``; None for whatever layout fits.
        processes: what may name a process where none fits, as :func:`logpool.read.heads.read_head` takes it.

    Raises:
        UsageError: the text is no format string, or shows no message.
    """
    if layout is None:
        return partial(read_head, processes=processes)
    if layout == _JSON:
        return read_json
    parts = _parts(layout)
    message = next(number for number, (kind, value) in enumerate(parts) if kind != "text" and value == "message")
    begun = re.compile(_regex(parts[: message + 1]), re.DOTALL) if parts[message + 1 :] else None
    return _Format(layout, re.compile(_regex(parts), re.DOTALL), begun).read


def has_time_behind(layout: str | None) -> bool:
    """Whether a layout has its only time behind the message."""
    if layout in {None, _JSON}:
        return False
    fields = [value for kind, value in _parts(str(layout)) if kind != "text"]
    begin = fields.index("message")
    return _TIME_FIELDS.isdisjoint(fields[:begin]) and not _TIME_FIELDS.isdisjoint(fields[begin:])


@dataclass(frozen=True)
class _Format:
    name: str
    head: re.Pattern[str]
    # what stands behind a message of several lines stands behind the last of them
    begun: re.Pattern[str] | None = None

    def read(self, text: str) -> Head | None:
        """A line, its times marked, taken apart; None for one that is no head in this layout."""
        match = self.head.fullmatch(text)
        if match is None and self.begun is not None:
            match = self.begun.fullmatch(text)
            match = match if match and STARTS.match(match["message"]) else None
        if match is None:
            return None
        found = match.groupdict()
        thread = found.get("threadName") or found.get("thread")
        process = found.get("process") or found.get("processName")
        record = Record(found["message"], found.get("name"), found.get("levelname"), process, thread)
        return Head(record, self.name)


def _parts(text: str) -> list[tuple[str, str]]:
    """A format string as ``("text", …)``, ``("field", name)`` and ``("padded", name)``, in order."""
    style = next((style for style, field in _FIELDS if re.search(field, text)), "brace")
    try:
        tree = parser("layout", "percent", "brace", "dollar").parse(text, start=style)
    except UnexpectedInput as error:
        raise UsageError(f"no format string of logging: {text!r}", _STYLES) from error
    parts = [_part(node) for node in tree.children]
    if "message" not in [value for kind, value in parts if kind != "text"]:
        raise UsageError(f"the layout has no message: {text!r}", _STYLES)
    return _with_milliseconds(parts)


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
    """``msecs`` right behind ``asctime`` may have become part of the time, and so may a zone that is a text."""
    merged: list[tuple[str, str]] = []
    for kind, value in parts:
        before = [known for _, known in merged[-2:]]
        zone = _ZONE.match(value) if kind == "text" and merged and _ends_time(merged[-1]) else None
        if value == "msecs" and kind != "text" and before in _BEFORE_MILLISECONDS:
            merged[-1] = ("optional", rf"{re.escape(before[1])}\d+(?:\.\d+)?")
        elif zone:
            merged += [("optional", zone[0]), ("text", value[zone.end() :])]
        else:
            merged.append((kind, value))
    return merged


def _ends_time(part: tuple[str, str]) -> bool:
    return part[0] == "optional" or (part[0] != "text" and part[1] == "asctime")


def _regex(parts: list[tuple[str, str]]) -> str:
    seen: set[str] = set()
    out: list[str] = []
    for kind, value in parts:
        if kind in {"text", "optional"}:
            out.append(re.escape(value) if kind == "text" else f"(?:{value})?")
            continue
        pattern = _PATTERNS.get(value, r".*?")
        if value == "asctime" and value in seen:
            pattern = ".*?"
        elif value == "asctime":
            pattern = _ASCTIME
        elif value not in seen:
            pattern = f"(?P<{value}>{pattern})"
        seen.add(value)
        out.append(rf"\s*{pattern}\s*" if kind == "padded" else pattern)
    return "".join(out)
