"""The README's blocks run, and print what it says they print.

``UPDATE_README=1 pytest tests/test_readme.py`` writes the outputs anew.
"""

import os
import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest

from logpool.cli import main
from logpool.judge.thresholds import Thresholds
from logpool.schema import FINDINGS

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
CONSOLE = re.compile(r"```console\n(\$ .*?\n)(.*?)```", re.DOTALL)
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "100")


def blocks() -> list[tuple[str, str]]:
    return CONSOLE.findall(README.read_text(encoding="utf-8"))


def printed(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    words = shlex.split(command.removeprefix("$ "))
    assert words[0] == "logpool"
    assert main(words[1:]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", [command.strip() for command, _ in blocks()])
def test_console_block_prints_what_it_says(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    output = printed(command, capsys)
    if os.environ.get("UPDATE_README"):
        text = README.read_text(encoding="utf-8")
        block = re.compile(rf"(```console\n{re.escape(command)}\n).*?```", re.DOTALL)
        README.write_text(block.sub(lambda match: f"{match[1]}{output}```", text), encoding="utf-8")
    assert dict(blocks())[command + "\n"] == output


@pytest.mark.parametrize("number", range(len(PYTHON.findall(README.read_text(encoding="utf-8")))))
def test_python_block_runs(number: int, tmp_path: Path) -> None:
    code = PYTHON.findall(README.read_text(encoding="utf-8"))[number]
    if "FileHandler" in code:
        code = code.replace('"sqlalchemy.log"', repr(str(tmp_path / "sqlalchemy.log")))
        code += "\nlogger.removeHandler(handler)\nhandler.close()\n"
        code += "logger.setLevel(logging.NOTSET)\nlogger.propagate = True\n"
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - the README's own code


def test_there_are_blocks_to_run() -> None:
    assert len(blocks()) >= 3


def test_every_finding_and_threshold_is_explained() -> None:
    text = README.read_text("utf-8")
    missing = [code for code in FINDINGS if f"\n| `{code}` |" not in text]
    missing += [field.name for field in fields(Thresholds) if f"\n| `{field.name}` |" not in text]
    assert not missing
