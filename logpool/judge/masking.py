"""Lines of a log as they may be shown: what names hosts, users and passwords is no reader's business."""

from __future__ import annotations

import re

from logpool.late import regex

# as in the text of a connection, an object or a URL's query
_SECRETS = regex(
    r"(?P<name>\b(?:\w*pass(?:word|wd|file)?|pwd|\w*secret|\w*token|\w*api_?key|user(?:name)?|uid|host(?:name|addr)?|server)"
    r"[\"']?\s*[=:]\s*)(?:\"[^\"]*\"?|'[^']*'?|[^\s,;)}&]+)",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """A line of a log without the texts of connections, nor what else names hosts, users and passwords."""
    text = re.sub(r"<.*>|<.*$", "<…>", text)
    text = re.sub(r"://\S+", "://…", text)
    text = _SECRETS.sub(r"\g<name>…", text)
    return "".join(character if character.isprintable() else " " for character in text)
