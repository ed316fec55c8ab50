"""How long the intervals of a timeline may be, in microseconds."""

from __future__ import annotations

import re

from logpool.errors import UsageError

_MS = 1000
SECOND = 1000 * _MS
_MINUTE, _HOUR, _DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
_UNITS = {"ms": _MS, "s": SECOND, "m": _MINUTE, "min": _MINUTE, "h": _HOUR, "d": _DAY}
#: the widths of intervals while a log is read: each divides the next
FINE = (
    *(_MS * count for count in (1, 10, 100)),
    *(SECOND * count for count in (1, 10)),
    *(_MINUTE * count for count in (1, 10)),
    _HOUR,
    _DAY,
)
#: the widths that a report may have: each a multiple of every finer width that it may have grown from
NICE = (
    *(_MS * count for count in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(SECOND * count for count in (1, 2, 5, 10, 30)),
    *(_MINUTE * count for count in (1, 2, 5, 10, 30)),
    *(_HOUR * count for count in (1, 2, 6, 12)),
    *(_DAY * count for count in (1, 2, 7, 30, 365)),
)


def parse_interval(text: str) -> int:
    """The microseconds of an interval such as ``500ms``, ``10s``, ``5m`` or ``1h``.

    Raises:
        UsageError: it is none, or shorter than a millisecond.
    """
    found = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,6})?)\s*(ms|s|min|m|h|d)\s*", text)
    interval = round(float(found[1]) * _UNITS[found[2]]) if found else 0
    if interval < _MS:
        raise UsageError(f"{text!r} is no interval", "500ms, 10s, 5m, 1h and 1d are; at least 1ms")
    return interval
