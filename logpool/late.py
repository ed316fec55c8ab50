"""polars, loaded when something of it is first asked for.

It takes 0.08 s to load, and the first lines of a log can be read meanwhile: so nothing that these need loads it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl
else:

    class _Late:
        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
            value = getattr(import_module("polars"), name)
            # the next time it is at hand
            setattr(self, name, value)
            return value

    pl = _Late()

__all__ = ["pl"]
