"""From where on something is worth a finding. Every threshold has a name, a unit and a reason, and can be set."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from logpool.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The thresholds of all findings. Durations are seconds, shares between 0 and 1.

    Attributes:
        held_too_long: a checkout that lasts longer is held too long: the pool's own patience, 30 seconds by default.
    """

    held_too_long: float = 30.0

    @classmethod
    def of(cls, settings: Iterable[str]) -> Thresholds:
        """The defaults, but for settings such as ``held_too_long=5``.

        Raises:
            UsageError: a setting names no threshold, or gives it no number of zero or more.
        """
        names = {field.name for field in fields(cls)}
        chosen = {}
        for setting in settings:
            name, _, text = setting.partition("=")
            name = name.strip().replace("-", "_")
            if name not in names:
                raise UsageError(f"no threshold is called {name!r}", f"there are {', '.join(sorted(names))}")
            chosen[name] = _number(name, text)
        return replace(cls(), **chosen)


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise UsageError(f"{name} is set to {text!r}, which is no number of zero or more")
    return number
