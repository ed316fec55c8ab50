"""Figures as people say them, in reports, findings and on the terminal alike."""

from __future__ import annotations

_MINUTES_FROM = 120


def many(count: int, one: str, more: str = "") -> str:
    """A count with its noun, or its noun and verb; ``more`` is the noun with an s where it is left out."""
    return f"{count:,} {one if count == 1 else more or f'{one}s'}"


def times(count: int) -> str:
    """How often."""
    return "once" if count == 1 else f"{count:,} times"


def duration(seconds: float) -> str:
    """A duration to three figures, in the unit that suits it; from two minutes on to the second."""
    if seconds < 0.0005:  # noqa: PLR2004
        return f"{seconds * 1e6:.0f} µs" if seconds else "0 s"
    if seconds < 0.9995:  # noqa: PLR2004 - from here on it would round to 1000 ms
        return f"{seconds * 1000:.3g} ms"
    if seconds < _MINUTES_FROM:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def share(value: float) -> str:
    """A share between 0 and 1, in per cent."""
    return f"{value:.0%}" if value >= 0.01 else "less than 1%"  # noqa: PLR2004
