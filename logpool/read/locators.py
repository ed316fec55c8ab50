"""What locates something else than the record: a network address, a path, a URL, a mail address.

Nothing in them tells of a record, whatever it looks like: ``10.0.0.12 MainThread`` is no process and its thread,
``[08:af:08:59:66:84]`` holds no clock, and ``/sqlalchemy.pool/4711`` names no logger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logpool.late import regex

if TYPE_CHECKING:
    import re

#: what stands in the place of one
LOCATOR = "@"

_HEX = r"[\dA-Fa-f]{1,4}"
# six groups or eight, as of a card and of IPv6, or fewer around two colons
_SOME = rf"(?:{_HEX}(?::{_HEX})*)?"
_GROUPS = rf"(?<![\w:.])(?:(?:{_HEX}:){{5,7}}{_HEX}|(?=[\dA-Fa-f:]*\d){_SOME}::{_SOME})(?![\w:])"
_NETWORK = regex(rf"{_GROUPS}|(?<![\w.:@-])\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?::\d{{1,5}})?(?![\w.@-])")
# what others stand in, whole, and what stands around that; the compiled part takes out no others than these
_BEFORE, _BEHIND = frozenset("\x01 \t[({<\"'`=,;|"), frozenset("\x01 \t])}>\"'`,;|")
_ESCAPED = '\\"'
_INSIDE = r"(?:[^\x00-\x20\x7f\[\](){}<>\"'`,;|\\]|\\u[\dA-Fa-f]{4})"
_RUN = regex(rf"{_INSIDE}++")
# nothing here is tried twice: a path may be as long, and as odd, as whoever asks for it likes
_URL = regex(r"[A-Za-z][A-Za-z\d+.-]*+://.")
_MAIL = regex(r"[^/:=@]++@[^/:=@]++")
# without one of these there is none
_SIGNS = regex(r"[/@]|::|:[\dA-Fa-f]{1,4}:|\.\d{1,3}\.")


def without_locators(text: str) -> str:
    """A text with :data:`LOCATOR` in the place of each."""
    pieces, done = [], 0
    for start, end in locators(text):
        pieces += [text[done:start], LOCATOR]
        done = end
    return "".join([*pieces, text[done:]])


def locators(text: str) -> list[tuple[int, int]]:
    """Where each begins in a text, and where it ends, in order."""
    if not _SIGNS.search(text):
        return []
    runs = (run for run in _RUN.finditer(text) if "/" in run[0] or "@" in run[0])
    words = [(start, run.end()) for run in runs if (start := _begin_in(run)) is not None]
    networks = [one.span() for one in _NETWORK.finditer(text)]
    # a network's may stand in a path
    return _apart(sorted(words + networks, key=lambda place: (place[0], -place[1])))


def _begin_in(run: re.Match[str]) -> int | None:
    """Where a path, a URL or a mail address begins that goes on to the end of some word, such as ``url=/a/b``."""
    text, word, start = run.string, run[0], 0
    behind = text[run.end() : run.end() + 2]
    if behind and behind[0] not in _BEHIND and behind != _ESCAPED:
        return None
    while not ((start or not run.start() or text[run.start() - 1] in _BEFORE) and _is_one(word, start)):
        start = word.find("=", start) + 1
        if not start:
            return None
    return run.start() + start


def _is_one(word: str, start: int) -> bool:
    if word.startswith("/", start):
        # behind what is asked for may stand a time
        colon, query = word.find(":", start), word.find("?", start)
        return len(word) > start + 1 and (colon < 0 or -1 < query < colon)
    return bool(_URL.match(word, start) or _MAIL.fullmatch(word, start))


def _apart(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Without those that stand in another."""
    found: list[tuple[int, int]] = []
    for start, end in places:
        if not found or start >= found[-1][1]:
            found.append((start, end))
    return found
