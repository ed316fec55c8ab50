"""Cases as folders: ``cases/NAME/`` holds logs, commands, and all that each command prints.

``X.command`` holds the arguments of ``logpool``, run in the case's folder; ``X.stdout``, ``X.stderr`` and ``X.exit``
hold what comes of it, to the letter. To add a case, write its logs and commands, then ::

    LOGPOOL_WRITE_CASES=1 python -m pytest tests/test_cases.py

writes what is missing and rewrites what differs. Read the difference before you commit it.

``by-hand.json`` holds what a person worked out from the log before a program did: per command some of the JSON that
it must print. A list there is as long as the list printed; what is left out of an object may be anything. Nothing
writes it but a person, so a figure that goes wrong cannot be written over by accident.
"""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from logpool.cli import main

CASES = Path(__file__).parent / "cases"
COMMANDS = sorted(CASES.glob("*/*.command"))
BY_HAND = [
    (path, command) for path in sorted(CASES.glob("*/by-hand.json")) for command in json.loads(path.read_text("utf-8"))
]
REWRITE = bool(os.environ.get("LOGPOOL_WRITE_CASES"))


def printed(
    folder: Path, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> dict[str, str]:
    """What a command prints in a folder, on a terminal of 80 columns, and its exit code; by suffix."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    code = main(shlex.split(command))
    captured = capsys.readouterr()
    return {".stdout": captured.out, ".stderr": captured.err, ".exit": f"{code}\n"}


def read(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else "(no such file)"


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_prints_what_it_printed(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    actual = printed(path.parent, path.read_text("utf-8"), monkeypatch, capsys)
    if REWRITE:
        for suffix, text in actual.items():
            path.with_suffix(suffix).write_text(text, "utf-8")
    assert {suffix: read(path.with_suffix(suffix)) for suffix in actual} == actual


@pytest.mark.parametrize(("path", "command"), BY_HAND, ids=[f"{path.parent.name}: {what}" for path, what in BY_HAND])
def test_agrees_with_what_was_worked_out_by_hand(
    path: Path, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = json.loads(path.read_text("utf-8"))[command]
    actual = json.loads(printed(path.parent, command, monkeypatch, capsys)[".stdout"])
    assert differences(expected, actual) == []


def differences(expected: Any, actual: Any, where: str = "") -> list[str]:  # noqa: ANN401 - any JSON
    """Where some JSON lacks or contradicts what is expected of it."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        pairs = [(f"{where}.{key}", value, actual.get(key, "(missing)")) for key, value in expected.items()]
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        pairs = [(f"{where}[{place}]", *pair) for place, pair in enumerate(zip(expected, actual, strict=True))]
    else:
        return [] if expected == actual else [f"{where}: {expected!r} expected, but {actual!r}"]
    return [line for place, one, two in pairs for line in differences(one, two, place)]


def test_differences_are_seen() -> None:
    actual = {"a": 1, "b": [{"c": 2, "d": 3}], "e": None}
    assert differences({"b": [{"c": 2}], "e": None}, actual) == []
    assert differences({"b": [{"c": 3}], "f": 1, "a": [1]}, actual) == [
        ".b[0].c: 3 expected, but 2",
        ".f: 1 expected, but '(missing)'",
        ".a: [1] expected, but 1",
    ]
    assert differences({"b": []}, actual) == [".b: [] expected, but [{'c': 2, 'd': 3}]"]


def test_no_output_without_its_command() -> None:
    outputs = {path.with_suffix("") for suffix in ("stdout", "stderr", "exit") for path in CASES.glob(f"*/*.{suffix}")}
    assert {path.with_suffix("") for path in COMMANDS} == outputs
