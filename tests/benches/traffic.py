"""Big logs for the benches, simulated: the same kind, number of lines and seed give the same bytes.

``python tests/benches/traffic.py G|M|H|P|I|W OUT [--lines 7000000] [--seed 1]``

Workers, each a generator, check connections out of two pools and return them; a heap lets the one go on whose time has
come. So checkouts overlap as those of threads do, a QueuePool overflows and shrinks, and times never go backwards.

- G: a busy service; 78 % of the lines are pool events, 131 bytes a line.
- M: as many bytes, but 5 % pool events; the rest is of other loggers, tracebacks among it.
- H: as G, but with psycopg2, and nearly every checkout on a new address: a million in seven million lines.
- P: as G, but of eight processes in which the same addresses occur; the layout shows process and thread.
- I: as G, but in JSON, with the id of a request and of a trace in every record, none of them twice.
- W: as G, but in JSON, with a user, a path and an address of the network in every record.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heapify, heapreplace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    # what a worker logs at once, and after how many milliseconds it goes on
    Worker = Iterator[tuple[Sequence[str], int]]
    Delay = Callable[[], int]

LINES = 7_000_000
# of G; it says how long M is
BYTES_A_LINE = 131
_BEGIN = datetime(2024, 9, 26, 6, 0)  # noqa: DTZ001 - a log's local time
_FIRST_ADDRESS = 0x7F6F_4000_0000
_SCATTERED, _PRIME, _ALIGNED = 1 << 24, 2_654_435_761, 16
# of the records of other loggers, how many have words of the pool's in them; and, in M, how many are tracebacks
NEAR_MISSES, FAILURES = 0.05, 0.06
_STEPS_A_BLOCK = 4_000
_DRAWN = 1024
_MILLISECONDS = [f"{number:03}" for number in range(1000)]


@dataclass(frozen=True)
class Traffic:
    """What a kind of log is made of.

    Attributes:
        share: of the lines, how many are pool events.
        processes: how many log; with several, the layout shows process and thread.
        queue_workers: of each process, how many use its QueuePool; likewise its NullPool, and none.
        kept: how many idle connections the QueuePool keeps, before it closes what comes back.
        pause: how long a worker does without a connection, in milliseconds on average; likewise how long one that
            uses none logs nothing.
        failures: whether there are tracebacks.
        reuses: whether a new connection gets the address of one that was closed.
        driver: how a connection at an address is printed.
        ids: whether the log is JSON, with ids; likewise ``words``, with a user and a path.
    """

    share: float = 0.78
    processes: int = 1
    queue_workers: int = 15
    null_workers: int = 5
    other_workers: int = 2
    kept: int = 5
    pause: int = 100
    other_pause: int = 30
    failures: bool = False
    reuses: bool = True
    driver: str = "<pyodbc.Connection object at 0x{:x}>"
    ids: bool = False
    words: bool = False


_PSYCOPG2 = "<connection object at 0x{:x}; dsn: 'user=postgres password=xxx dbname=app host=db.internal', closed: 0>"
KINDS = {
    "G": Traffic(),
    "M": Traffic(
        share=0.05, queue_workers=4, null_workers=1, other_workers=10, pause=1000, other_pause=100, failures=True
    ),
    "H": Traffic(queue_workers=3, null_workers=17, kept=1, reuses=False, driver=_PSYCOPG2),
    "P": Traffic(processes=8, queue_workers=8, null_workers=2, other_workers=1),
    "I": Traffic(ids=True),
    "W": Traffic(words=True),
}


def beginning(process: int, thread: str, *, shown: bool) -> str:
    """What stands behind the time in every record of a thread."""
    return f" [{process}] [{thread}] " if shown else " - "


def rest(name: str, level: str, message: str, *, shown: bool) -> str:
    """What stands behind that."""
    return f"{level} {name}: {message}\n" if shown else f"{name} - {level} - {message}\n"


@dataclass
class Tally:
    """The lines so far: pool events, and others."""

    events: int = 0
    others: int = 0


@dataclass
class Addresses:
    """Of the connections in one process. Those closed are free again, as CPython has it."""

    chance: random.Random
    reuses: bool
    taken: int = 0
    free: list[int] = field(default_factory=list)

    def take(self) -> int:
        """One that no open connection has."""
        if self.reuses and self.free:
            return self.free.pop(int(self.chance.random() * len(self.free)))
        self.taken += 1
        # scattered over the heap, each once
        return _FIRST_ADDRESS + self.taken * _PRIME % _SCATTERED * _ALIGNED

    def give_back(self, address: int) -> None:
        """Its connection was closed."""
        if self.reuses:
            self.free.append(address)


class Connection:
    """One life, and all that the pool says of it."""

    __slots__ = ("address", "closing", "created", "out", "reset", "returned")

    def __init__(self, address: int, text: str, before: str) -> None:
        self.address = address
        self.created = f"{before}Created new connection {text}\n"
        self.out = f"{before}Connection {text} checked out from pool\n"
        self.returned = f"{before}Connection {text} being returned to pool\n"
        self.reset = f"{before}Connection {text} reset, transaction already reset\n"
        self.closing = f"{before}Closing connection {text}\n"


@dataclass
class Process:
    """One process, with its two pools and all that its workers share.

    Attributes:
        traffic: what it does.
        chance: decides.
        tally: of all processes.
    """

    traffic: Traffic
    chance: random.Random
    tally: Tally
    addresses: Addresses = field(init=False)
    idle: deque[Connection] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.addresses = Addresses(self.chance, self.traffic.reuses)
        self.shown = self.traffic.processes > 1
        self.queue_pool = rest("sqlalchemy.pool.impl.QueuePool", "DEBUG", "", shown=self.shown)[:-1]
        self.null_pool = rest("sqlalchemy.pool.impl.NullPool", "DEBUG", "", shown=self.shown)[:-1]
        self.timing = rest("sqlalchemy.pool", "INFO", "Time taken: {:.4f} seconds.", shown=self.shown)
        self.connecting = delay(self.chance, 20, 5)
        self.holding = delay(self.chance, 60, 4)
        self.pausing = delay(self.chance, self.traffic.pause, 1)

    def connect(self, pool: str) -> Connection:
        """A new connection."""
        address = self.addresses.take()
        return Connection(address, self.traffic.driver.format(address), pool)

    def queue_worker(self) -> Worker:
        """Takes a connection that is idle, or makes one; what the pool has no place for is closed after its reset."""
        tally, idle, draw = self.tally, self.idle, self.chance.random
        kept = self.traffic.kept
        yield (), self.pausing()
        while True:
            spent = 0
            if idle:
                connection = idle.popleft()
            else:
                connection, spent = self.connect(self.queue_pool), self.connecting()
                tally.events += 1
                yield (connection.created,), spent
            spent += (held := self.holding())
            tally.events += 1
            yield (connection.out,), held
            tally.events += 2
            if draw() < 0.2:
                # so that another thread can log between the two
                yield (connection.returned,), 1
                said = [connection.reset]
            else:
                said = [connection.returned, connection.reset]
            if len(idle) < kept:
                idle.append(connection)
            else:
                tally.events += 1
                said.append(connection.closing)
                self.addresses.give_back(connection.address)
            yield self.timed(said, spent), self.pausing()

    def null_worker(self) -> Worker:
        """Makes a connection for each checkout."""
        tally = self.tally
        yield (), self.pausing()
        while True:
            connection, spent = self.connect(self.null_pool), self.connecting()
            tally.events += 1
            yield (connection.created,), spent
            spent += (held := self.holding())
            tally.events += 1
            yield (connection.out,), held
            tally.events += 3
            self.addresses.give_back(connection.address)
            yield self.timed([connection.returned, connection.reset, connection.closing], spent), self.pausing()

    def timed(self, said: list[str], spent: int) -> list[str]:
        """With a timing line after some checkouts, as long as others have a line to say, too."""
        draw = self.chance.random
        if draw() < 0.6 and self.owed() >= 1:
            self.tally.others += 1
            said.append(self.timing.format(spent / 1000 + draw() * 0.002))
        return said

    def owed(self) -> float:
        """How many lines of others are missing."""
        share = self.traffic.share
        return self.tally.events * (1 - share) / share - self.tally.others

    def other_worker(self) -> Worker:
        """Uses no pool, and logs so much that pool events have their share."""
        tally, pausing = self.tally, delay(self.chance, self.traffic.other_pause, 1)
        records = other_records(self.chance, shown=self.shown, failures=self.traffic.failures)
        while True:
            said = []
            while self.owed() >= 1:
                record = next(records)
                tally.others += record.count("\n")
                said.append(record)
            yield said, pausing()

    def workers(self) -> Iterator[Worker]:
        """All of them."""
        traffic = self.traffic
        yield from (self.queue_worker() for _ in range(traffic.queue_workers))
        yield from (self.null_worker() for _ in range(traffic.null_workers))
        yield from (self.other_worker() for _ in range(traffic.other_workers))


def delay(chance: random.Random, mean: int, least: int) -> Delay:
    """Draws milliseconds: short ones often, long ones now and then."""
    table = [least + int(-mean * math.log(1 - (part + 0.5) / _DRAWN)) for part in range(_DRAWN)]
    return lambda: table[int(chance.random() * _DRAWN)]


def other_records(chance: random.Random, *, shown: bool, failures: bool) -> Iterator[str]:
    """What the rest of a service logs; hardly two lines are the same."""
    draw = chance.random
    plain, near, failing = (
        [rest(*parts, shown=shown) for parts in records] for records in (_PLAIN, _NEAR_MISSES, _FAILURES)
    )
    while True:
        drawn = draw()
        chosen = near if drawn < NEAR_MISSES else failing if failures and drawn > 1 - FAILURES else plain
        template = chosen[int(draw() * len(chosen))]
        yield template % (int(draw() * 1_000_000), int(draw() * 5_000))


_REFUSED = """Exception on /orders/%d [GET], attempt %d
Traceback (most recent call last):
  File "/app/lib/python3.11/site-packages/flask/app.py", line 1473, in wsgi_app
    response = self.full_dispatch_request()
               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/app/lib/python3.11/site-packages/flask/app.py", line 882, in full_dispatch_request
    rv = self.handle_user_exception(e)
  File "/app/src/app/orders/views.py", line 211, in show
    return jsonify(price(order, request.args["currency"]))
                                ~~~~~~~~~~~~^^^^^^^^^^^^
werkzeug.exceptions.BadRequestKeyError: 400 Bad Request: KeyError: 'currency'"""
_UNSETTLED = """settling order %d failed, try %d
Traceback (most recent call last):
  File "/app/src/app/tasks.py", line 88, in settle
    session.execute(statement)
  File "/app/lib/python3.11/site-packages/sqlalchemy/orm/session.py", line 2351, in execute
    return self._execute_internal(
  File "/app/lib/python3.11/site-packages/sqlalchemy/engine/default.py", line 951, in do_execute
    cursor.execute(statement, parameters)
sqlalchemy.exc.ProgrammingError: (pyodbc.ProgrammingError) ('42S02', "Invalid object name 'ledger'.")
[SQL: INSERT INTO ledger (order_id, amount) VALUES (?, ?)]
(Background on this error at: https://sqlalche.me/e/20/f405)"""
_UNREADY = """database not ready after %d ms, %d tries
Traceback (most recent call last):
  File "/app/lib/python3.11/site-packages/sqlalchemy/engine/base.py", line 145, in __init__
    self._dbapi_connection = engine.raw_connection()
  File "/app/lib/python3.11/site-packages/sqlalchemy/pool/base.py", line 447, in connect
    return _ConnectionFairy._checkout(self)
  File "/app/lib/python3.11/site-packages/sqlalchemy/pool/base.py", line 1264, in _checkout
    fairy = _ConnectionRecord.checkout(pool)
sqlalchemy.exc.OperationalError: (pyodbc.OperationalError) ('08001', 'Login timeout expired')"""
# logger, level, message with two numbers
_PLAIN = (
    ("app.web", "INFO", "GET /orders/%d 200 in %d ms"),
    ("app.orders", "DEBUG", "order %d priced, %d items"),
    ("sqlalchemy.engine.Engine", "INFO", "(%d, %d)"),
    ("celery.worker", "INFO", "task %d done in %d ms"),
)
_NEAR_MISSES = (("urllib3.connectionpool", "DEBUG", 'https://rates:443 "GET /%d HTTP/1.1" 200 %d'),)
_FAILURES = (
    ("app.web", "ERROR", _REFUSED),
    ("app.tasks", "ERROR", _UNSETTLED),
    ("app.health", "WARNING", _UNREADY),
)


def blocks(kind: str, seed: int) -> Iterator[str]:
    """The log without an end, some megabytes at a time."""
    traffic = KINDS[kind]
    chance = random.Random(seed)  # noqa: S311 - traffic, no secret
    tally = Tally()
    workers: list[Worker] = []
    who: list[str] = []
    for process in range(traffic.processes):
        for thread, worker in enumerate(Process(traffic, chance, tally).workers()):
            workers.append(worker)
            who.append(beginning(4201 + process, f"ThreadPoolExecutor-0_{thread}", shown=traffic.processes > 1))
    heap = [(0, number) for number in range(len(workers))]
    heapify(heap)
    second_now, head = -1, ""
    while True:
        lines: list[str] = []
        for _ in range(_STEPS_A_BLOCK):
            now, number = heap[0]
            said, pause = next(workers[number])
            heapreplace(heap, (now + pause, number))
            if said:
                second, millisecond = divmod(now, 1000)
                if second != second_now:
                    second_now = second
                    head = f"{_BEGIN + timedelta(seconds=second):%Y-%m-%d %H:%M:%S},"
                before = head + _MILLISECONDS[millisecond] + who[number]
                lines.append(before + before.join(said))
        block = "".join(lines)
        more = _ids if traffic.ids else _words if traffic.words else None
        yield block if more is None else "".join(_as_json(block, chance, more))


def _as_json(block: str, chance: random.Random, more: Callable[[random.Random], dict[str, object]]) -> Iterator[str]:
    """Lines as JSON, each with more fields of its own."""
    for line in block.splitlines():
        time, name, level, message = line.split(" - ", 3)
        yield f"{json.dumps({'asctime': time, 'levelname': level, 'name': name, 'message': message, **more(chance)})}\n"


def _ids(chance: random.Random) -> dict[str, object]:
    request = UUID(int=chance.getrandbits(128), version=4)
    return {"request_id": str(request), "trace_id": f"{chance.getrandbits(128):032x}"}


_SYLLABLES = [one + other for one in "bdfgklmnprstvz" for other in "aeiou"]


def _words(chance: random.Random) -> dict[str, object]:
    draw = chance.random
    user, what, slug = ("".join(_SYLLABLES[int(draw() * 70)] for _ in range(2 + int(draw() * 3))) for _ in range(3))
    client = ".".join(str(int(draw() * 256)) for _ in range(4))
    return {"user": f"{user}@example.com", "path": f"/{what}s/{slug}/{int(draw() * 100_000)}", "client": client}


def write(kind: str, path: Path, lines: int = LINES, seed: int = 1) -> None:
    """Writes a log of so many lines; M as long as G is then, in whole lines."""
    left = lines * BYTES_A_LINE if kind == "M" else lines
    with path.open("w", encoding="ascii", newline="") as file:
        for block in blocks(kind, seed):
            size = len(block) if kind == "M" else block.count("\n")
            if size >= left:
                file.write(_cut_bytes(block, left) if kind == "M" else _cut_lines(block, left))
                return
            file.write(block)
            left -= size


def _cut_bytes(block: str, size: int) -> str:
    return block[: block.find("\n", max(size - 1, 0)) + 1]


def _cut_lines(block: str, count: int) -> str:
    return "".join(islice(block.splitlines(keepends=True), count))


def main() -> None:
    """Writes the log that the command line asks for."""
    parser = argparse.ArgumentParser(description="Writes a big pool log for the benches.")
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("out", type=Path)
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    write(asked.kind, asked.out, asked.lines, asked.seed)


if __name__ == "__main__":
    main()
