"""The logs of the benches are what they say. What they are for, the speed, is ``python tests/benches/speed.py``."""

import re
from collections import Counter
from pathlib import Path

import pytest

from benches.traffic import BYTES_A_LINE, KINDS, write
from logpool import Report, analyze

LINES = 20_000
POOL = re.compile(r'[ "]sqlalchemy\.pool\.impl\.(?:Queue|Null)Pool\b')


@pytest.fixture(scope="module", params=list(KINDS))
def log(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("traffic") / f"{request.param}.log"
    write(request.param, path, LINES)
    return path


@pytest.fixture(scope="module")
def text(log: Path) -> list[str]:
    return log.read_text(encoding="ascii").splitlines()


@pytest.fixture(scope="module")
def report(log: Path) -> Report:
    return analyze(log)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_one_log(kind: str, tmp_path: Path) -> None:
    logs = []
    for number, seed in enumerate((1, 1, 2)):
        write(kind, tmp_path / str(number), 2000, seed)
        logs.append((tmp_path / str(number)).read_bytes())
    assert logs[0] == logs[1] != logs[2]


def test_a_longer_log_begins_as_a_shorter_one(tmp_path: Path) -> None:
    write("G", tmp_path / "short", 1000)
    write("G", tmp_path / "long", 3000)
    assert (tmp_path / "long").read_bytes().startswith((tmp_path / "short").read_bytes())


def test_size(log: Path, text: list[str]) -> None:
    assert (log.stem == "M") != (len(text) == LINES)
    if log.stem in "GM":
        assert log.stat().st_size == pytest.approx(LINES * BYTES_A_LINE, rel=0.01)
    assert log.read_bytes().endswith(b"\n")


def test_share_of_pool_events(log: Path, text: list[str]) -> None:
    share = sum(bool(POOL.search(line)) for line in text) / len(text)
    assert share == pytest.approx(0.05 if log.stem == "M" else 0.78, rel=0.01)


def test_addresses_and_processes(log: Path, text: list[str]) -> None:
    addresses = set(re.findall(r"0x[0-9a-f]+", "\n".join(text)))
    processes = Counter(re.findall(r"^\S+ \S+ \[(\d+)\]", "\n".join(text), re.MULTILINE))
    if log.stem == "H":
        assert len(addresses) == pytest.approx(LINES / 7, rel=0.1)
    else:
        assert len(addresses) < 30
    assert len(processes) == (8 if log.stem == "P" else 0)


def test_times_never_go_backwards(text: list[str]) -> None:
    times = [line[:23] for line in text if line.startswith("2024-")]
    assert times == sorted(times)


def test_books_balance(log: Path, report: Report) -> None:
    broken = {"books_unbalanced", "sequence_violation", "unrecognised_records", "unidentified_connections"}
    assert broken.isdisjoint(finding.code for finding in report.findings)
    source = report.sources[0]
    assert (source.unrecognised_lines, source.lines) == (0, log.read_bytes().count(b"\n"))
    assert all(pool.balanced for pool in report.pools)
    assert {pool.pool_class for pool in report.pools} == {"QueuePool", "NullPool"}
    assert report.totals.processes == (8 if log.stem == "P" else 1)


def test_checkouts_overlap_and_pools_overflow(log: Path, report: Report) -> None:
    pools = {pool.pool_class: pool for pool in report.pools}
    queue_pool, null_pool = pools["QueuePool"], pools["NullPool"]
    assert report.totals.peak_checked_out >= (4 if log.stem == "M" else 10)
    assert queue_pool.peak_open <= (8 * 15 if log.stem == "P" else 15)
    assert queue_pool.reused_checkouts > queue_pool.fresh_checkouts > 0
    assert (log.stem == "M") == (queue_pool.closed == 0)
    assert null_pool.reused_checkouts == 0
