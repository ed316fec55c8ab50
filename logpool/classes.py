"""``dataclass`` for a program that starts anew each time it is asked something.

The library writes the methods of each class as text, and compiles them whenever the class is loaded: for more than a
hundred classes that takes as long as analyzing a short log. Here they are written once, for every class.
"""

from __future__ import annotations

import dataclasses
from copy import copy
from dataclasses import MISSING, FrozenInstanceError, field, fields
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass

__all__ = ["dataclass", "stateful"]

T = TypeVar("T")


def _dataclass(*, frozen: bool = False, eq: bool = True, repr: bool = True) -> Callable[[type[T]], type[T]]:  # noqa: A002 - as the library's
    """As the library's, but for fields that are keyword-only or ``InitVar``."""

    def made(cls: type[Any]) -> type[Any]:
        cls = dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
        compared = tuple(one.name for one in fields(cls) if one.compare)
        methods: dict[str, object] = {"__init__": _init_of(cls), "__signature__": _Signature()}
        if repr:
            methods["__repr__"] = _repr
        if eq:
            methods["__eq__"] = _eq_of(compared)
            methods["__hash__"] = _hash_of(compared) if frozen else None
        if frozen:
            methods |= {"__setattr__": _refused, "__delattr__": _refused}
        for name, method in methods.items():
            setattr(cls, name, method)
        return cls

    return made


def _init_of(cls: type[Any]) -> Callable[..., None]:
    names = tuple(one.name for one in fields(cls) if one.init)
    known = frozenset(names)
    makers = [(one.name, one.default_factory) for one in fields(cls) if one.default_factory is not MISSING]
    # what has any other default has it of its class
    required = known - {one.name for one in fields(cls) if one.default is not MISSING} - dict(makers).keys()
    least, most = max((place for place, name in enumerate(names, 1) if name in required), default=0), len(names)
    goes_on = hasattr(cls, "__post_init__")

    def init(self: Any, *values: object, **named: object) -> None:  # noqa: ANN401 - of any class
        given = dict(zip(names, values, strict=False), **named)
        # most objects are given values alone
        if named:
            fits = len(given) == len(values) + len(named) and required <= given.keys() <= known
        else:
            fits = least <= len(values) <= most
        if not fits:
            raise TypeError(_misfit(cls, names, required, values, named))
        for name, make in makers:
            if name not in given:
                given[name] = make()
        self.__dict__.update(given)
        if goes_on:
            self.__post_init__()

    return init


class _Signature:
    """Tells those who ask what an object is made of."""

    def __get__(self, _: object, cls: type[Any]) -> object:
        from inspect import signature  # noqa: PLC0415 - nobody asks while logs are read

        made = ((one.name, one.type, copy(one)) for one in fields(cls) if one.init)
        return signature(dataclasses.make_dataclass(cls.__name__, made))


def _misfit(
    cls: type, names: tuple[str, ...], required: frozenset[str], values: tuple[object, ...], named: dict[str, object]
) -> str:
    """Why no object can be made of some values."""
    begun = names[: len(values)]
    if len(values) > len(names):
        return f"{cls.__qualname__} has {len(names)} fields, not {len(values)}"
    odd = [name for name in named if name not in names]
    if odd:
        return f"{cls.__qualname__} has no field {', '.join(odd)}"
    twice = [name for name in named if name in begun]
    if twice:
        return f"{cls.__qualname__} is given {', '.join(twice)} twice"
    missing = [name for name in names if name in required and name not in begun and name not in named]
    return f"{cls.__qualname__} is not given {', '.join(missing)}"


def _repr(self: Any) -> str:  # noqa: ANN401 - of any class
    told = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
    return f"{type(self).__qualname__}({told})"


def _values(self: object, names: tuple[str, ...]) -> tuple[object, ...]:
    return tuple([getattr(self, name) for name in names])


def _eq_of(names: tuple[str, ...]) -> Callable[[object, object], bool]:
    def eq(self: object, other: object) -> bool:
        return _values(self, names) == _values(other, names) if type(other) is type(self) else NotImplemented

    return eq


def _hash_of(names: tuple[str, ...]) -> Callable[[object], int]:
    return lambda self: hash(_values(self, names))


def _refused(self: object, name: str, *_: object) -> None:
    message = f"{type(self).__qualname__} is frozen: {name}"
    raise FrozenInstanceError(message)


if not TYPE_CHECKING:
    dataclass = _dataclass


@dataclass_transform(eq_default=False, field_specifiers=(field,))
def stateful(cls: type[T]) -> type[T]:
    """As ``dataclass``, but objects are equal to nothing but themselves, and printed as any other."""
    return dataclass(eq=False, repr=False)(cls)
