"""What is said of a pool's settings is how it was set up: for real pools, set up and driven at random."""

from __future__ import annotations

import heapq
import logging
import math
import os
import random
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
import sqlalchemy.pool
import written

import oracle
from logpool import runner
from logpool.analysis import analyze
from oracle import FAULTS, LAYOUTS, Scenario, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.report.model import Report, Setting

# how many pools to set up; more of them in the environment
SEEDS = int(os.environ.get("LOGPOOL_SETTINGS_SEEDS", "16"))
UNLIMITED = float("inf")
# what the witness does to a connection's age, the pool's clock does not know of
AGED = "age"
# each of these states the settings outright, or replaces a pool by another
TELLING = frozenset({"dispose", "exhausted_pool"})


def scenario_of(seed: int) -> Scenario:
    """One of all ways to set up a pool, and to treat it."""
    chance = random.Random(seed)  # noqa: S311 - traffic, no secret
    likely = chance.choice((0.0, 0.0, 0.2, 0.6))
    faults = {fault for fault in FAULTS if chance.random() < likely and fault != AGED}
    faults |= {fault for fault in TELLING if chance.random() < 0.15}
    threads = chance.choice((1, 1, 2, 5, 8))
    pool = chance.choice(("QueuePool",) * 8 + ("NullPool", "AssertionPool", "StaticPool", "SingletonThreadPool"))
    if pool != "QueuePool":
        threads, faults = 1, set()
    return Scenario(
        pools=(pool,),
        lifo=chance.random() < 0.5,
        size=chance.choice((0, 1, 2, 2, 3, 3, 5)) if pool == "QueuePool" else 5,
        overflow=chance.choice((-1, 0, 1, 2, 3, 5)),
        timeout=chance.choice((0.0, 0.01, 0.02)),
        pre_ping=chance.random() < 0.5,
        recycle=chance.random() < 0.5,
        reset=chance.choice(("rollback", "rollback", "commit", None)),
        layout=chance.choice((*LAYOUTS, "threads", "threads")),
        faults=tuple(sorted(faults)),
        steps=chance.choice((10, 60, 150, 300)) // (1 if threads == 1 else 2),
        threads=threads,
        users=chance.choice((1, 2, 6)) if threads > 1 else 8,
    )


def truth_of(scenario: Scenario) -> dict[str, Any]:
    """The settings as a report calls them; no limit is more than any number."""
    queue = scenario.pools[0] == "QueuePool"
    return {
        "pool_size": (scenario.size or UNLIMITED) if queue else None,
        "max_overflow": (UNLIMITED if scenario.overflow < 0 or not scenario.size else scenario.overflow)
        if queue
        else None,
        "pool_timeout": scenario.timeout if queue else None,
        "pool_recycle": 100 if scenario.recycle else UNLIMITED,
        "pre_ping": scenario.pre_ping,
        "use_lifo": scenario.lifo if queue else None,
        "reset_on_return": scenario.reset or "none",
    }


def wrong(report: Report, truths: dict[str, Any]) -> Iterator[tuple[str, Any, Setting]]:
    """What is said and not so."""
    for pool in report.pools:
        for name, truth in truths.items():
            setting = getattr(pool.settings, name)
            if not holds(setting, truth):
                yield name, truth, setting


def holds(setting: Setting, truth: Any) -> bool:  # noqa: ANN401 - as the setting is
    """Whether a setting allows for the truth, and cites what it says."""
    if setting.how == "unknown":
        return setting == type(setting)()
    if truth is None or not setting.evidence:
        return False
    value = UNLIMITED if setting.value == 0 and truth == UNLIMITED else setting.value
    bounds = isinstance(truth, (bool, str)) or (
        (setting.low or 0) <= truth and (setting.high is None or truth <= (setting.high or UNLIMITED))
    )
    return bounds and (value is None or value == truth)


def pieces(lines: list[str], chance: random.Random) -> Iterator[list[str]]:
    """A log, what a cut leaves of it at either end, and a part between two cuts."""
    yield lines
    for _ in range(3):
        place = chance.randrange(len(lines))
        yield lines[:place]
        yield lines[place:]
    first, last = sorted(chance.sample(range(len(lines) + 1), 2))
    yield lines[first:last]


def has_records(lines: list[str]) -> bool:
    return any("sqlalchemy.pool.impl" in line and "File" not in line for line in lines)


def told(report: Report) -> Counter[str]:
    """Which settings are told, by name and how."""
    settings = [(name, getattr(pool.settings, name)) for pool in report.pools for name in truth_of(Scenario())]
    return Counter(
        f"{name} {one.how if one.value is not None else 'bounded'}" for name, one in settings if one.how != "unknown"
    )


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_said_that_is_not_so(seed: int, tmp_path: Path) -> None:
    scenario = scenario_of(seed)
    text, _ = run(seed, scenario, tmp_path)
    lines = text.splitlines(keepends=True)
    log = tmp_path / "pool.log"
    for piece in pieces(lines, random.Random(seed)):  # noqa: S311 - where to cut
        if has_records(piece):
            log.write_text("".join(piece))
            report = analyze(log, layout=LAYOUTS[scenario.layout])
            assert list(wrong(report, truth_of(scenario))) == []


class Clock:
    """The time that the pool and its log go by."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    factory = logging.getLogRecordFactory()

    def made(*arguments: Any, **more: Any) -> logging.LogRecord:  # noqa: ANN401 - as logging has it
        record = factory(*arguments, **more)
        record.created = clock.now
        record.msecs = int(clock.now % 1 * 1000)
        return record

    monkeypatch.setattr("sqlalchemy.pool.base.time", clock)
    logging.setLogRecordFactory(made)
    yield clock
    logging.setLogRecordFactory(factory)


def days(seed: int, clock: Clock, scenario: Scenario, recycle: int, directory: Path, layout: str) -> list[str]:
    """The log of a pool through quiet hours and bursts: each caller holds a connection for a while."""
    chance = random.Random(seed)  # noqa: S311 - traffic, no secret
    with oracle.logged(layout) as text:
        engine = sa.create_engine(
            f"sqlite:///{directory / 'days.db'}",
            poolclass=sa.pool.QueuePool,
            pool_size=scenario.size,
            max_overflow=scenario.overflow,
            pool_timeout=scenario.timeout,
            pool_recycle=recycle,
            pool_use_lifo=scenario.lifo,
            pool_pre_ping=scenario.pre_ping,
            pool_reset_on_return=scenario.reset,
        )
        room = scenario.size + scenario.overflow if scenario.size and scenario.overflow >= 0 else 12
        for _ in range(60):
            ends: list[tuple[float, int, Any]] = []
            pace = chance.choice((0.05, 0.5, 5.0, 120.0))
            for number in range(chance.randint(3, 20)):
                clock.now += chance.expovariate(1 / pace)
                while ends and (ends[0][0] <= clock.now or len(ends) >= room):
                    until, _, connection = heapq.heappop(ends)
                    clock.now = max(clock.now, until)
                    connection.close()
                connection = engine.connect()
                if chance.random() < 0.5:
                    connection.execute(sa.text("SELECT 1"))
                heapq.heappush(ends, (clock.now + chance.expovariate(1), number, connection))
            while ends:
                until, _, connection = heapq.heappop(ends)
                clock.now = max(clock.now, until)
                connection.close()
            clock.now += chance.choice((1.0, 30.0, 600.0, 5000.0))
        written = text.getvalue()
        engine.dispose()
    return written.splitlines(keepends=True)


def days_of(seed: int) -> tuple[Scenario, int]:
    """A pool that is busy for days, and its ``pool_recycle``."""
    chance = random.Random(seed)  # noqa: S311 - traffic, no secret
    scenario = Scenario(
        lifo=chance.random() < 0.5,
        size=chance.choice((0, 1, 2, 3, 5)),
        overflow=chance.choice((-1, 0, 1, 3, 10)),
        pre_ping=chance.random() < 0.5,
        reset=chance.choice(("rollback", "rollback", "commit", None)),
        layout=chance.choice(("document", "document", "threads")),
    )
    return scenario, chance.choice((-1, 60, 1800, 3600))


@pytest.mark.parametrize("seed", range(SEEDS // 4))
def test_through_the_days(seed: int, clock: Clock, tmp_path: Path) -> None:
    scenario, recycle = days_of(seed)
    lines = days(seed, clock, scenario, recycle, tmp_path, scenario.layout)
    log = tmp_path / "pool.log"
    truths = truth_of(scenario) | {"pool_recycle": UNLIMITED if recycle < 0 else recycle}
    for piece in pieces(lines, random.Random(seed)):  # noqa: S311 - where to cut
        if has_records(piece):
            log.write_text("".join(piece))
            assert list(wrong(analyze(log, layout=LAYOUTS[scenario.layout]), truths)) == []


@pytest.mark.parametrize("seed", range(SEEDS // 4))
def test_two_pools_under_one_logger(seed: int, tmp_path: Path) -> None:
    """Nothing is told that is so of neither."""
    chance = random.Random(seed)  # noqa: S311 - traffic, no secret
    settings = [(chance.choice((1, 2, 3, 5)), chance.random() < 0.5, chance.random() < 0.5) for _ in range(2)]
    with oracle.logged("threads") as text:
        engines = [
            sa.create_engine(
                f"sqlite:///{tmp_path / 'two.db'}",
                poolclass=sa.pool.QueuePool,
                pool_size=size,
                pool_use_lifo=lifo,
                pool_pre_ping=pings,
            )
            for size, lifo, pings in settings
        ]
        held: list[Any] = []
        for _ in range(300):
            if held and (len(held) > 8 or chance.random() < 0.5):
                held.pop(chance.randrange(len(held))).close()
            else:
                held.append(chance.choice(engines).connect())
        log = tmp_path / "pool.log"
        log.write_text(text.getvalue())
        report = analyze(log)
        for one in (*held, *engines):
            one.close() if hasattr(one, "close") else one.dispose()
    told = report.pools[0].settings
    assert told is not None
    assert told.pool_size.value in {None, *(size for size, _, _ in settings)}
    assert told.use_lifo.value in {None, *(lifo for _, lifo, _ in settings)}
    assert told.pre_ping.value in {None, *(pings for _, _, pings in settings)}


def test_what_comes_back_while_another_one_connects_is_no_other_pools(tmp_path: Path) -> None:
    log = written.Written(tmp_path / "app.log")
    one, other, more, fourth = (written.connection(number) for number in range(4))

    def say(thread: str, *texts: str) -> None:
        log.head = f"{{time}} [{{process}}] [{thread}] DEBUG {{logger}}: {{text}}"
        for text in texts:
            log.add(text)

    def back(name: str) -> tuple[str, ...]:
        return f"Connection {name} being returned to pool", f"Connection {name} reset, transaction already reset"

    def out(name: str) -> str:
        return f"Connection {name} checked out from pool"

    say("A", f"Created new connection {one}", out(one))
    say("B", f"Created new connection {other}", out(other))
    for _ in range(40):
        # while C connects, A gives its own back
        say("A", *back(one))
        say("C", f"Created new connection {more}", out(more))
        say("A", out(one))
        say("D", f"Created new connection {fourth}", out(fourth))
        say("A", *back(one))
        say("B", *back(other))
        for thread, name in (("C", more), ("D", fourth)):
            say(thread, *back(name), f"Closing connection {name}")
        say("A", out(one))
        say("B", out(other))
    log.found()
    settings = analyze(log.log).pools[0].settings
    assert settings is not None
    assert (settings.pool_size.value, settings.reset_on_return.value) == (2, "rollback")


def test_batches_change_nothing(tmp_path: Path) -> None:
    scenario = Scenario(threads=4, steps=40, layout="threads", faults=("soft_invalidate", "detach", "invalidate"))
    text, _ = run(5, scenario, tmp_path)
    log = tmp_path / "pool.log"
    log.write_text(text)
    whole = analyze(log)
    for size in (1_500, 9_000):
        assert analyze(log, block_bytes=size) == whole


@pytest.mark.parametrize("reset", ["rollback", "commit", "none"])
@pytest.mark.parametrize("pool", ["QueuePool", "NullPool", "SingletonThreadPool"])
def test_experiments(pool: str, reset: str, tmp_path: Path) -> None:
    sizes: dict[str, Any] = {"pool_size": 2, "max_overflow": 3, "pool_timeout": 2.5} if pool == "QueuePool" else {}
    log = tmp_path / "experiment.log"
    runner.run(
        runner.Experiment(
            pool=pool, workers=4, queries=25, pre_ping=reset == "commit", reset_on_return=reset, log=log, **sizes
        ),
        lambda _: None,
    )
    scenario = Scenario(
        pools=(pool,), size=2, overflow=3, timeout=2.5, pre_ping=reset == "commit", reset=reset.replace("none", "")
    )
    report = analyze(log)
    assert list(wrong(report, truth_of(scenario) | {"pool_recycle": UNLIMITED})) == []
    assert report.pools[0].settings is not None
    assert report.pools[0].settings.reset_on_return.value == reset


def test_samples() -> None:
    folder = Path(__file__).parents[1] / "samples"
    (busy,) = analyze(folder / "postgres-busy.log").pools
    assert busy.settings is not None
    known = {name: getattr(busy.settings, name) for name in truth_of(Scenario())}
    assert {name: (one.value, one.how) for name, one in known.items()} == {
        "pool_size": (2, "stated"),
        "max_overflow": (1, "stated"),
        "pool_timeout": (0.2, "stated"),
        "pool_recycle": (None, "unknown"),
        "pre_ping": (False, "inferred"),
        "use_lifo": (None, "unknown"),
        "reset_on_return": ("rollback", "inferred"),
    }
    assert [place.line for place in known["pool_size"].evidence]


HEAD = "2026-03-04 02:59:{second:02},000 [7] [{thread}] DEBUG sqlalchemy.pool.impl.QueuePool{name}: "
CONNECTION = "<sqlite3.Connection object at 0x7f00000000{:02x}>"
LIMIT = "QueuePool limit of size 4 overflow 6 reached, connection timed out, timeout 12.50"


def wrote(path: Path, *lines: tuple[str, str]) -> Report:
    """The report on messages, each of a thread (or of one logging name's pool, after a dot)."""
    log = path / "input.log"
    told = []
    for second, (thread, message) in enumerate(lines):
        worker, _, name = thread.partition(".")
        told.append(HEAD.format(second=second % 60, thread=worker, name=f".{name}" if name else "") + message)
    log.write_text("\n".join(told) + "\n")
    return analyze(log)


def used(number: int) -> list[tuple[str, str]]:
    connection = f"<sqlite3.Connection object at 0x7f00000000{number:02x}>"
    return [
        ("a", f"Connection {connection} checked out from pool"),
        ("a", f"Connection {connection} being returned to pool"),
        ("a", f"Connection {connection} rollback-on-return"),
    ]


def test_a_timeout_is_the_only_pools(tmp_path: Path) -> None:
    settings = wrote(tmp_path, *used(1), ("a", LIMIT)).pools[0].settings
    assert settings is not None
    assert (settings.pool_size.value, settings.max_overflow.value, settings.pool_timeout.value) == (4, 6, 12.5)


def test_a_timeout_of_two_pools_is_nobodys(tmp_path: Path) -> None:
    other = [(f"{thread}.web", message) for thread, message in used(2)]
    for pool in wrote(tmp_path, *used(1), *other, ("a", LIMIT)).pools:
        assert pool.settings is not None
        assert {pool.settings.pool_size.how, pool.settings.max_overflow.how, pool.settings.pool_timeout.how} == {
            "unknown"
        }


def test_two_sizes_are_none(tmp_path: Path) -> None:
    disposed = (
        "Pool disposed. Pool size: {}  Connections in pool: 0 Current Overflow: -5 Current Checked out connections: 0"
    )
    (one,) = wrote(tmp_path, *used(1), ("a", disposed.format(5))).pools
    (two,) = wrote(tmp_path, *used(1), ("a", disposed.format(5)), ("a", disposed.format(3))).pools
    assert one.settings is not None
    assert two.settings is not None
    assert (one.settings.pool_size.value, two.settings.pool_size.how) == (5, "unknown")


def test_a_dispose_is_no_full_queue(tmp_path: Path) -> None:
    """Closes right after a reset, as those of an overflowing pool: but all that is idle is closed."""
    names = [f"<sqlite3.Connection object at 0x7f00000000{number:02x}>" for number in range(4)]
    lines = [("a", f"Created new connection {name}") for name in names]
    for _ in range(3):
        lines += [("a", f"Connection {name} checked out from pool") for name in names]
        for name in names:
            lines += [
                ("a", f"Connection {name} being returned to pool"),
                ("a", f"Connection {name} rollback-on-return"),
            ]
    closing = [("a", f"Closing connection {name}") for name in reversed(names)]
    for last in range(len(closing) + 1):
        size = wrote(tmp_path, *lines, *closing[:last]).pools[0].settings
        assert size is not None
        assert size.pool_size.high is None


@pytest.mark.parametrize(
    ("resets", "expected"),
    [
        (["rollback-on-return"], "rollback"),
        (["reset, transaction already reset"], "rollback"),
        (["commit-on-return"], "commit"),
        ([None], "none"),
        (["rollback-on-return", "commit-on-return"], None),
        (["rollback-on-return", None], None),
    ],
)
def test_reset_on_return(resets: list[str | None], expected: str | None, tmp_path: Path) -> None:
    connection = "<sqlite3.Connection object at 0x7f0000000001>"
    lines = []
    for how in resets * 4:
        lines += used(1)[:2]
        if how:
            lines.append(("a", f"Connection {connection} {how}"))
    (pool,) = wrote(tmp_path, *lines).pools
    assert pool.settings is not None
    assert pool.settings.reset_on_return.value == expected


@pytest.mark.parametrize("head", ["{time} DEBUG {logger} {text}", "{time} [{process}] [w] DEBUG {logger}: {text}"])
def test_no_connection_is_idle_twice_where_the_clock_steps_back(head: str, tmp_path: Path) -> None:
    log = written.Written(tmp_path / "app.log", head)
    names = [written.connection(number) for number in range(3)]
    for name in names:
        log.add(f"Created new connection {name}")
        log.add(f"Connection {name} checked out from pool")
    for name in names:
        log.add(f"Connection {name} being returned to pool")
        log.add(f"Connection {name} reset, transaction already reset")
    for _ in range(2):
        # each is idle for a minute, and used for a while; and again, by the clock, an hour later
        for turn in range(90):
            log.add(f"Connection {names[turn % 3]} checked out from pool", 10)
            log.add(f"Connection {names[turn % 3]} being returned to pool", 10)
            log.add(f"Connection {names[turn % 3]} reset, transaction already reset")
        log.now -= timedelta(minutes=30)
    log.found()
    settings = analyze(log.log).pools[0].settings
    assert settings is not None
    assert (settings.pool_size.low, settings.pool_size.high) == (3, None)


def test_only_pools_have_settings(tmp_path: Path) -> None:
    report = wrote(tmp_path, *used(1))
    told = report.to_dict()
    assert told["pools"][0]["settings"].keys() == truth_of(Scenario()).keys()
    assert told["pools"][0]["settings"]["pool_size"] == {
        "value": None,
        "low": None,
        "high": None,
        "how": "unknown",
        "evidence": (),
    }
    assert told["totals"]["settings"] is None
    assert [one["settings"] for one in told["pool_classes"]] == [None]


@pytest.mark.parametrize("block_bytes", [1 << 12, 1 << 24])
def test_old_connections_show_how_long_they_are_kept(block_bytes: int, tmp_path: Path) -> None:
    """Whether they were created in the same batch or long before; the oldest need not be used last, as clocks step."""
    day = 1440
    older, newer = CONNECTION.format(0), CONNECTION.format(1)
    uses = [(minute * 60.0, (older, newer)[minute % 2]) for minute in range(2, day)]
    uses += [(day * 60, older), (day * 60 + 0.9, older), (day * 60 + 0.5, older)]
    told = [(0.0, f"Created new connection {older}"), (60.0, f"Created new connection {newer}")]
    for second, connection in uses:
        told += [
            (second, f"Connection {connection} checked out from pool"),
            (second, f"Connection {connection} being returned to pool"),
            (second, f"Connection {connection} reset, transaction already reset"),
        ]
    begin = datetime(2026, 3, 4)  # noqa: DTZ001 - local as printed
    log = tmp_path / "input.log"
    with log.open("w") as file:
        for second, message in told:
            time = (begin + timedelta(seconds=second)).isoformat(" ", "milliseconds")
            file.write(f"{time.replace('.', ',')} - sqlalchemy.pool.impl.QueuePool - DEBUG - {message}\n")
    (pool,) = analyze(log, block_bytes=block_bytes).pools
    assert pool.settings is not None
    recycle = pool.settings.pool_recycle
    # the pool's own clock may be a second behind
    assert (recycle.low, recycle.high) == (math.ceil(day * 60 + 0.9 - 1), None)
    assert [place.line for place in recycle.evidence] == [len(told) - 5]
