"""Several processes in one log that does not show which is which: told from other contradictions."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import logpool
import oracle
from logpool.cli import main
from logpool.judge.mixing import FEWEST
from logpool.report.model import Evidence, Finding
from oracle import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fuzzing import Lines
    from logpool import Report

CONTRADICTIONS = {"mixed_processes", "sequence_violation", "books_unbalanced"}
QUEUE = "sqlalchemy.pool.impl.QueuePool"

# -- logs as real processes write them -------------------------------------------------------------------------------

SCRIPT = """
import logging, os, random, sys, time
import sqlalchemy as sa

how, pool, log, url = sys.argv[1:]
handler = logging.FileHandler(log)
handler.setFormatter(
    logging.Formatter("%(asctime)s [%(process)d] [%(threadName)s] %(levelname)s %(name)s: %(message)s")
)
logger = logging.getLogger("sqlalchemy.pool")
logger.addHandler(handler)
logger.setLevel(logging.DEBUG)
engine = sa.create_engine(url, poolclass=getattr(sa.pool, pool))

def use(times, seed):
    chance = random.Random(seed)
    for _ in range(times):
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
            time.sleep(chance.random() / 100)
        time.sleep(chance.random() / 200)

if how == "after":
    use(1, 0)
children = []
for number in range(3):
    child = os.fork()
    if not child:
        use(40, number)
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
"""
HEAD = re.compile(r"(?m)^(\S+ \S+) \[\d+\] \[[^\]]*\] (\w+) (\S+): ")


def analyzed(log: Path) -> Report:
    report = logpool.analyze(log)
    assert report == logpool.analyze(log, block_bytes=max(1000, log.stat().st_size // 7))
    return report


def told(report: Report) -> dict[str, Finding]:
    return {finding.code: finding for finding in report.findings}


@pytest.mark.parametrize(("how", "pool"), [("before", "QueuePool"), ("after", "QueuePool"), ("before", "NullPool")])
def test_forked_processes(how: str, pool: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, url = tmp_path / "pool.log", f"sqlite:///{tmp_path / 'a.db'}"
    subprocess.run([sys.executable, "-c", SCRIPT, how, pool, str(log), url], check=True, timeout=60)
    shown = told(analyzed(log))
    assert set(shown) & {*CONTRADICTIONS, "fork_shared"} == ({"fork_shared"} if how == "after" else set())
    log.write_text(HEAD.sub(r"\1 - \3 - \2 - ", log.read_text("utf-8")), "utf-8")
    report = analyzed(log)
    mixed = told(report)["mixed_processes"]
    assert (mixed.severity, mixed.count) == ("warning", len(report.violations))
    assert mixed.evidence == tuple(Evidence(violation.path, violation.line) for violation in report.violations[:5])
    assert "[%(process)d] [%(threadName)s]" in mixed.message
    assert "error" not in {finding.severity for finding in report.findings}
    assert report.findings[0] is mixed
    assert "(mixed_processes)" in told(report)["sequence_violation"].message
    assert "as those of several processes in one do not" in told(report)["books_unbalanced"].message
    assert main(["verify", str(log)]) == 1
    assert capsys.readouterr().err == f"warning: {mixed.message}\n"


# -- logs made of what pools write ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """The records of a busy log in which nothing is wrong."""
    scenario = Scenario(recycle=True, faults=("age", "soft_invalidate", "leak"), steps=200)
    text, _ = oracle.run(5, scenario, tmp_path_factory.mktemp("traffic"))
    lines = text.encode().splitlines(keepends=True)
    return [line for line in lines if line.startswith(b"20")]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "pool.log"


def codes(log: Path, lines: Lines) -> set[str]:
    log.write_bytes(b"".join(lines))
    return set(told(analyzed(log)))


def interleaved(one: Lines, other: Lines, burst: int) -> Lines:
    """Two logs in one, some lines of each in turn; a return and its reset stand together."""
    chance = random.Random(burst)  # noqa: S311 - traffic, no secret
    parts, mixed = [list(one), list(other)], []
    while any(parts):
        part = chance.choice([part for part in parts if part])
        count = chance.randint(1, burst)
        while count < len(part) and (b"-on-return" in part[count] or b" reset, " in part[count]):
            count += 1
        mixed += part[:count]
        del part[:count]
    return mixed


@pytest.mark.parametrize("burst", [1, 3, 10])
def test_processes_that_are_alike(burst: int, traffic: Lines, log: Path) -> None:
    assert "mixed_processes" in codes(log, interleaved(traffic, traffic, burst))


def test_what_is_not_mixed_is_not_said_to_be(traffic: Lines, log: Path) -> None:
    assert codes(log, traffic) == set()
    # one process after the other
    assert "mixed_processes" not in codes(log, traffic * 5)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
def test_missing_and_repeated_lines_are_something_else(share: float, seed: int, traffic: Lines, log: Path) -> None:
    chance = random.Random(seed)  # noqa: S311 - traffic, no secret
    assert "mixed_processes" not in codes(log, [line for line in traffic if chance.random() > share])
    repeated = [line for line in traffic for _ in range(1 + (chance.random() < share))]
    assert "mixed_processes" not in codes(log, repeated)


@pytest.mark.parametrize("seed", range(3))
def test_neither_are_gaps(seed: int, traffic: Lines, log: Path) -> None:
    start = len(traffic) * (seed + 1) // 5
    assert "mixed_processes" not in codes(log, [*traffic[:start], *traffic[start + len(traffic) // 4 :]])


@pytest.mark.parametrize("seed", range(5))
def test_nor_anything_that_can_go_wrong(seed: int, tmp_path: Path, log: Path) -> None:
    scenario = Scenario(pools=("QueuePool", "NullPool"), pre_ping=seed % 2 == 0, recycle=True, layout="basic")
    text, _ = oracle.run(seed, scenario, tmp_path)
    assert "mixed_processes" not in codes(log, [text.encode()])


# -- logs made up ----------------------------------------------------------------------------------------------------

CONNECTION = "<sqlite3.Connection object at 0x7f{:010x}>"
OUT, BACK, RESET = (
    "Connection {} checked out from pool",
    "Connection {} being returned to pool",
    "Connection {} reset, transaction already reset",
)
ALONE = (OUT, BACK, RESET)
TOGETHER = (OUT, OUT, BACK, RESET, BACK, RESET)


def lines(*messages: str, layout: str = "{time} - {pool} - DEBUG - {message}") -> Iterator[str]:
    for number, message in enumerate(("Created new connection {}", *messages)):
        text = message.format(CONNECTION.format(1))
        time = f"2026-03-04 {number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02},000"
        yield layout.format(time=time, pool=QUEUE, message=text) + "\n"


def written(log: Path, *messages: str, layout: str = "{time} - {pool} - DEBUG - {message}") -> dict[str, Finding]:
    log.write_text("".join(lines(*messages, layout=layout)), "utf-8")
    return told(analyzed(log))


def test_so_few_may_be_chance(log: Path) -> None:
    assert "mixed_processes" in written(log, *TOGETHER * FEWEST)
    found = written(log, *TOGETHER * (FEWEST - 1))
    assert "mixed_processes" not in found
    assert found["sequence_violation"].severity == "error"


def test_so_do_few_among_many(log: Path) -> None:
    assert "mixed_processes" in written(log, *TOGETHER * FEWEST, *ALONE * (98 * FEWEST))
    assert "mixed_processes" not in written(log, *TOGETHER * FEWEST, *ALONE * (200 * FEWEST))


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ("{time} DEBUG {pool} {message}", True),
        ("web-1  | {time} DEBUG {pool} {message}", True),
        ("2026-03-04T03:00:00Z app[web.1]: {time} DEBUG {pool} {message}", True),
        ('{{"time": "{time}", "host": "web", "logger": "{pool}", "message": "{message}"}}', True),
        ("{time} [4242] [MainThread] DEBUG {pool}: {message}", False),
        ('{{"time": "{time}", "host": "web", "pid": 1, "logger": "{pool}", "message": "{message}"}}', False),
        ("[{time}: DEBUG/ForkPoolWorker-1] {message}", False),
    ],
)
def test_only_where_the_layout_shows_no_process(layout: str, log: Path, *, expected: bool) -> None:
    assert expected == ("mixed_processes" in written(log, *TOGETHER * FEWEST, layout=layout))


def test_a_reset_that_failed_is_a_failure_all_the_same(log: Path) -> None:
    failed = (OUT, BACK, "Connection {} rollback-on-return", "Exception during reset or similar")
    written(log, *TOGETHER * FEWEST, *failed, "Invalidate connection {} (reason: OperationalError:gone)")
    found = [finding for finding in analyzed(log).findings if finding.code == "sequence_violation"]
    assert [(finding.severity, finding.message.split("(")[1].split(")")[0]) for finding in found] == [
        ("error", "reset_failed"),
        ("warning", "checked_out_twice, returned_without_checkout"),
    ]


# -- where the layout shows no pool either ----------------------------------------------------------------------------


def test_several_users_of_one_connection(log: Path) -> None:
    found = written(log, *TOGETHER, layout="{time} DEBUG {message}")
    assert found["sequence_violation"].severity == "warning"
    assert "StaticPool or a SingletonThreadPool" in found["sequence_violation"].message
    assert "or its connections have several users each" in found["books_unbalanced"].message
    many = written(log, *TOGETHER * FEWEST, layout="{time} DEBUG {message}")["mixed_processes"].message
    assert "or its pool, which the layout does not show, hands one connection to several users" in many


def test_a_return_without_a_checkout_has_no_such_excuse(log: Path) -> None:
    found = written(log, *ALONE, BACK, RESET, layout="{time} DEBUG {message}")
    assert found["sequence_violation"].severity == "error"


def test_what_little_another_pool_contradicts_itself_is_explained_as_well(tmp_path: Path) -> None:
    name = "<sqlite3.Connection object at 0x7f01>"
    begun, ended = ["checked out from pool"] * 2, ["being returned to pool", "reset, transaction already reset"] * 2
    lines = [
        f"2026-03-04 03:00:{turn:02},{number:03} DEBUG {pool}: Connection {name} {text}\n"
        for turn in range(30)
        for pool in (QUEUE, *([f"{QUEUE}.reports"] if turn < 2 else []))
        for number, text in enumerate([*begun, *ended])
    ]
    log = tmp_path / "app.log"
    log.write_text("".join(lines))
    report = analyzed(log)
    broken = {finding.pool: finding.severity for finding in report.findings if finding.code == "sequence_violation"}
    assert broken == {QUEUE: "warning", f"{QUEUE}.reports": "warning"}
