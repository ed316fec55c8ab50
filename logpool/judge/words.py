"""Figures as people say them, for the messages of findings."""

from __future__ import annotations

_MINUTE = 60
_HOUR = 3600
# from here on minutes say it better, or hours
_MINUTES_FROM = 2 * _MINUTE
_HOURS_FROM = 2 * _HOUR


def many(count: int, one: str, more: str) -> str:
    """A count with its noun, or its noun and verb."""
    return f"{count:,} {one if count == 1 else more}"


def times(count: int) -> str:
    """How often."""
    return "once" if count == 1 else f"{count:,} times"


def seconds(value: float) -> str:
    """A duration to three figures, in the unit that suits it."""
    if value < 0.9995:  # noqa: PLR2004 - from here on it would round to 1000 ms
        return f"{value * 1000:.3g} ms"
    if value < _MINUTES_FROM:
        return f"{value:.3g} s"
    if value < _HOURS_FROM:
        return f"{value / _MINUTE:.3g} min"
    return f"{value / _HOUR:,.1f} h"


def share(value: float) -> str:
    """A share between 0 and 1, in per cent."""
    return f"{value:.0%}" if value >= 0.01 else "less than 1%"  # noqa: PLR2004
