"""Records printed twice count once, however they are doubled, and a log that is not doubled stays as it is."""

import random
import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import logpool
from logpool import Report, analyze
from oracle import Scenario
from oracle import run as drive
from printing import DRIVERS, LAYOUTS, Printed, printed, records


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> list[Printed]:
    text, _ = drive(5, Scenario(pools=("QueuePool",), pre_ping=True, steps=80), tmp_path_factory.mktemp("traffic"))
    return records(text.replace("oracle.Connection", "sqlite3.Connection"))


def report(path: Path, text: str, block_bytes: int = 1 << 20) -> Report:
    path.write_text(text, encoding="utf-8")
    return analyze(path, block_bytes=block_bytes)


def plain(traffic: list[Printed]) -> list[Printed]:
    """Without tracebacks, so that a record is a line."""
    return [replace(record, message=record.message.split("\n")[0]) for record in traffic]


def interleaved(*logs: str) -> str:
    return "".join(
        "".join(f"{line}\n" for line in lines) for lines in zip(*(log.splitlines() for log in logs), strict=True)
    )


@pytest.mark.parametrize("layouts", [("document", "document"), ("document", "echo_pool"), ("echo_pool", "document")])
def test_every_record_twice(layouts: tuple[str, str], traffic: list[Printed], tmp_path: Path) -> None:
    once = [printed(plain(traffic), layout) for layout in layouts]
    expected = report(tmp_path / "once.log", once[0])
    actual = report(tmp_path / "twice.log", interleaved(*once))
    assert expected.totals == actual.totals
    assert expected.timeouts == actual.timeouts
    assert expected.sources[0].pool_lines == actual.sources[0].pool_lines
    finding = next(finding for finding in actual.findings if finding.code == "duplicate_records")
    assert len(finding.evidence) == 5
    assert [one.code for one in expected.violations] == [one.code for one in actual.violations]


def test_progress_never_goes_back(traffic: list[Printed], tmp_path: Path) -> None:
    log = tmp_path / "twice.log"
    once = printed(plain(traffic), "document") * 40
    log.write_text(interleaved(once, once), "utf-8")
    told: list[tuple[int, int, float | None]] = []
    found = analyze(log, block_bytes=1 << 15, progress=lambda *figures: told.append(figures))
    assert [finding.code for finding in found.findings if finding.code == "duplicate_records"]
    assert sorted(told) == told
    assert told[-1][1] == len(logpool.read_events(log)) + sum(
        finding.count for finding in found.findings if finding.code == "duplicate_records"
    )


@pytest.mark.parametrize("order", ["JSON first", "text first"])
def test_text_beside_json_keeps_the_one_that_tells_more(
    order: str,
    traffic: list[Printed],
    tmp_path: Path,
) -> None:
    structured = printed(plain(traffic), "JSON, python-json-logger")
    text = printed(plain(traffic), "uvicorn")
    expected = report(tmp_path / "once.log", structured)
    actual = report(
        tmp_path / "twice.log", interleaved(*((structured, text) if order == "JSON first" else (text, structured)))
    )
    assert expected.totals == actual.totals


def test_a_log_that_is_not_doubled_is_left_alone(traffic: list[Printed], tmp_path: Path) -> None:
    actual = report(tmp_path / "once.log", printed(traffic))
    assert "duplicate_records" not in {finding.code for finding in actual.findings}


def test_users_of_one_connection_are_no_doubles(tmp_path: Path) -> None:
    connection = "<sqlite3.Connection object at 0x7f0000000010>"
    said = ["checked out from pool", "being returned to pool", "rollback-on-return"]
    lines = [f"DEBUG:sqlalchemy.pool.impl.StaticPool:Created new connection {connection}"]
    twice = [said[0], said[0], said[1], said[1], said[2], said[2]] * 20
    lines += [f"DEBUG:sqlalchemy.pool.impl.StaticPool:Connection {connection} {what}" for what in twice]
    assert report(tmp_path / "shared.log", "\n".join(lines)).totals.checkouts == 40


def test_timeouts_one_after_the_other_are_no_doubles(tmp_path: Path) -> None:
    connection = "<sqlite3.Connection object at 0x7f0000000010>"
    lines = [f"DEBUG:sqlalchemy.pool.impl.QueuePool:Created new connection {connection}"]
    text = "QueuePool limit of size 1 overflow 0 reached, connection timed out, timeout 0.10"
    lines += [f"ERROR:app:{text}"] * 50
    assert report(tmp_path / "timeouts.log", "\n".join(lines)).timeouts == 50


def test_one_doubled_record_is_a_violation(tmp_path: Path) -> None:
    sample = Path(__file__).parents[2] / "samples" / "document-queuepool.log"
    lines = sample.read_text(encoding="utf-8").splitlines()
    twice = [*lines[:6], lines[5], *lines[6:]]
    actual = report(tmp_path / "odd.log", "\n".join(twice))
    assert [violation.code for violation in actual.violations] == ["checked_out_twice"]
    assert actual.violations[0].line == 7


@settings(max_examples=6)
@given(size=st.integers(500, 20_000))
def test_any_block_size_gives_the_same(
    size: int, traffic: list[Printed], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("doubled") / "twice.log"
    once = printed(plain(traffic))
    text = interleaved(once, once)
    assert report(path, text) == report(path, text, size)


def codes(of: Report) -> set[str]:
    return {finding.code for finding in of.findings}


def by_threads(traffic: list[Printed], layouts: tuple[str, ...]) -> str:
    """The log of several handlers: a thread prints a record by all of them before its next one, others in between."""
    rng = random.Random(7)  # noqa: S311 - nothing is secret
    printing: list[tuple[str, list[str]]] = []
    thread, lines = "", []
    for record in traffic:
        found = re.search(r"0x[0-9a-f]+", record.message)
        thread = found[0] if found else thread
        for other, rest in list(printing):
            if other == thread or rng.random() < 0.3:
                lines += rest
                printing.remove((other, rest))
        first, *rest = (printed([record], layout) for layout in layouts)
        lines.append(first)
        printing.append((thread, rest))
    return "".join(lines + [line for _, rest in printing for line in rest])


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> list[Printed]:
    """Traffic with much that goes wrong, and with records that name no connection."""
    text, _ = drive(11, Scenario(pools=("QueuePool",), pre_ping=True, steps=900), tmp_path_factory.mktemp("failing"))
    found = records(text.replace("oracle.Connection", "sqlite3.Connection"))
    # of one moment, nothing tells the copies of one disconnection from those of another
    begin = found[0].time
    return [replace(one, time=begin + timedelta(milliseconds=number)) for number, one in enumerate(found)]


@pytest.mark.parametrize(
    "layouts",
    [
        ("document", "basicConfig"),
        ("process and thread", "document"),
        ("document", "document"),
        ("echo_pool", "uvicorn"),
        ("process and thread", "process and thread", "process and thread"),
        ("process and thread", "document", "basicConfig"),
        ("document", "document", "echo_pool"),
    ],
)
def test_threads_print_between_the_copies_of_a_record(
    layouts: tuple[str, ...], failing: list[Printed], tmp_path: Path
) -> None:
    expected = report(tmp_path / "once.log", printed(failing, layouts[0]))
    actual = report(tmp_path / "more.log", by_threads(failing, layouts))
    assert expected.totals.resets.failed > 0
    assert expected.totals.connect_errors > 0
    assert expected.totals == actual.totals
    assert [one.code for one in expected.violations] == [one.code for one in actual.violations]
    (finding,) = [finding for finding in actual.findings if finding.code == "duplicate_records"]
    assert finding.message.startswith(f"every record stands {('twice', '3 times')[len(layouts) - 2]} in this log")
    assert finding.count == (len(layouts) - 1) * (expected.sources[0].pool_lines + expected.timeouts)
    assert actual == report(tmp_path / "more.log", by_threads(failing, layouts), 3000)


def test_handlers_of_one_layout_may_print_other_times(failing: list[Printed], tmp_path: Path) -> None:
    # within a second, nothing tells the copies of one disconnection from those of another
    begin = failing[0].time.replace(microsecond=0)
    apart = [replace(one, time=begin + timedelta(seconds=number)) for number, one in enumerate(failing)]
    expected = report(tmp_path / "once.log", printed(apart, "echo_pool"))
    actual = report(tmp_path / "twice.log", by_threads(apart, ("echo_pool", "day first")))
    # how long the log is tells the less exact time of the two
    assert replace(expected.totals, little=None) == replace(actual.totals, little=None)


def test_records_of_one_handler_may_have_two_layouts(failing: list[Printed], tmp_path: Path) -> None:
    log = by_threads(failing, ("document", "structlog"))
    # structlog pads what is shorter than a usual message
    assert report(tmp_path / "once.log", printed(failing)).totals == report(tmp_path / "twice.log", log).totals


@pytest.mark.parametrize("driver", ["sqlite3", "none"])
@pytest.mark.parametrize(
    "layouts", [("document", "echo_pool"), ("document", "basicConfig"), ("uvicorn", "basicConfig")]
)
def test_a_log_that_begins_anew_in_another_layout_is_not_doubled(
    layouts: tuple[str, str], driver: str, traffic: list[Printed], tmp_path: Path
) -> None:
    later = [replace(record, time=record.time + timedelta(hours=2)) for record in traffic]
    logs = [printed(plain(part), layout) for part, layout in zip((traffic, later), layouts, strict=True)]
    if driver == "none":
        logs = [re.sub(r"<sqlite3.*?>", "<oracledb.Connection to scott@db:1521/xe>", log) for log in logs]
    once = report(tmp_path / "once.log", logs[0])
    actual = report(tmp_path / "twice.log", "".join(logs))
    assert actual.totals.checkouts == 2 * once.totals.checkouts
    assert "duplicate_records" not in codes(actual)


def test_a_log_that_is_doubled_no_more_loses_next_to_nothing(traffic: list[Printed], tmp_path: Path) -> None:
    days = [[replace(one, time=one.time + timedelta(days=day)) for one in plain(traffic)] for day in range(60)]
    records_of_all = [one for day in days for one in day]
    doubled = by_threads(records_of_all[: len(records_of_all) // 2], ("document", "basicConfig"))
    log = doubled + printed(records_of_all[len(records_of_all) // 2 :], "basicConfig")
    expected = report(tmp_path / "once.log", printed(records_of_all))
    actual = report(tmp_path / "log.log", log)
    assert 0 <= expected.totals.checkouts - actual.totals.checkouts < 40
    assert actual == report(tmp_path / "log.log", log, 4000)


TIMINGS = [f"2024-09-26 17:00:00,{ms:03} - sqlalchemy.pool - INFO - Time taken: 0.0001 seconds." for ms in (1, 1, 2, 2)]


@pytest.mark.parametrize("pool", ["QueuePool", "StaticPool", "SingletonThreadPool"])
@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_equal_timings_are_no_doubles(pool: str, level: str, tmp_path: Path) -> None:
    connection = "<sqlite3.Connection object at 0x7f0000000010>"
    said = [f"Created new connection {connection}", f"Connection {connection} checked out from pool"]
    lines = [f"2024-09-26 17:00:00,000 - sqlalchemy.pool.impl.{pool} - DEBUG - {what}" for what in said]
    if level == "INFO":
        lines = [f"2024-09-26 17:00:00,000 - sqlalchemy.pool.impl.{pool} - INFO - Pool recreating"]
    actual = report(tmp_path / "fast.log", "\n".join(lines + TIMINGS * 5))
    assert actual.timings is not None
    assert actual.timings.count == 20
    assert "duplicate_records" not in codes(actual)


TIMEOUT = "QueuePool limit of size 1 overflow 0 reached, connection timed out, timeout 0.10"


@pytest.mark.parametrize("layouts", [("document",), ("basicConfig",), ("document", "basicConfig")])
@pytest.mark.parametrize("beside", ["", "a\n  "])
def test_what_the_application_logs_need_not_be_doubled(
    beside: str, layouts: tuple[str, ...], traffic: list[Printed], tmp_path: Path
) -> None:
    errors = [replace(traffic[9], name="app", level="ERROR", message=f"{beside}{TIMEOUT}")] * 6
    errors += [replace(traffic[9], name="sqlalchemy.pool", message="Time taken: 0.0001 seconds.")]
    application = "".join(printed([error], layout) for error in errors for layout in layouts)
    both = ("document", "basicConfig")
    log = by_threads(traffic[:20], both) + application + by_threads(traffic[20:], both)
    actual = report(tmp_path / "twice.log", log)
    assert "duplicate_records" in codes(actual)
    assert actual.timeouts == report(tmp_path / "once.log", printed(traffic)).timeouts + 6
    assert actual.timings is not None
    assert actual.timings.count == 1


def test_what_the_application_logs_need_not_be_doubled_in_the_same_layout(
    traffic: list[Printed], tmp_path: Path
) -> None:
    errors = [replace(traffic[9], name="app", level="ERROR", message=TIMEOUT)] * 5
    pools = [record for record in traffic if record.name.startswith("sqlalchemy.pool")]
    both = ("document", "document")
    log = by_threads(pools[:20], both) + printed(errors) + by_threads(pools[20:], both)
    actual = report(tmp_path / "twice.log", log)
    assert "duplicate_records" in codes(actual)
    assert actual.timeouts == 5


@st.composite
def healthy(draw: st.DrawFn) -> list[Printed]:
    """What one handler prints of pools in use: fast, so that times repeat, and sometimes in step."""
    pool = draw(st.sampled_from(["QueuePool", "NullPool", "StaticPool", "SingletonThreadPool"]))
    count = draw(st.integers(1, 4))
    users = [
        f"<sqlite3.Connection object at 0x7f00000000{0 if pool == 'StaticPool' else user}0>" for user in range(count)
    ]
    step, turns = draw(st.sampled_from([0, 1, 1000])), draw(st.integers(2, 40))
    in_step = draw(st.booleans())
    rng = draw(st.randoms(use_true_random=False))
    cycle = ["checked out from pool", "being returned to pool", "rollback-on-return"]
    at = dict.fromkeys(range(count), 0)
    created: set[str] = set()
    time, found = datetime(2024, 9, 26, 17), []  # noqa: DTZ001 - a log's local time

    def say(message: str, name: str = f"sqlalchemy.pool.impl.{pool}") -> None:
        found.append(Printed(time, name, "DEBUG", message))

    for turn in range(turns * count):
        user = turn % count if in_step else rng.randrange(count)
        what = cycle[at[user] % 3]
        if at[user] % 3 == 0 and users[user] not in created:
            created.add(users[user])
            say(f"Created new connection {users[user]}")
        say(f"Connection {users[user]} {what}")
        if at[user] % 3 == 2:
            if pool == "NullPool":
                created.remove(users[user])
                say(f"Closing connection {users[user]}")
            say(f"Time taken: 0.000{rng.randrange(2)} seconds.", "sqlalchemy.pool")
        at[user] += 1
        time += timedelta(milliseconds=rng.choice([0, 0, step]))
    return found


@settings(max_examples=60)
@given(traffic=healthy(), layout=st.sampled_from(sorted(LAYOUTS)), driver=st.sampled_from(sorted(DRIVERS)))
def test_one_handler_never_prints_doubles(
    traffic: list[Printed], layout: str, driver: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("healthy") / "log.log"
    actual = report(path, printed(traffic, layout, driver=driver))
    assert "duplicate_records" not in codes(actual)
    assert actual.totals.checkouts == sum("checked out" in record.message for record in traffic)


@pytest.mark.parametrize("time", ["", "2024-09-26 17:00:00,000 "])
@pytest.mark.parametrize("count", [6, 12, 13])
def test_what_is_said_again_at_the_level_info_is_no_double(count: int, time: str, tmp_path: Path) -> None:
    said = "Connection <sqlite3.Connection object at 0x7f0000000010> exceeded timeout; recycling"
    path = tmp_path / "info.log"
    actual = report(path, f"{time}INFO sqlalchemy.pool.impl.QueuePool {said}\n" * count)
    assert actual.totals.recycled == count
