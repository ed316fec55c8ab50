"""Standard streams: data goes to one, everything else to the other; and what the terminal behind them can show."""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO


def put(text: str) -> None:
    """Writes data, as it is."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        mute()


def put_line(line: str) -> None:
    """Writes a line of data."""
    put(line + "\n")


def put_json(value: dict[str, Any]) -> None:
    """Writes data for a program."""
    put(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def tell(line: str) -> None:
    """Writes a line for whoever looks on, which is no data: where it cannot be written, the work goes on."""
    with suppress(OSError, ValueError):
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def mute() -> None:
    """Whoever read the output has seen enough: nothing more is written, and the exit code stays what it is."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def width() -> int:
    """How many characters fit a line."""
    return shutil.get_terminal_size((100, 24)).columns


def is_coloured() -> bool:
    """Whether data may be coloured: on a terminal whose user has nothing against it (https://no-color.org)."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def can_show(text: str) -> bool:
    """Whether standard output can hold a text as it is."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def make_ready() -> None:
    """Leads a stream nowhere that was closed before the program began: Python has none then."""
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()


def be_lenient() -> None:
    """What a stream's encoding lacks is shown as a question mark."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")
