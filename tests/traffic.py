"""Made-up traffic of an application on a pool: random arrivals, random holds, callers that wait where all are in use.

Only what real pools cannot do in a test's time: hours. It follows QueuePool: FIFO, overflow closed on return.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_BEGIN = datetime(2026, 3, 4, 2, 0)  # noqa: DTZ001 - as printed
_CONNECT = 0.004
_RESET = 0.001
THREADS = "%(asctime)s [%(process)d] [%(threadName)s] DEBUG %(name)s: %(message)s"
ECHO = "%(asctime)s DEBUG %(name)s %(message)s"
BASIC = "DEBUG:%(name)s:%(message)s"


@dataclass(frozen=True)
class Traffic:
    """What comes to a process.

    Attributes:
        rate: requests a second.
        hold: seconds that each holds its connection, on average.
        length: seconds that the log lasts.
        size: connections that the pool keeps; likewise ``overflow`` in excess. A NullPool keeps none.
        threads: that serve the requests; a request waits until one is free.
        leaks: the share of requests that never give their connection back, from ``leaks_from`` seconds on.
        pool: the pool's class.
        layout: of the log.
    """

    rate: float = 5.0
    hold: float = 0.02
    length: float = 60.0
    size: int = 5
    overflow: int = 10
    threads: int = 40
    leaks: float = 0.0
    pool: str = "QueuePool"
    layout: str = THREADS


@dataclass
class _Process:
    """One process: its pool, and what it prints."""

    traffic: Traffic
    number: int
    chance: random.Random
    lines: list[tuple[float, int, str]]
    idle: deque[int] = field(default_factory=deque)
    made: int = 0
    opened: int = 0
    free: list[int] = field(default_factory=list)
    waiting: deque[int] = field(default_factory=deque)
    queue: int = 0
    agenda: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    now: float = 0.0

    def say(self, thread: int, text: str) -> None:
        time = _BEGIN + timedelta(seconds=self.now)
        said = {
            "asctime": f"{time:%Y-%m-%d %H:%M:%S},{time.microsecond // 1000:03}",
            "process": 100 + self.number,
            "threadName": f"worker-{thread}",
            "name": f"sqlalchemy.pool.impl.{self.traffic.pool}",
            "message": text,
        }
        self.lines.append((self.now, len(self.lines), self.traffic.layout % said))

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self.agenda, (self.now + seconds, len(self.lines) * 1000 + len(self.agenda), what))

    def run(self) -> None:
        self.free = list(range(self.traffic.threads))
        self.later(self.chance.expovariate(self.traffic.rate), self.arrive)
        while self.agenda and self.agenda[0][0] < self.traffic.length:
            self.now, _, what = heapq.heappop(self.agenda)
            what()

    def arrive(self) -> None:
        self.later(self.chance.expovariate(self.traffic.rate), self.arrive)
        if self.free:
            self.ask(self.free.pop(self.chance.randrange(len(self.free))))
        else:
            self.queue += 1

    def ask(self, thread: int) -> None:
        limit = self.traffic.size + self.traffic.overflow
        if self.idle:
            self.take(thread, self.idle.popleft())
        elif self.opened < limit or self.traffic.pool == "NullPool":
            self.opened += 1
            self.made += 1
            made = self.made
            self.later(_CONNECT, lambda: self.create(thread, made))
        else:
            self.waiting.append(thread)

    def create(self, thread: int, connection: int) -> None:
        self.say(thread, f"Created new connection {self.text(connection)}")
        self.take(thread, connection)

    def take(self, thread: int, connection: int) -> None:
        self.say(thread, f"Connection {self.text(connection)} checked out from pool")
        if self.chance.random() >= self.traffic.leaks:
            held = self.chance.expovariate(1 / self.traffic.hold)
            self.later(held, lambda: self.give(thread, connection))
        else:
            self.done(thread)

    def give(self, thread: int, connection: int) -> None:
        self.say(thread, f"Connection {self.text(connection)} being returned to pool")
        self.later(_RESET, lambda: self.reset(thread, connection))

    def reset(self, thread: int, connection: int) -> None:
        self.say(thread, f"Connection {self.text(connection)} rollback-on-return")
        if self.traffic.pool == "NullPool" or len(self.idle) >= self.traffic.size:
            self.say(thread, f"Closing connection {self.text(connection)}")
            self.opened -= 1
        elif self.waiting:
            self.take(self.waiting.popleft(), connection)
        else:
            self.idle.append(connection)
        self.done(thread)

    def done(self, thread: int) -> None:
        if self.queue:
            self.queue -= 1
            self.ask(thread)
        else:
            self.free.append(thread)

    def text(self, connection: int) -> str:
        return f"<sqlite3.Connection object at 0x7f{self.number:02x}{connection:08x}>"


def written(seed: int, *processes: Traffic) -> str:
    """The log of some processes, in one file."""
    lines: list[tuple[float, int, str]] = []
    for number, traffic in enumerate(processes):
        _Process(traffic, number, random.Random(f"{seed} {number}"), lines).run()  # noqa: S311 - traffic, no secret
    return "".join(f"{line}\n" for _, _, line in sorted(lines, key=lambda one: one[:2]))
