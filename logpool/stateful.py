"""Classes of objects that have a state of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(eq_default=False, field_specifiers=(field,))
def stateful(cls: type[T]) -> type[T]:
    """As ``dataclass``, but objects are equal to nothing but themselves, and printed as any other.

    Nobody asks more of them, and the methods that do it would be compiled each time that the program starts.
    """
    return dataclass(eq=False, repr=False)(cls)
