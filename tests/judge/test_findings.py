"""Each finding: when it is made, what it counts, and where it points."""

from __future__ import annotations

from pathlib import Path

import pytest

import logpool
from logpool.errors import InputError
from logpool.judge import findings
from logpool.report.model import Evidence, Finding

CASES = Path(__file__).parents[1] / "cases"
CONNECTION = "<connection object at 0x7feb87ec2700; dsn: 'dbname=app user=me password=s3cret host=db', closed: 0>"
HEAD = "2026-03-04 02:59:58,000 - sqlalchemy.pool.impl.QueuePool - DEBUG - "


def found(case: str) -> dict[str, Finding]:
    return {finding.code: finding for finding in logpool.analyze(CASES / case / "input.log").findings}


def written(tmp_path: Path, *messages: str) -> str:
    log = tmp_path / "input.log"
    log.write_text("".join(f"{HEAD}{message}\n" for message in messages), "utf-8")
    return str(log)


@pytest.mark.parametrize(
    ("case", "code", "severity", "count", "lines"),
    [
        ("pool-timeouts", "pool_exhausted", "error", 3, [3, 10, 25, 2]),
        ("used-after-close", "sequence_violation", "error", 1, [6]),
        ("checked-out-twice", "books_unbalanced", "warning", 1, [1]),
        ("right-cut", "left_out_at_end", "info", 1, [7]),
        ("async-leak-dropped", "reclaimed_by_gc", "error", 1, [7]),
        ("async-leak-terminated", "reclaimed_by_gc", "error", 1, [8]),
        ("info-only", "info_only", "warning", 1, [1]),
        ("rollback-on-return", "commit_on_return", "info", 1, [1]),
        ("reset-failed", "reset_failures", "warning", 1, [5]),
        ("reclaimed-sync", "held_too_long", "warning", 1, [2]),
        ("no-reset-on-return", "no_reset_on_return", "info", 3, [3]),
        ("no-addresses", "unidentified_connections", "info", 3, [1]),
        ("unknown-messages", "unrecognised_records", "info", 2, [2, 6]),
    ],
)
def test_finding(case: str, code: str, severity: str, count: int, lines: list[int]) -> None:
    finding = found(case)[code]
    path = str(CASES / case / "input.log")
    assert (severity, count) == (finding.severity, finding.count)
    assert [Evidence(path, line) for line in lines] == list(finding.evidence)


@pytest.mark.parametrize("case", ["address-reuse", "invalidated-in-use", "overflow-closed", "reset-by-caller"])
def test_what_is_normal_is_no_finding(case: str) -> None:
    assert found(case) == {}


@pytest.mark.parametrize(
    "text",
    [
        "Weird text about postgresql://me:SECRET@SECRET/app and password=SECRET host=SECRET",
        "dsn user='SECRET' password='SE CRET SECRET' host = SECRET, now",
        "{'password': 'SECRET', 'host': 'SECRET'} DB_PASSWORD=SECRET api_key: SECRET",
    ],
)
def test_what_is_not_understood_shows_no_secret(text: str, tmp_path: Path) -> None:
    log = written(tmp_path, f"Created new connection {CONNECTION}", text)
    messages = [one.message for one in logpool.analyze(log).findings if one.code == "unrecognised_records"]
    assert len(messages) == 1
    assert "SECRET" not in messages[0]
    with pytest.raises(InputError) as refused:
        logpool.analyze(written(tmp_path, text))
    assert "SECRET" not in refused.value.message


def test_findings_name_their_pool() -> None:
    assert found("several-pools")["left_out_at_end"].pool == "shop.db.TracedPool"
    assert found("pool-timeouts")["pool_exhausted"].pool == "sqlalchemy.pool.impl.QueuePool"


@pytest.mark.parametrize("block_bytes", [60, 300, 1 << 20])
def test_whose_end_is_missing_holds_nothing_at_a_timeout(block_bytes: int, tmp_path: Path) -> None:
    log = written(
        tmp_path,
        f"Created new connection {CONNECTION}",
        f"Connection {CONNECTION} checked out from pool",
        # its return is missing
        f"Connection {CONNECTION} checked out from pool",
        "QueuePool limit of size 1 overflow 0 reached, connection timed out, timeout 30.00",
        f"Connection {CONNECTION} being returned to pool",
        f"Connection {CONNECTION} rollback-on-return",
    )
    (finding,) = (
        finding
        for finding in logpool.analyze(log, block_bytes=block_bytes).findings
        if finding.code == "pool_exhausted"
    )
    assert [place.line for place in finding.evidence] == [4, 3]


def test_the_worst_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = written(
        tmp_path,
        "something new",
        f"Created new connection {CONNECTION}",
        f"Connection {CONNECTION} checked out from pool",
        f"Connection {CONNECTION} being returned to pool",
        f"Connection {CONNECTION} rollback-on-return",
        f"Connection {CONNECTION} rollback-on-return",
        f"Connection {CONNECTION} checked out from pool",
        "QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00",
    )
    codes = ["pool_exhausted", "sequence_violation", "left_out_at_end", "unrecognised_records"]
    assert codes == [finding.code for finding in logpool.analyze(log).findings]
    # in whatever order they are looked for
    monkeypatch.setattr(findings, "_CHECKS", findings._CHECKS[::-1])  # noqa: SLF001
    severities = ["error", "error", "info", "info"]
    assert severities == [finding.severity for finding in logpool.analyze(log).findings]


def test_a_violation_says_which() -> None:
    message = found("closed-while-checked-out")["sequence_violation"].message
    assert message == "the reset sequence is broken (closed_while_checked_out): logpool verify shows each place"


def test_five_places_at_most(tmp_path: Path) -> None:
    log = written(
        tmp_path,
        f"Created new connection {CONNECTION}",
        f"Connection {CONNECTION} checked out from pool",
        *[
            f"Connection {CONNECTION} being returned to pool",
            f"Connection {CONNECTION} rollback-on-return",
            f"Connection {CONNECTION} rollback-on-return",
        ]
        * 7,
    )
    (violated,) = [one for one in logpool.analyze(log).findings if one.code == "sequence_violation"]
    assert len(violated.evidence) == 5
    assert violated.count > 5


def test_a_sample_shows_no_connection_text(tmp_path: Path) -> None:
    log = written(
        tmp_path,
        f"Warmed up {CONNECTION}\x1b[2J twice",
        f"Created new connection {CONNECTION}",
    )
    (unknown,) = logpool.analyze(log).findings
    assert unknown.message.endswith(
        "such as: 2026-03-04 02:59:58,000 - sqlalchemy.pool.impl.QueuePool - DEBUG - Warmed up <…> [2J twice"
    )


@pytest.mark.parametrize(
    "text", ["with postgresql://me:s3cret@db/app", f"cut off {CONNECTION[:-20]}", f"{CONNECTION} and {CONNECTION}"]
)
def test_a_sample_shows_no_password(text: str, tmp_path: Path) -> None:
    report = logpool.analyze(written(tmp_path, f"Now {text}", f"Created new connection {CONNECTION}"))
    assert "Now " in report.findings[0].message
    assert "s3cret" not in str(report.to_dict())
