"""What a log shows of the process that a record comes from: a host, a process on it, both, or neither."""

from __future__ import annotations

from logpool.late import regex

# a number, or a name as multiprocessing and Celery give them; a container has a name, too, but another one
_OWN = regex(r"\d+|\w*(?:Process|Worker)\w*(?:[-:]\d+)*")


def process_of(shown: str | None) -> str | None:
    """The process itself, without its host; None where only a host is shown, or nothing."""
    own = (shown or "").rpartition("/")[2]
    return own if _OWN.fullmatch(own) else None


def host_of(shown: str | None) -> str:
    """The host or the container, as far as shown."""
    if process_of(shown) is None:
        return shown or ""
    return (shown or "").rpartition("/")[0]
