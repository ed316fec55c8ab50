"""The arrows between the modules, and what a bare import costs."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "logpool"

# module or room -> what it may import of ours; the longest name that fits a module counts
ARROWS: dict[str, set[str]] = {
    "logpool.schema": set(),
    "logpool.errors": set(),
    "logpool.progress": set(),
    "logpool.console": set(),
    "logpool.interruptible": set(),
    "logpool.words": set(),
    "logpool.options": set(),
    "logpool.late": set(),
    "logpool.classes": set(),
    "logpool.frames": {"logpool.late"},
    "logpool.native": {"logpool.errors", "logpool.late", "logpool.native", "logpool.classes"},
    "logpool.read": {
        "logpool.classes",
        "logpool.schema",
        "logpool.errors",
        "logpool.frames",
        "logpool.late",
        "logpool.native",
        "logpool.read",
    },
    "logpool.track": {
        "logpool.classes",
        "logpool.schema",
        "logpool.frames",
        "logpool.native",
        "logpool.read.vocabulary",
        "logpool.track",
    },
    "logpool.judge": {
        "logpool.classes",
        "logpool.frames",
        "logpool.late",
        "logpool.schema",
        "logpool.errors",
        "logpool.native",
        "logpool.read",
        "logpool.track",
        "logpool.report.comparison",
        "logpool.report.model",
        "logpool.judge",
        "logpool.words",
    },
    "logpool.report": {
        "logpool.classes",
        "logpool.schema",
        "logpool.errors",
        "logpool.interruptible",
        "logpool.report",
        "logpool.words",
    },
    "logpool.report.comparison": {"logpool.classes", "logpool.report.model"},
    "logpool.report.model": {"logpool.classes"},
    "logpool.runner": {"logpool.errors", "logpool.runner"},
    "logpool.judging": {
        "logpool.classes",
        "logpool.schema",
        "logpool.read",
        "logpool.track",
        "logpool.judge",
        "logpool.report",
    },
    "logpool.analysis": {
        "logpool.classes",
        "logpool.schema",
        "logpool.errors",
        "logpool.read",
        "logpool.track",
        "logpool.judge",
        "logpool.report",
        "logpool.judging",
    },
    "logpool.tables": {
        "logpool.schema",
        "logpool.errors",
        "logpool.read",
        "logpool.track",
        "logpool.judge",
        "logpool.report",
        "logpool.analysis",
    },
    "logpool.cli": {"logpool"},
    # what is done when the package is installed
    "logpool.build_hook": {"logpool.read.grammar"},
    "logpool.__main__": {"logpool.cli"},
    # what the package offers is imported when it is first used
    "logpool": set(),
}

# what costs time to import -> the rooms in which it may stand
LIBRARIES: dict[str, set[str]] = {
    "lark": {"logpool.read"},
    "polars": {
        "logpool.late",
        "logpool.native.events",
        "logpool.native.peaks",
        "logpool.native.spans",
        "logpool.native.steps",
        "logpool.track",
        "logpool.judge",
        "logpool.report",
        "logpool.judging",
        "logpool.analysis",
        "logpool.tables",
    },
    "psycopg2": {"logpool.runner"},
    "pydantic": set(),
    "sqlalchemy": {"logpool.runner"},
    "typer": {"logpool.cli", "logpool.options"},
    "zlib_ng": {"logpool.read"},
    "zstandard": {"logpool.read"},
}


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def within(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


def room_of(module: str, rooms: dict[str, set[str]]) -> str:
    """The longest name that fits; ``logpool`` itself is no room for what is in it."""
    fitting = [room for room in rooms if module == room or (room != "logpool" and within(module, room))]
    return max(fitting, key=len, default="")


def imports(tree: ast.AST, package: str) -> Iterator[str]:
    """The modules that are imported, inside functions too; not those for the type checker alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
            for other in node.orelse:
                yield from imports(ast.Module([other], []), package)
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            # a name may be a module, or stand in one
            found = {f"{base}.{alias.name}" for alias in node.names} & MODULES.keys()
            yield from sorted(found)
            if len(found) < len(node.names):
                yield base
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield from (str(word.value) for word in node.args if isinstance(word, ast.Constant))
        yield from imports(node, package)


def imported_by(module: str) -> set[str]:
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return set(imports(ast.parse(path.read_text("utf-8")), package))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import a.b, c", ["a.b", "c"]),
        ("from a import b", ["a"]),
        ("from logpool import errors", ["logpool.errors"]),
        ("from logpool import errors, __version__", ["logpool.errors", "logpool"]),
        ("from logpool.read import times as t, grammar", ["logpool.read.grammar", "logpool.read.times"]),
        ("from .times import iso", ["logpool.read.times"]),
        ("from . import times", ["logpool.read.times"]),
        ("from .. import errors", ["logpool.errors"]),
        ("from ..errors import InputError", ["logpool.errors"]),
        ("def f():\n  class C:\n    async def g():\n      if x:\n        import a", ["a"]),
        ("try:\n  import a\nexcept ImportError:\n  import b\nelse:\n  import c", ["a", "b", "c"]),
        ("with x:\n  import a", ["a"]),
        ("if TYPE_CHECKING:\n  import a\nelse:\n  import b", ["b"]),
        ("if typing.TYPE_CHECKING:\n  import a", []),
        ("if not TYPE_CHECKING:\n  import a", ["a"]),
        ("x = importlib.import_module('a.b')", ["a.b"]),
        ("x = __import__('a')", ["a"]),
    ],
)
def test_imports_are_found(text: str, expected: list[str]) -> None:
    assert expected == list(imports(ast.parse(text), "logpool.read"))


@pytest.mark.parametrize("module", MODULES)
def test_arrows(module: str) -> None:
    room = room_of(module, ARROWS)
    assert room, f"{module} stands in no room"
    ours = {name for name in imported_by(module) if within(name, "logpool")}
    assert set() == {name for name in ours if not any(within(name, allowed) for allowed in ARROWS[room])}


def test_every_arrow_starts_at_a_module() -> None:
    assert set(ARROWS) == {room_of(module, ARROWS) for module in MODULES}


@pytest.mark.parametrize("library", LIBRARIES)
def test_libraries_stay_in_their_rooms(library: str) -> None:
    users = {module for module in MODULES if any(within(name, library) for name in imported_by(module))}
    assert set() == {user for user in users if not any(within(user, room) for room in LIBRARIES[library])}


def made_when_loaded(tree: ast.Module) -> Iterator[ast.expr]:
    """What is called when a module is loaded, decorators too."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call):
            yield node.func
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from node.decorator_list
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


@pytest.mark.parametrize("module", [name for name in MODULES if not within(name, "logpool.runner")])
def test_nothing_is_compiled_when_a_module_is_loaded(module: str) -> None:
    """Methods of data classes, and regular expressions, take longer to compile than a short log to analyze."""
    tree = ast.parse(MODULES[module].read_text("utf-8"))
    assert not {ast.unparse(called) for called in made_when_loaded(tree)} & {"re.compile", "dataclasses.dataclass"}
    assert not [
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "dataclasses" and module != "logpool.classes"
        for alias in node.names
        if alias.name == "dataclass"
    ]


def test_what_is_called_when_a_module_is_loaded_is_found() -> None:
    text = "@a.b\nclass C(d()):\n  @e\n  def f(self): g()\n  h = [i(x) for x in y]\nj = lambda: k()\nl(m())"
    assert {"a.b", "d", "e", "i", "l", "m"} == {ast.unparse(called) for called in made_when_loaded(ast.parse(text))}


def test_the_first_lines_are_read_before_polars_is_loaded() -> None:
    """What learns the layout and cuts the lines is loaded, and works, without it."""
    code = """
import sys
from logpool.analysis import Analysis
from logpool.read.events import EventReader
from logpool.read.gathering import Gathered
from logpool.read.lines import Block, Lines
from logpool.read.reading import Reading
from logpool.read.vocabulary import Vocabulary

text = open("samples/document-queuepool.log", "rb").read()
reader = EventReader(Vocabulary(), 0, Reading("log"), lot=1 << 20)
events = reader.read(Block(1 + 43 * number, Lines(text), len(text)) for number in range(10))
made = Gathered.take
def take(self):
    print("polars" in sys.modules)
    return made(self)
Gathered.take = take
print(len(next(events)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent, timeout=60
    )
    assert done.stdout == "False\n430\n"


def loaded(*words: str) -> set[str]:
    """The libraries that a new interpreter has loaded in the end."""
    code = "\n".join(
        [
            "import json, sys",
            f"from logpool.cli import main; main({list(words)})" if words else "import logpool",
            f"print(json.dumps([name for name in {sorted(LIBRARIES)} if name in sys.modules]), file=sys.stderr)",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent, timeout=60
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_the_bare_import_loads_no_library() -> None:
    assert set() == loaded()


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["analyze", "--help"], ["run", "--help"]])
def test_help_loads_no_library_but_its_own(words: list[str]) -> None:
    assert loaded(*words) == {"typer"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["analyze", "samples/document-queuepool.log"], {"typer", "polars", "lark"}),
        (["analyze", "samples/document-queuepool.log", "--since", "2000-01-01"], {"typer", "polars", "lark"}),
        (["verify", "samples/document-queuepool.log"], {"typer", "polars", "lark"}),
        (["compare", "samples/document-queuepool.log", "samples/document-nullpool.log"], {"typer", "polars", "lark"}),
    ],
)
def test_reading_a_log_loads_no_database(words: list[str], expected: set[str]) -> None:
    assert expected == loaded(*words)
