"""Files of a rotated set are one log, oldest first, however they are named and given."""

import gzip
import io
import itertools
import lzma
import random
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from logpool import Report, analyze
from logpool.read.damage import Damages
from logpool.read.rotation import Rotation, rotated, rotation_of
from logpool.read.sources import sources_of
from logpool.report.model import Evidence

SAMPLE = Path(__file__).parents[2] / "samples/document-nullpool.log"
PACKED: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("app.log", Rotation("app.log", (2,))),
        ("app.log.gz", Rotation("app.log", (2,))),
        ("app.log.1", Rotation("app.log", (1, -1))),
        ("app.log.12.gz", Rotation("app.log", (1, -12))),
        ("app.log.001", Rotation("app.log", (1, -1))),
        ("app.txt.3.bz2", Rotation("app.txt", (1, -3))),
        # a process, not a backup
        ("app.log.4711", Rotation("app.log.4711", (2,))),
        ("worker.1", Rotation("worker.1", (2,))),
        ("web-1.log", Rotation("web-1.log", (2,))),
        ("app.1.log", Rotation("app.1.log", (2,))),
        (".1", Rotation(".1", (2,))),
        # the handlers of the standard library, by day, hour, minute and second
        ("app.log.2024-09-25", Rotation("app.log", (0, 20240925))),
        ("app.log.2024-09-25_10", Rotation("app.log", (0, 20240925, 10))),
        ("app.log.2024-09-25_10-05", Rotation("app.log", (0, 20240925, 10, 5))),
        ("app.log.2024-09-25_10-05-30", Rotation("app.log", (0, 20240925, 10, 5, 30))),
        # logrotate with dateext, and with other formats of it
        ("app.log-20240925", Rotation("app.log", (0, 20240925))),
        ("app.log-20240925.gz", Rotation("app.log", (0, 20240925))),
        ("app.log-20240925-1727300000.gz", Rotation("app.log", (0, 20240925, 1727300000))),
        ("app-20240925.log", Rotation("app.log", (0, 20240925))),
        ("app-20240925.log.xz", Rotation("app.log", (0, 20240925))),
        ("app-2024092510.log", Rotation("app.log", (0, 20240925, 10))),
        ("messages-20240925", Rotation("messages", (0, 20240925))),
        # loguru, logback
        ("app.2024-09-25_10-00-00_123456.log", Rotation("app.log", (0, 20240925, 10, 0, 0, 123456))),
        ("app.2024-09-25_10-00-00_123456.log.tar.gz", Rotation("app.log", (0, 20240925, 10, 0, 0, 123456))),
        ("app.2024-09-25.log.zip", Rotation("app.log", (0, 20240925))),
        ("app-2024-09-25.3.log", Rotation("app.log", (0, 20240925, 3))),
        ("app_2024-09-25T10:05:30Z.log", Rotation("app.log", (0, 20240925, 10, 5, 30))),
        ("2024-09-25.log", Rotation("log", (0, 20240925))),
        ("2024-09-25-app.log", Rotation("app.log", (0, 20240925))),
        ("app-20240925-web1.log", Rotation("app-web1.log", (0, 20240925))),
        # no days
        ("app-20241325.log", Rotation("app-20241325.log", (2,))),
        ("app-2024-9-5.log", Rotation("app-2024-9-5.log", (2,))),
        ("app-120240925.log", Rotation("app-120240925.log", (2,))),
        ("app-20240925a.log", Rotation("app-20240925a.log", (2,))),
        ("", Rotation("", (2,))),
    ],
)
def test_what_a_name_says(name: str, expected: Rotation) -> None:
    assert expected == rotation_of(name)


@pytest.mark.parametrize(
    ("name", "beside", "expected"),
    [
        ("worker.1", {"worker"}, Rotation("worker", (1, -1))),
        ("syslog.2.gz", {"syslog"}, Rotation("syslog", (1, -2))),
        ("app.1.log", {"app.log"}, Rotation("app.log", (1, -1))),
        ("app.1.log", {"app.2.log"}, Rotation("app.1.log", (2,))),
    ],
)
def test_what_a_name_says_beside_others(name: str, beside: set[str], expected: Rotation) -> None:
    assert expected == rotation_of(name, beside)


def sets(*names: str) -> list[list[str]]:
    return [[names[number] for number in one] for one in rotated([("", name) for name in names])]


@pytest.mark.parametrize(
    "expected",
    [
        [["app.log.10", "app.log.9.gz", "app.log.2", "app.log.1", "app.log"]],
        [["app.log.2", "app.log.1"]],
        [["app.log.2024-09-24", "app.log.2024-09-25.gz", "app.log"]],
        [["app.log.2023-12-31", "app.log.2024-01-01_09", "app.log.2024-01-01_10", "app.log"]],
        [["app-20240925.log", "app-20240926.log.zst"]],
        [["app-2024-09-25.0.log", "app-2024-09-25.1.log", "app-2024-09-25.10.log", "app.log"]],
        [["app.log-20240925", "app.log.1", "app.log"]],
        # the older one was packed, and a new one begun
        [["app.log.gz", "app.log"]],
        [["app.log.2.gz", "app.log.2", "app.log"]],
        [["a.log.1", "a.log"], ["b.log.1", "b.log"]],
        # several processes
        [["web-1.log"], ["web-2.log"]],
        [["app.log.4711"], ["app.log.4712"]],
        [["app.gz"], ["app.xz"]],
        [["app.log"], ["app.txt"]],
    ],
    ids=lambda found: " ".join(itertools.chain(*found)),
)
def test_sets(expected: list[list[str]]) -> None:
    assert sorted(expected) == sorted(sets(*itertools.chain(*expected)))
    assert sorted(expected) == sorted(sets(*reversed([*itertools.chain(*expected)])))


def test_the_same_names_in_two_places_are_two_logs() -> None:
    assert rotated([("a", "log.1"), ("b", "log"), ("a", "log"), ("b", "log.1")]) == [[0, 2], [3, 1]]


@given(st.lists(st.text(max_size=20), max_size=20), st.randoms())
def test_every_log_is_in_one_set_in_whatever_order(names: list[str], shuffle: random.Random) -> None:
    found = [name for one in sets(*names) for name in one]
    assert sorted(names) == sorted(found)
    assert all(rotation_of(name) for name in names)
    distinct = sorted(set(names))
    shuffled = list(distinct)
    shuffle.shuffle(shuffled)
    assert sorted(sets(*distinct)) == sorted(sets(*shuffled))


# -- numbers ---------------------------------------------------------------------------------------------------------


def parts_of_sample(number: int) -> list[bytes]:
    lines = SAMPLE.read_bytes().splitlines(keepends=True)
    step = len(lines) // number + 1
    return [b"".join(lines[start : start + step]) for start in range(0, len(lines), step)]


NAMINGS = {
    "numbers": ["app.log.2", "app.log.1", "app.log"],
    "packed": ["app.log.2.zst", "app.log.1.gz", "app.log"],
    "dates": ["app.log.2024-09-24", "app.log.2024-09-25", "app.log"],
    "dates within": ["app-20240924.log.xz", "app-20240925.log", "app-20240926.log"],
    "dateext": ["app.log-20240924.gz", "app.log-20240925.gz", "app.log"],
}


def written(folder: Path, names: list[str]) -> list[Path]:
    folder.mkdir()
    paths = []
    for name, data in zip(names, parts_of_sample(len(names)), strict=True):
        pack = next((pack for suffix, pack in PACKED.items() if name.endswith(suffix)), bytes)
        (folder / name).write_bytes(pack(data))
        paths.append(folder / name)
    return paths


def without_evidence(told: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(told, dict):
        return {name: without_evidence(value) for name, value in told.items() if name != "evidence"}
    return [without_evidence(value) for value in told] if isinstance(told, list | tuple) else told


def figures(report: Report) -> dict[str, object]:
    """All that does not name a file."""
    told = without_evidence(report.to_dict())
    (source,) = told.pop("sources")
    return {**told, **{name: value for name, value in source.items() if name not in {"path", "files"}}}


@pytest.mark.parametrize("names", NAMINGS.values(), ids=NAMINGS)
def test_a_set_has_the_figures_of_the_whole(names: list[str], tmp_path: Path) -> None:
    whole = figures(analyze(SAMPLE))
    paths = written(tmp_path / "logs", names)
    ways: list[list[str | Path]] = [
        [tmp_path / "logs"],
        [tmp_path / "logs/app*"],
        [*paths],
        [*reversed(paths)],
        [paths[1], tmp_path / "logs", paths[0]],
    ]
    for way in ways:
        report = analyze(way)
        assert whole == figures(report)
        assert str(paths[-1]) == report.sources[0].path
        assert tuple(map(str, paths)) == report.sources[0].files
    assert whole == figures(analyze(tmp_path / "logs", block_bytes=100))


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tar.xz", "tar.zst", "zip"])
def test_a_set_within_an_archive(kind: str, tmp_path: Path) -> None:
    paths = written(tmp_path / "logs", NAMINGS["packed"])
    archive = tmp_path / f"logs.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in paths[::-1]:
                packed.write(path, f"var/log/{path.name}")
    else:
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as tar:
            for path in paths[::-1]:
                tar.add(path, f"var/log/{path.name}")
        archive.write_bytes(PACKED.get(kind.removeprefix("tar"), bytes)(data.getvalue()))
    report = analyze(archive)
    assert figures(analyze(SAMPLE)) == figures(report)
    assert f"{archive}:var/log/app.log" == report.sources[0].path


def test_each_archived_by_itself(tmp_path: Path) -> None:
    # as loguru does
    names = ["app.2024-09-24_00-00-00_1.log", "app.2024-09-25_00-00-00_1.log"]
    for name, data in zip([*names, "app.log"], parts_of_sample(3), strict=True):
        if name == "app.log":
            (tmp_path / name).write_bytes(data)
        else:
            with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as packed:
                packed.writestr(name, data)
    report = analyze(tmp_path)
    assert figures(analyze(SAMPLE)) == figures(report)
    assert len(report.sources[0].files) == 3


@settings(max_examples=30)
@given(st.lists(st.integers(1, 8000), max_size=4), st.sampled_from([512, 1 << 20]))
def test_no_cut_into_files_changes_a_number(cuts: list[int], size: int) -> None:
    data = SAMPLE.read_bytes()
    places = [0, *sorted({min(cut, len(data) - 1) for cut in cuts}), len(data)]
    with tempfile.TemporaryDirectory() as folder:
        for number, (begin, end) in enumerate(itertools.pairwise(places)):
            Path(folder, f"app.log.{len(places) - number}").write_bytes(data[begin:end])
        assert figures(analyze(SAMPLE)) == figures(analyze(folder, block_bytes=size))


# -- places ----------------------------------------------------------------------------------------------------------

POOL = "sqlalchemy.pool.impl.QueuePool"


def line(second: int, text: str) -> str:
    return f"2024-09-26 17:45:{second:02},000 - {POOL} - DEBUG - {text}\n"


ONE = "<connection object at 0x7f01>"


def test_evidence_names_the_file_and_the_line_in_it(tmp_path: Path) -> None:
    (tmp_path / "app.log.1").write_text(
        line(0, f"Created new connection {ONE}") + line(1, f"Connection {ONE} checked out from pool"), "utf-8"
    )
    (tmp_path / "app.log").write_text(
        line(2, f"Connection {ONE} being returned to pool")
        + line(3, f"Connection {ONE} checked out from pool")
        + line(4, "something never heard of"),
        "utf-8",
    )
    report = analyze(tmp_path)
    found = {finding.code: finding.evidence for finding in report.findings}
    assert found["left_out_at_end"] == (Evidence(f"{tmp_path}/app.log", 2),)
    assert found["unrecognised_records"] == (Evidence(f"{tmp_path}/app.log", 3),)
    assert report.totals.created == 1
    assert report.totals.fresh_checkouts == report.totals.reused_checkouts == 1
    assert report.pools[0].processes == 1


def test_a_traceback_that_is_cut_counts_its_timeout_once(tmp_path: Path) -> None:
    limit = "QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00"
    told = f"sqlalchemy.exc.TimeoutError: {limit}"
    (tmp_path / "app.log.1").write_text(line(0, "x").replace(POOL, "app") * 3 + "Traceback\n", "utf-8")
    (tmp_path / "app.log").write_text(f"{told}\n{told}\n" + line(1, f"Created new connection {ONE}"), "utf-8")
    report = analyze(tmp_path)
    assert report.timeouts == 1
    (finding,) = (finding for finding in report.findings if finding.code == "pool_exhausted")
    assert finding.evidence == (Evidence(f"{tmp_path}/app.log.1", 3),)


# -- the same twice --------------------------------------------------------------------------------------------------


def test_a_file_beside_what_is_packed_of_it_counts_once(tmp_path: Path) -> None:
    data = SAMPLE.read_bytes()
    (tmp_path / "app.log.1").write_bytes(data)
    (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(data)[:-300])
    damages = Damages()
    (source,) = sources_of([tmp_path], damages)
    assert [part.path for part in source.parts] == [f"{tmp_path}/app.log.1"]
    assert [(damage.path, damage.what) for damage in damages.all] == [
        (f"{tmp_path}/app.log.1.gz", f"holds the same as {tmp_path}/app.log.1")
    ]


def test_another_file_beside_a_packed_one_of_its_name_counts(tmp_path: Path) -> None:
    first, second = parts_of_sample(2)
    (tmp_path / "app.log").write_bytes(second)
    (tmp_path / "app.log.gz").write_bytes(gzip.compress(first))
    assert figures(analyze(SAMPLE)) == figures(analyze(tmp_path))
