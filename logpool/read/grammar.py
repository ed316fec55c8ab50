"""Text to meaning, by the Lark grammars in ``grammars/``: what a message says, and which connection it names.

Parsing costs some 25 µs a text, so nobody calls this for every line: :mod:`logpool.read.events` does so once for
each distinct shape of line.
"""

from __future__ import annotations

import pickle
import re
from collections import defaultdict
from dataclasses import replace
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from lark import Lark, Token, Tree
from lark import __version__ as lark_version
from lark.exceptions import UnexpectedInput

from logpool.classes import dataclass
from logpool.late import regex
from logpool.schema import Detail, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lark.grammar import Symbol

PARSERS = Path(__file__).with_name("parsers.pickle")

_KINDS = {kind.word: kind for kind in Kind}
_DETAILS = {detail.name.lower(): detail for detail in Detail if detail}
_CONNECTION_TERMINALS = frozenset(
    {"WHOLE", "REST", "USED", "INVALIDATED", "UNCLOSED", "TERMINATED", "COLLECTED", "UNSUPPORTED"}
)
_CONNECTIONLESS = frozenset({Kind.CONNECT_FAILED})
_ADDRESS = regex(r"\b0x[0-9A-Fa-f]+")
# a text that may be one connection's name: it has a number, and no room for anything else
_NAME = regex(r"[\w.#:-]*\d[\w.#:-]*")
_LAST_NUMBER = regex(r"(\d+)\D*$")


@dataclass(frozen=True)
class Connection:
    """A connection as a log names it.

    Attributes:
        driver: the dotted name of its class, ``unknown`` where the text has none.
        identity: what tells it apart while it lives: the address as printed, or the number that stands in for
            it; None where the text names the server and not one connection.
        status: psycopg's transaction status, where printed.
    """

    driver: str
    identity: str | None
    status: str | None = None


@dataclass(frozen=True)
class Message:
    """What one pool message says.

    Attributes:
        kind: what happened.
        detail: how or why.
        connection: the connection named in it, if any.
        reason: the class of the exception given as the reason, if any.
        number: the seconds of a timing.
        numbers: of ``timed_out``: size, overflow, timeout; of ``disposed``: size, in pool, overflow, checked out.
    """

    kind: Kind
    detail: Detail = Detail.NONE
    connection: Connection | None = None
    reason: str | None = None
    number: float | None = None
    numbers: tuple[float, ...] = ()

    def without_identity(self) -> Message:
        """The same, of any connection of that driver; a timing, of any length."""
        if self.number is not None:
            return replace(self, number=None, numbers=())
        if self.connection is None:
            return self
        return replace(self, connection=Connection(self.connection.driver, None, self.connection.status))


def grammar_text(name: str) -> str:
    """The text of ``grammars/<name>.lark``, from the installed package or from a checkout."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "grammars", package.parent / "grammars"):
        path = folder / f"{name}.lark"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    msg = f"grammars/{name}.lark is missing from the installation"
    raise FileNotFoundError(msg)


@cache
def parser(name: str, *starts: str) -> Lark:
    """The LALR parser of one grammar: as it was built with the package, where that is still the same."""
    text = grammar_text(name)
    saved = _saved().get(_key(text, starts))
    return _built(text, starts) if saved is None else Lark.load(BytesIO(saved))


def _built(text: str, starts: tuple[str, ...]) -> Lark:
    return Lark(text, parser="lalr", maybe_placeholders=False, start=list(starts) or "start")


def _key(text: str, starts: tuple[str, ...]) -> tuple[str, ...]:
    return (lark_version, text, *starts)


@cache
def _saved() -> dict[tuple[str, ...], bytes]:
    return pickle.loads(PARSERS.read_bytes()) if PARSERS.is_file() else {}  # noqa: S301 - made when the package was


def save_parsers() -> None:
    """Builds all parsers, and keeps them beside this module: that takes a third of the time of reading a small log."""
    saved = {}
    for name, *starts in (("message",), ("connection",), ("layout", "percent", "brace", "dollar")):
        text = grammar_text(name)
        buffer = BytesIO()
        _built(text, tuple(starts)).save(buffer)
        saved[_key(text, tuple(starts))] = buffer.getvalue()
    PARSERS.write_bytes(pickle.dumps(saved))


@cache
def _begins() -> re.Pattern[str]:
    """How messages begin: most texts are none, and to find that out by parsing them takes long."""
    grammar = parser("message")
    expansions: defaultdict[str, list[Sequence[Symbol]]] = defaultdict(list)
    for rule in grammar.rules:
        expansions[rule.origin.name].append(rule.expansion)
    waiting, first = ["start"], set()
    for name in waiting:
        for symbol, *_ in expansions[name]:
            if symbol.is_term:
                first.add(symbol.name)
            elif symbol.name not in waiting:
                waiting.append(symbol.name)
    return re.compile("|".join(one.pattern.to_regexp() for one in grammar.terminals if one.name in first))


@lru_cache(maxsize=1 << 12)
def parse_message(text: str) -> Message | None:
    """What a pool message says; None for a text that the grammar does not know."""
    if not _begins().match(text):
        return None
    try:
        tree = parser("message").parse(text)
    except UnexpectedInput:
        return None
    kind = _KINDS[str(tree.data)]
    detail = Detail.NONE
    connection: Connection | None = None
    reason: str | None = None
    numbers: list[float] = []
    for node in _walk(tree):
        if isinstance(node, Tree):
            detail = _DETAILS.get(str(node.data), detail)
        elif node.type in _CONNECTION_TERMINALS:
            connection = None if kind in _CONNECTIONLESS else parse_connection(str(node))
        elif node.type == "REASON_CLASS":
            reason = str(node).rpartition(".")[2]
        elif node.type in {"INT", "NUMBER"}:
            numbers.append(float(node))
    number = numbers[0] if kind is Kind.TIMING and numbers else None
    return Message(kind, detail, connection, reason, number, tuple(numbers))


@cache
def _connection_rules() -> Lark:
    return parser("connection")


def parse_connection(text: str) -> Connection:
    """The driver and the identity of a connection's text, whatever the text."""
    try:
        tree = _connection_rules().parse(text)
    except UnexpectedInput:
        return _unknown_connection(text)
    shape = str(tree.children[0].data if tree.data == "adapted" else tree.data)  # type: ignore[union-attr]
    tokens = {token.type: str(token) for token in _walk(tree) if isinstance(token, Token)}
    driver = _driver(shape, tokens)
    if shape == "unaddressed":
        return Connection(driver, None)
    if shape == "thread":
        number = _LAST_NUMBER.search(tokens["THREAD"])
        return Connection(driver, number[1] if number else tokens["THREAD"])
    return Connection(driver, tokens.get("ADDRESS") or tokens.get("INT"), tokens.get("STATUS"))


def _driver(shape: str, tokens: dict[str, str]) -> str:
    named = {"psycopg2": "psycopg2", "thread": "aiosqlite", "mock": "mock"}
    return named.get(shape) or tokens["NAME"]


def _unknown_connection(text: str) -> Connection:
    """A driver that no rule knows: by its address if it shows one, by its text if that can be a name, or by nothing."""
    address = _ADDRESS.search(text)
    driver = re.match(r"<(?:AdaptedConnection <)?([A-Za-z_][\w.]*)", text)
    own = text if _NAME.fullmatch(text) else None
    return Connection(driver[1] if driver else "unknown", address[0] if address else own)


def _walk(tree: Tree[Token]) -> Iterator[Tree[Token] | Token]:
    for child in tree.children:
        yield child
        if isinstance(child, Tree):
            yield from _walk(child)
