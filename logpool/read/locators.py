"""What locates something else than the record: a network address, a path, a URL, a mail address.

Nothing in them tells of a record, whatever it looks like: ``10.0.0.12 MainThread`` is no process and its thread,
``[08:af:08:59:66:84]`` holds no clock, and ``/sqlalchemy.pool/4711`` names no logger.
"""

from __future__ import annotations

import re

#: what stands in the place of one
LOCATOR = "@"

_HEX = r"[\dA-Fa-f]{1,4}"
# six groups or eight, as of a card and of IPv6, or fewer around two colons
_SOME = rf"(?:{_HEX}(?::{_HEX})*)?"
_GROUPS = rf"(?<![\w:.])(?:(?:{_HEX}:){{5,7}}{_HEX}|(?=[\dA-Fa-f:]*\d){_SOME}::{_SOME})(?![\w:])"
_NETWORK = rf"{_GROUPS}|(?<![\w.:@-])\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?::\d{{1,5}})?(?![\w.@-])"
# what stands around the others, and what is not in them; the compiled part takes out no others than these
_BEFORE, _BEHIND = "\x01 \t\\[({<\"'`=,;|", "\x01 \t\\])}>\"'`,;|"
_NEVER = "\\x00-\\x20\\x7f\\[\\](){}<>\"'`,;|\\\\"
_ESCAPED = r"\\u[\dA-Fa-f]{4}"
_ANY, _PATH, _MAIL = (rf"(?:[^{_NEVER}{more}]|{_ESCAPED})+" for more in ("", ":", "/:=@"))
_WORD = rf"(?<![^{_BEFORE}])(?:/{_PATH}(?:(?<=\?){_ANY})?|/\?{_ANY}|[A-Za-z][A-Za-z\d+.-]*://{_ANY}|{_MAIL}@{_MAIL})(?![^{_BEHIND}])"

_LOCATORS = re.compile(f"{_WORD}|{_NETWORK}")
# without one of these there is none
_SIGNS = re.compile(r"[/@]|::|:[\dA-Fa-f]{1,4}:|\.\d{1,3}\.")


def without_locators(text: str) -> str:
    """A text with :data:`LOCATOR` in the place of each."""
    return _LOCATORS.sub(LOCATOR, text) if _SIGNS.search(text) else text


def is_in_locator(text: str, start: int, end: int) -> bool:
    """Whether what stands from one place of a text to another is part of one."""
    if not _SIGNS.search(text):
        return False
    return any(found.start() <= start and end <= found.end() for found in _LOCATORS.finditer(text))
