"""What the commands can be given, and how it is read."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from collections.abc import Iterable


class Format(str, Enum):
    """How a result is printed."""

    text = "text"
    json = "json"


class Table(str, Enum):
    """What can be exported, a row each."""

    events = "events"
    checkouts = "checkouts"
    connections = "connections"


class PoolClass(str, Enum):
    """The pool classes that the experiment can use."""

    QueuePool = "QueuePool"
    NullPool = "NullPool"
    StaticPool = "StaticPool"
    SingletonThreadPool = "SingletonThreadPool"
    AssertionPool = "AssertionPool"


class Reset(str, Enum):
    """What a pool does to a connection that comes back."""

    rollback = "rollback"
    commit = "commit"
    none = "none"


Logs = Annotated[
    list[str],
    typer.Argument(
        metavar="LOG...", help="Files, directories, globs or archives; - reads standard input.", show_default=False
    ),
]
LayoutOption = Annotated[
    str | None,
    typer.Option(
        "--layout",
        metavar="FORMAT",
        help="The log's logging format string, in %, { or $ style, or json. Found by itself when left out.",
    ),
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="TIME",
        help="Only what was logged at this time or later: ISO 8601, or how long before the log's end (2h, 90s, 1h30m).",
    ),
]
UntilOption = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="Only what was logged before this time, given in the same way."),
]
PoolOption = Annotated[
    list[str] | None,
    typer.Option("--pool", metavar="NAME", help="Only this pool: class, logging name or logger. May be repeated."),
]
FailOnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-on",
        metavar="WHAT",
        help="Exit 1 on a finding of this severity (error, warning, info) or worse, or of this code. May be repeated.",
    ),
]
ThresholdOption = Annotated[
    list[str] | None,
    typer.Option("--threshold", metavar="NAME=VALUE", help="From where on something is a finding. May be repeated."),
]
IntervalOption = Annotated[
    str | None,
    typer.Option(
        "--interval", metavar="LENGTH", help="Of the timeline: 500ms, 10s, 5m, 1h. Suits the log when left out."
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print the result.")]


class _Reader:
    """Reads what a parameter was given.

    What is as it should be already, as a text is that was typed, is taken as it is: typer would load pydantic first,
    which takes 0.07 s. Anything else typer reads.
    """

    def __init__(self, parameter: Any) -> None:  # noqa: ANN401 - typer's own class, which is private
        self._typer_reader = parameter.get_runtime_param

    def coerce(self, value: Any, param: Any, ctx: typer.Context) -> Any:  # noqa: ANN401 - as typer calls it
        annotation = param.type_descriptor.annotation
        is_list = get_args(annotation) == (str,)
        if value is None:
            return () if is_list else None
        if is_list and isinstance(value, (list, tuple)):
            return list(value)
        if isinstance(annotation, type) and isinstance(value, annotation):
            return value
        return self._typer_reader().coerce(value, param=param, ctx=ctx)


def _read_quickly(parameters: Iterable[Any]) -> list[Any]:
    for parameter in parameters:
        # a typer that asks for no such reader, or does not say what it is to read, reads all by itself
        is_asked = hasattr(parameter, "get_runtime_param") and hasattr(parameter, "type_descriptor")
        if is_asked and "get_runtime_param" not in vars(parameter):
            reader = _Reader(parameter)
            parameter.get_runtime_param = lambda reader=reader: reader
    return list(parameters)


class Command(TyperCommand):
    """A command."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401, D102 - as typer has it
        return _read_quickly(super().get_params(ctx))


class Commands(TyperGroup):
    """All commands."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401, D102 - as typer has it
        return _read_quickly(super().get_params(ctx))
