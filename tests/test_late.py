"""What is made when something of it is first asked for."""

from __future__ import annotations

import re
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
from test_architecture import MODULES

from logpool.late import pl, regex

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was compiled."""
    found: list[object] = []
    usual = re.compile

    def noted(pattern: Any, flags: int = 0) -> re.Pattern[Any]:  # noqa: ANN401 - text or bytes
        found.append(pattern)
        return usual(pattern, flags)

    monkeypatch.setattr(re, "compile", noted)
    return found


def test_a_regular_expression_is_compiled_once_when_it_is_used(compiled: list[object]) -> None:
    late = regex(r"(?P<one>a)b", re.IGNORECASE)
    assert late.pattern == r"(?P<one>a)b"
    assert compiled == []
    match = late.search("xAB")
    assert match is not None
    assert match["one"] == "A"
    assert late.sub("-", "ab") == "-"
    assert late.search("b") is None
    assert list(late.finditer("abab")) != []
    assert late.groupindex == {"one": 1}
    assert compiled == [r"(?P<one>a)b"]


def test_bytes_are_looked_for_as_well() -> None:
    assert regex(rb"(?m)^b").findall(b"b\nab\nb") == [b"b", b"b"]


def test_what_is_no_regular_expression_is_told_when_it_is_used() -> None:
    late = regex("(")
    with pytest.raises(re.error):
        late.search("a")


def test_what_a_pattern_does_not_have_it_does_not_have_late() -> None:
    with pytest.raises(AttributeError, match="no_such"):
        _ = regex("a").no_such  # type: ignore[attr-defined]


def patterns(value: object) -> Iterator[re.Pattern[Any]]:
    """The late ones that stand in a module, on their own or in some collection."""
    if type(value) is type(regex("")):
        yield value
    elif isinstance(value, dict):
        yield from chain.from_iterable(map(patterns, [*value, *value.values()]))
    elif isinstance(value, list | tuple | set | frozenset):
        yield from chain.from_iterable(map(patterns, value))


def test_every_one_of_ours_is_one() -> None:
    ours = [
        pattern
        for module in MODULES
        if module not in {"logpool.__main__", "logpool.build_hook"}
        for value in vars(import_module(module)).values()
        if value is not pl
        for pattern in patterns(value)
    ]
    assert len(ours) > 90
    for pattern in ours:
        assert re.compile(pattern.pattern, pattern.flags).groupindex == pattern.groupindex
