"""Logs that are made up, line by line."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from trouble import QUEUE, found

if TYPE_CHECKING:
    from pathlib import Path

    from logpool.report.model import Finding


class Written:
    """A log written line by line, in one layout, at times of its own."""

    def __init__(self, log: Path, head: str = "{time} [{process}] [w] DEBUG {logger}: {text}") -> None:
        self.log, self.head, self.lines = log, head, list[str]()
        self.now = datetime(2026, 3, 4, 3, 0, 0)  # noqa: DTZ001 - local as printed

    def add(self, text: str, seconds: float = 0.001, *, process: int = 12, logger: str = QUEUE) -> None:
        self.now += timedelta(seconds=seconds)
        time = f"{self.now:%Y-%m-%d %H:%M:%S},{self.now.microsecond // 1000:03}"
        self.lines.append(self.head.format(time=time, process=process, logger=logger, text=text))

    def use(self, connection: str, seconds: float = 0.01, *, process: int = 12) -> None:
        self.add(f"Connection {connection} checked out from pool", process=process)
        self.add(f"Connection {connection} being returned to pool", seconds, process=process)
        self.add(f"Connection {connection} reset, transaction already reset", process=process)

    def found(self, *settings: str) -> dict[str, Finding]:
        self.log.write_text("".join(f"{line}\n" for line in self.lines), "utf-8")
        return found(self.log, *settings)


def connection(number: int) -> str:
    return f"<sqlite3.Connection object at {0x7F0000000000 + number * 16:#x}>"
