"""What takes long to make, made when something of it is first asked for.

polars takes 0.08 s and more to load, and the first lines of a log can be read meanwhile: so nothing that these need
loads it. A regular expression takes up to some milliseconds to compile, and most logs need less than half of them.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any, AnyStr

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

__all__ = ["pl", "regex"]


class _Late:
    """Stands for an object, and has of it what was asked for."""

    def __init__(self, make: Callable[[], object], **known: object) -> None:
        self._make = make
        self._made: object = None
        self.__dict__.update(known)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
        self._made = self._made or self._make()
        value = getattr(self._made, name)
        # the next time it is at hand
        setattr(self, name, value)
        return value


def regex(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """A regular expression, compiled when it is first used; its text is at hand before.

    Raises:
        re.error: it is none; when it is first used.
    """
    late: Any = _Late(lambda: re.compile(pattern, flags), pattern=pattern)
    return late  # type: ignore[no-any-return]


if not TYPE_CHECKING:
    pl = _Late(lambda: import_module("polars"))
