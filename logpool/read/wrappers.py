"""What collected a log, and what it put around each line: docker, Kubernetes, syslog, Heroku, colour codes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from logpool.late import regex
from logpool.read.records import LEVEL_NAMES, THREAD_NAME, TIME, Head, process_name

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

#: the wrapper that may as well be the layout's own time
DOCKER_TIME = "docker logs -t"
# and what else a terminal is told, as of a cursor, or of a link; the escape may be printed as rsyslog does, or `cat -v`
_ESCAPES = ("\x1b", "#033", "^[")
_COLOURS = regex(r"(?:\x1b|#033|\^\[)\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
# the first field of a layout may be aligned to the right
_ALIGNED = regex(rf"\s+(?:\d+\s+)?(?:(?:{LEVEL_NAMES})\W+)?{TIME}")
_CONTINUED = regex(
    r"(?:\s|Traceback \(most recent call last\)|During handling of the above|The above exception was|"
    r"[\w.]+(?:Error|Exception|Exit|Interrupt|Warning)(?::|$))"
)
# the first field of a layout, and no container
_NO_CONTAINER = rf"\d+|[\w.]*\.py|MainProcess|sqlalchemy\.pool[\w.-]*|{LEVEL_NAMES}|{THREAD_NAME.pattern}"
# a deployment's pods are called by it, an id, and letters and digits among which is no vowel
_POD = r"[a-z][a-z\d-]*-(?=[a-z]*\d)[a-z\d]{6,}-(?=\d*[a-z])[bcdf-hj-np-tv-xz\d]{5}"
# CloudWatch's, of a container or a function
_STREAM = r"(?:[\w.$\[\]-]+/)+(?:\[[\w.$-]*\])?[\da-f]{16,}"
# what collected the log, from the outside in; "host" and "process" tell processes apart
_WRAPPERS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, regex(pattern))
    for name, pattern in (
        # it leaves two blanks behind the longest name, or behind a short number
        (
            "docker compose",
            rf"(?!(?:{_NO_CONTAINER})\s)(?=[\w.-]+\s{{2,}}\||[a-z\d._-]+[-_]\d\d? \|)(?P<host>\w[\w.-]*)\s+\| ?",
        ),
        # a service's task, as its number and its id tell, is a container of its own
        ("docker service", r"(?P<host>\w[\w.-]*\.[a-z\d]+\.[a-z\d]{10,})@[\w.-]+\s+\| ?"),
        ("supervisor", r"(?P<host>\w[\w.:-]*) (?:stdout|stderr) \| "),
        ("stern", rf"(?P<host>{_POD}) [a-z][a-z\d-]* (?=\S)"),
        ("kubectl", r"\[pod/(?P<host>[\w.-]+)/[\w.-]+\] "),
        ("Kubernetes", rf"{TIME} (?:stdout|stderr) [FP] "),
        ("Heroku", rf"(?:<\d+>\d? ?)?{TIME} (?:[\w.-]+ )?app\[(?P<host>[A-Za-z][\w.-]*)\]: "),
        ("Heroku", rf"(?:\d+ )?<\d+>1 {TIME} \S+ app (?P<host>[A-Za-z][\w.-]*) - (?:- )?"),
        ("syslog", rf"(?:<\d+>\d? ?)?{TIME} (?P<host>[\w.:-]+) [\w./@-]+\[(?P<process>\d+)\]: "),
        ("syslog", rf"(?:\d+ )?<\d+>1 {TIME} (?P<host>\S+) \S+ (?P<process>\d+) \S+ (?:-|\[.*?\]) (?:\ufeff)?"),
        # as it stands before a line's own time: elsewhere such words may be anything
        ("syslog", rf"{TIME} (?!(?:{LEVEL_NAMES})\b)(?P<host>[\w.-]+) [A-Za-z][\w./@-]*: (?={TIME})"),
        # a stream is a container, which its id alone tells: see what tells a process in objects
        ("CloudWatch", rf"{_STREAM} {TIME} (?=\S)"),
        ("CloudWatch", rf"{TIME} {_STREAM} (?=\S)"),
        (DOCKER_TIME, rf"{TIME} (?=\S)"),
    )
)


class Wrapping(NamedTuple):
    """What stood around a line: the names of what collected it, the host or the container, the process."""

    names: tuple[str, ...] = ()
    host: str | None = None
    process: str | None = None

    def around(self, head: Head) -> Head:
        """The head of a line that stood in this."""
        process = process_name(self.host, head.record.process or self.process)
        layout = " in ".join([head.layout, *reversed(self.names)])
        return Head(replace(head.record, process=process), layout)


def unwrapped(text: str) -> Iterator[tuple[str, Wrapping]]:
    """The text within no wrapper, one, two: the plain text first."""
    seen = {text}
    waiting = [(text, Wrapping())]
    while waiting:
        text, wrapping = waiting.pop(0)
        yield text, wrapping
        for name, pattern in _WRAPPERS:
            match = pattern.match(text)
            if match and match.end() < len(text) and text[match.end() :] not in seen:
                found = match.groupdict()
                inner = text[match.end() :]
                seen.add(inner)
                host = "/".join(filter(None, (wrapping.host, found.get("host"))))
                names = (*wrapping.names, name)
                waiting.append((inner, Wrapping(names, host or None, found.get("process") or wrapping.process)))


def is_wrapped(text: str, end: int | None = None) -> bool:
    """Whether a collector put what a line begins with there, up to some place if one is given, and a time among it."""
    begin = text[:end]
    matches = (pattern.match(begin) for name, pattern in _WRAPPERS if name != DOCKER_TIME)
    return any(match is not None and TIME in match[0] and end in {None, match.end()} for match in matches)


def without_colours(text: str) -> str:
    """A line without what colours it on a terminal."""
    return _COLOURS.sub("", text) if any(escape in text for escape in _ESCAPES) else text


def is_continued(text: str) -> bool:
    """Whether a line that has a time, but no layout, goes on with the record above: the collector gave it the time."""
    inner = text
    for _, pattern in _WRAPPERS:
        match = pattern.match(inner)
        inner = inner[match.end() :] if match else inner
    if _ALIGNED.match(inner):
        return False
    return bool(_CONTINUED.match(inner.removeprefix(f"{TIME} ").removeprefix(TIME)) or not inner.strip())
