"""Our data classes do what those of the library do."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from dataclasses import field
from functools import cached_property
from typing import Any

import pytest

from logpool.classes import dataclass, stateful
from logpool.report.model import Evidence


def made(decorated: Any) -> Any:  # noqa: ANN401 - a decorator
    """A frozen class and a derived one, by a decorator."""

    @decorated(frozen=True)
    class Base:
        """Fields of every kind."""

        one: int
        many: tuple[int, ...] = (1, 2)
        own: list[int] = field(default_factory=list)
        silent: int = field(default=0, repr=False, compare=False)

        @cached_property
        def double(self) -> int:
            return self.one * 2

    @decorated(frozen=True)
    class Derived(Base):
        """One more, that nobody gives."""

        more: str = "a"
        made: int = field(init=False, default=7)

    return Base, Derived


OURS, THEIRS = made(dataclass), made(dataclasses.dataclass)
GIVEN: list[tuple[tuple[object, ...], dict[str, object]]] = [
    ((1,), {}),
    ((1, (3,)), {}),
    ((1, (3,), [4], 5), {}),
    ((), {"one": 1}),
    ((1,), {"silent": 9}),
    ((1,), {"own": [1], "many": ()}),
    ((float("nan"),), {}),
]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(("values", "named"), GIVEN)
def test_objects_are_as_the_librarys(which: int, values: tuple[object, ...], named: dict[str, object]) -> None:
    ours, theirs = (classes[which](*values, **named) for classes in (OURS, THEIRS))
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert repr(ours) == repr(theirs)
    assert [one.name for one in dataclasses.fields(ours)] == [one.name for one in dataclasses.fields(theirs)]
    assert repr(ours.double) == repr(theirs.double)
    for classes, one in ((OURS, ours), (THEIRS, theirs)):
        same, other = classes[which](*values, **named), dataclasses.replace(one, one=5)
        assert one == same
        assert one != other
        assert other.one == 5
        assert one != classes[1 - which](*values, **named)
        assert one == dataclasses.replace(one, silent=77)
        assert copy.copy(one) == one


@pytest.mark.parametrize("which", [0, 1])
def test_what_objects_are_made_of_can_be_asked(which: int) -> None:
    assert str(inspect.signature(OURS[which])) == str(inspect.signature(THEIRS[which]))
    assert OURS[which](1).own == []


def test_what_nobody_gives_is_each_ones_own() -> None:
    one, other = OURS[0](1), OURS[0](1)
    one.own.append(1)
    assert other.own == []


@pytest.mark.parametrize(
    ("values", "named", "told"),
    [
        ((), {}, "Base is not given one"),
        ((), {"many": ()}, "Base is not given one"),
        ((1, 2, 3, 4, 5), {}, "Base has 4 fields, not 5"),
        ((1,), {"one": 1}, "Base is given one twice"),
        ((1,), {"on": 1}, "Base has no field on"),
        ((), {"on": 1}, "Base has no field on"),
    ],
)
def test_what_makes_no_object_is_refused(values: tuple[object, ...], named: dict[str, object], told: str) -> None:
    with pytest.raises(TypeError, match=rf"{told}$"):
        OURS[0](*values, **named)
    with pytest.raises(TypeError):
        THEIRS[0](*values, **named)


def test_what_is_made_is_not_to_be_given() -> None:
    with pytest.raises(TypeError, match="Derived has no field made"):
        OURS[1](1, made=1)


def test_frozen_objects_stay_as_they_are() -> None:
    for one in (OURS[0](1), THEIRS[0](1)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            one.one = 2
        with pytest.raises(dataclasses.FrozenInstanceError):
            del one.one
        assert one.one == 1


def test_frozen_objects_are_keys() -> None:
    place = Evidence("a.log", 7)
    assert {place: 1}[Evidence("a.log", 7)] == 1
    assert len({place, Evidence("a.log", 8)}) == 2
    assert pickle.loads(pickle.dumps(place)) == place  # noqa: S301 - our own


def test_those_that_change_are_no_keys() -> None:
    @dataclass()
    class Changing:
        """One field."""

        one: int

    changing = Changing(1)
    changing.one = 2
    assert changing == Changing(2)
    with pytest.raises(TypeError):
        hash(changing)


def test_those_with_a_state_are_equal_to_themselves_alone() -> None:
    @stateful
    class Own:
        """A field that another is made of."""

        one: int
        other: int = field(init=False)

        def __post_init__(self) -> None:
            self.other = self.one + 1

    one, twin = Own(1), Own(1)
    assert one.other == 2
    assert one != twin
    assert len({one, twin}) == 2
    assert repr(one).startswith("<")
