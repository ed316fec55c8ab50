"""Connections that a forked process took over are told from those that only have the same address."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import logpool
from logpool.judge import forks
from logpool.report.model import Evidence, Finding

ROOT = Path(__file__).parents[2]
QUEUE, NULL = "sqlalchemy.pool.impl.QueuePool", "sqlalchemy.pool.impl.NullPool"
CREATED, TAKEN, BACK = "Created new connection {}", "Connection {} checked out from pool", "Connection {} being {}"
RESET, CLOSED, PINGED = (
    "Connection {} reset, transaction already reset",
    "Closing connection {}",
    "Pool pre-ping on connection {}",
)
BACK = "Connection {} being returned to pool"
USE = (TAKEN, BACK, RESET)

# -- logs as real processes write them -------------------------------------------------------------------------------

SCRIPT = """
import logging, os, sys
import sqlalchemy as sa
from sqlalchemy import event, exc, pool

how, log, url = sys.argv[1:]
handler = logging.FileHandler(log)
handler.setFormatter(
    logging.Formatter("%(asctime)s [%(process)d] [%(threadName)s] %(levelname)s %(name)s: %(message)s")
)
logger = logging.getLogger("sqlalchemy.pool")
logger.addHandler(handler)
logger.setLevel(logging.DEBUG)

def engine():
    made = sa.create_engine(url, poolclass=pool.QueuePool, pool_pre_ping=how == "pings")
    if how == "recipe":
        @event.listens_for(made, "connect")
        def remember(connection, record):
            record.info["pid"] = os.getpid()

        @event.listens_for(made, "checkout")
        def check(connection, record, fairy):
            if record.info["pid"] != os.getpid():
                record.dbapi_connection = fairy.dbapi_connection = None
                raise exc.DisconnectionError("another process made it")
    return made

def use(engine):
    for _ in range(3):
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))

ours = None if how == "siblings" else engine()
if ours:
    use(ours)
for _ in range(2):
    child = os.fork()
    if not child:
        if how == "close=False":
            ours.dispose(close=False)
        if how == "close":
            ours.dispose()
        use(ours or engine())
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit("the child failed")
"""


def forked(how: str, folder: Path, url: str | None = None) -> Path:
    """The log of a process and its two children, one after the other."""
    log = folder / "pool.log"
    url = url or f"sqlite:///{folder / 'a.db'}"
    subprocess.run([sys.executable, "-c", SCRIPT, how, str(log), url], check=True, timeout=60)
    return log


def told(log: Path) -> list[Finding]:
    """What is found in a log, however it is read."""
    report = logpool.analyze(log)
    assert report == logpool.analyze(log, block_bytes=300)
    return list(report.findings)


@pytest.mark.parametrize("how", ["nothing", "pings"])
def test_children_that_use_what_their_parent_created(how: str, tmp_path: Path) -> None:
    log = forked(how, tmp_path)
    (found,) = told(log)
    lines = log.read_text("utf-8").splitlines()
    parent, *children = dict.fromkeys(line.split("[")[1].split("]")[0] for line in lines)
    first = next(number for number, line in enumerate(lines, start=1) if f"[{children[0]}]" in line)
    assert (found.code, found.severity, found.pool, found.count) == ("fork_shared", "error", QUEUE, 1)
    assert found.evidence == (Evidence(str(log), 1), Evidence(str(log), first))
    assert found.message.startswith(
        f"processes {' and '.join(children)} use a connection that process {parent} created: a forked process "
    )
    assert "engine.dispose(close=False)" in found.message


def test_children_that_close_what_their_parent_created(tmp_path: Path) -> None:
    (found,) = told(forked("close", tmp_path))
    assert (found.code, found.count) == ("fork_shared", 1)
    assert " close a connection that process " in found.message


@pytest.mark.parametrize("how", ["close=False", "recipe", "siblings"])
def test_children_with_connections_of_their_own(how: str, tmp_path: Path) -> None:
    assert told(forked(how, tmp_path)) == []


def test_siblings_do_get_the_same_addresses(tmp_path: Path) -> None:
    """As a rule, that is: what the judgement must cope with."""
    log = forked("siblings", tmp_path)
    (pool,) = logpool.analyze(log).pools
    assert (pool.processes, pool.created, pool.distinct_addresses) == (2, 2, 2)
    assert set(logpool.read_events(log)["connection"]) == {logpool.read_events(log)["connection"][0]}


def test_on_a_server(postgres_url: str, tmp_path: Path) -> None:
    (found,) = told(forked("nothing", tmp_path, postgres_url))
    assert (found.code, found.count) == ("fork_shared", 1)


# -- logs made up ----------------------------------------------------------------------------------------------------


class Log:
    """A log in the making."""

    def __init__(self, layout: str = "{time} [{process}] [MainThread] DEBUG {pool}: {message}") -> None:
        self.lines: list[str] = []
        self.layout = layout

    def add(self, process: object, address: int, *messages: str, pool: str = QUEUE) -> Log:
        for message in messages:
            text = message.format(f"<sqlite3.Connection object at 0x7f{address:010x}>")
            time = f"2026-03-04 03:00:00,{len(self.lines):03}"
            self.lines.append(self.layout.format(time=time, process=process, pool=pool, message=text))
        return self

    def findings(self, folder: Path) -> list[Finding]:
        log = folder / "pool.log"
        log.write_text("".join(f"{line}\n" for line in self.lines), "utf-8")
        return [finding for finding in told(log) if finding.code == "fork_shared"]

    def places(self, folder: Path) -> list[int]:
        return [place.line for finding in self.findings(folder) for place in finding.evidence]


def parent(process: object = 10, *, layout: str | None = None) -> Log:
    """A process that creates two connections and uses them: four lines each."""
    log = Log(layout) if layout else Log()
    return log.add(process, 1, CREATED, *USE).add(process, 2, CREATED, *USE)


def test_the_same_in_made_up_logs(tmp_path: Path) -> None:
    assert parent().add(11, 1, *USE).places(tmp_path) == [1, 9]
    assert parent().add(11, 2, *USE).add(11, 1, *USE).places(tmp_path) == [5, 9, 1, 12]
    assert parent().add(11, 1, TAKEN, PINGED, BACK, RESET).add(12, 1, *USE).places(tmp_path) == [1, 9]
    assert parent().add(11, 2, CLOSED).places(tmp_path) == [5, 9]


def test_each_connection_counts_once_for_its_pool(tmp_path: Path) -> None:
    log = Log()
    for address in range(6):
        log.add(10, address, CREATED, *USE)
    log.add(10, 9, CREATED, *USE, pool=NULL)
    for child in (11, 12, 13, 14, 15):
        for address in range(6):
            log.add(child, address, *USE)
    log.add(12, 9, *USE, pool=NULL)
    queue, null = log.findings(tmp_path)
    assert [(found.pool, found.count, len(found.evidence)) for found in (queue, null)] == [(QUEUE, 6, 4), (NULL, 1, 2)]
    assert queue.message.startswith("processes 11, 12, 13 and 2 more use 6 connections that process 10 created: ")
    assert null.message.startswith("process 12 uses a connection that process 10 created: ")


def test_the_life_that_lasts_is_the_one_shown(tmp_path: Path) -> None:
    log = Log().add(10, 1, CREATED, *USE, CLOSED, CREATED, *USE).add(11, 1, *USE)
    assert log.places(tmp_path) == [6, 10]


def test_what_the_parent_closes_later_was_shared_all_the_same(tmp_path: Path) -> None:
    assert parent().add(11, 1, *USE).add(10, 1, CLOSED, CREATED, *USE).places(tmp_path) == [1, 9]


def test_other_words_for_processes(tmp_path: Path) -> None:
    celery = "[{time}: DEBUG/{process}] {message}"
    log = parent("MainProcess", layout=celery).add("ForkPoolWorker-1", 1, *USE)
    assert [found.message.split(":")[0] for found in log.findings(tmp_path)] == [
        "process ForkPoolWorker-1 uses a connection that process MainProcess created"
    ]
    syslog = "Mar 04 03:00:00 db app[{process}]: {time} DEBUG {pool} {message}"
    assert parent(layout=syslog).add(11, 1, *USE).places(tmp_path) == [1, 9]


@pytest.mark.parametrize(
    "log",
    [
        # its own connection at the same address
        parent().add(11, 1, CREATED, *USE),
        # the other one has it out when this one uses its own, whose creation is cut off
        Log().add(10, 1, CREATED, TAKEN).add(11, 1, *USE).add(10, 1, BACK, RESET).add(11, 1, *USE),
        # it was there before
        Log().add(11, 7, CREATED, *USE).add(10, 1, CREATED, *USE).add(11, 1, *USE),
        Log().add(11, 7, CREATED, *USE, pool=NULL).add(10, 1, CREATED, *USE).add(11, 1, *USE),
        Log().add(11, 7, CLOSED).add(10, 1, CREATED, *USE).add(11, 1, *USE),
        # and may have been there before the log begins
        parent(12).add(11, 1, *USE),
        parent().add(11, 1, *USE).add(11, 7, *USE),
        # the other one's was closed by then, or not yet created
        Log().add(10, 1, CREATED, *USE, CLOSED).add(11, 1, *USE),
        Log().add(10, 7, CREATED).add(11, 1, *USE).add(10, 1, CREATED, *USE),
        # nobody is known to have created it
        Log().add(10, 1, *USE).add(11, 1, *USE),
        # another pool's
        parent().add(11, 1, *USE, pool=NULL),
        # it may not be in use at all: see the recipe above
        parent().add(11, 1, TAKEN),
        parent().add(11, 1, TAKEN, CREATED, *USE),
        # other hosts, other containers
        parent("web-1", layout="{process}  | {time} DEBUG {pool} {message}").add("web-2", 1, *USE),
        parent("a app[10]", layout="Mar 04 03:00:00 {process}: {time} DEBUG {pool} {message}").add(
            "b app[11]", 1, *USE
        ),
        # no process
        parent(layout="{time} DEBUG {pool} {message}").add(11, 1, *USE),
    ],
)
def test_what_may_be_chance_is_no_finding(log: Log, tmp_path: Path) -> None:
    assert log.places(tmp_path) == []


def test_two_logs_are_of_two_hosts(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("\n".join(parent().lines), "utf-8")
    (tmp_path / "b.log").write_text("\n".join(Log().add(11, 1, *USE).lines), "utf-8")
    assert logpool.analyze(tmp_path).findings == ()


def test_a_rotated_set_is_one_log(tmp_path: Path) -> None:
    lines = parent().add(11, 1, *USE).lines
    (tmp_path / "a.log.1").write_text("\n".join([*lines[:6], ""]), "utf-8")
    (tmp_path / "a.log").write_text("\n".join(lines[6:]), "utf-8")
    (found,) = logpool.analyze(tmp_path).findings
    assert found.evidence == (Evidence(f"{tmp_path}/a.log.1", 1), Evidence(f"{tmp_path}/a.log", 3))


def test_where_creations_are_missing_nothing_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = parent().add(11, 1, *USE).add(11, 2, *USE)
    assert len(log.findings(tmp_path)) == 1
    monkeypatch.setattr(forks, "MOST_TAKEN_OVER", 1)
    assert log.findings(tmp_path) == []
