"""Tables into files: three formats, whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import logpool
from logpool.errors import OutputError, UsageError
from logpool.report import export
from logpool.report.export import SUFFIXES, check_target, write_table

if TYPE_CHECKING:
    from collections.abc import Callable

READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".parquet": pl.read_parquet,
    ".csv": pl.read_csv,
    ".ndjson": pl.read_ndjson,
}
SAMPLE = Path(__file__).parents[2] / "samples" / "document-nullpool.log"
TABLE = pl.DataFrame({"path": ["a.log", "b,\n.log"], "line": [1, None], "time": [None, datetime(2024, 9, 26, 17, 45)]})  # noqa: DTZ001


def test_parquet_gives_the_table_back(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "a.parquet")
    assert_frame_equal(TABLE, pl.read_parquet(tmp_path / "a.parquet"))


def test_csv(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text("utf-8")
    assert text == 'path,line,time\na.log,1,\n"b,\n.log",,2024-09-26T17:45:00.000000\n'


def test_ndjson(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "a.ndjson")
    first, second = (tmp_path / "a.ndjson").read_text("utf-8").splitlines()
    assert first == '{"path":"a.log","line":1,"time":null}'
    assert second.startswith('{"path":"b,\\n.log","line":null,"time":"2024-09-26')


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".ndjson", ".CSV"])
def test_every_format_has_every_row(suffix: str, tmp_path: Path) -> None:
    rows = logpool.read_connections(SAMPLE)
    write_table(rows, tmp_path / f"a{suffix}")
    actual = READERS[suffix.lower()](tmp_path / f"a{suffix}")
    assert (rows.columns, rows.height) == (actual.columns, actual.height)
    assert rows["connection"].to_list() == actual["connection"].to_list()


def test_an_empty_table_keeps_its_columns(tmp_path: Path) -> None:
    write_table(TABLE.clear(), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text("utf-8") == "path,line,time\n"


def test_an_existing_file_is_replaced_on_request_only(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    target.write_text("old", "utf-8")
    with pytest.raises(OutputError) as refused:
        write_table(TABLE, target)
    assert (f"{target} exists", "give --force to replace it") == (refused.value.message, refused.value.hint)
    assert target.read_text("utf-8") == "old"
    write_table(TABLE, target, force=True)
    assert target.read_text("utf-8").startswith("path,line,time\n")


def test_what_a_link_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    target, link = tmp_path / "data" / "a.csv", tmp_path / "link.csv"
    target.write_text("old", "utf-8")
    link.symlink_to(target)
    write_table(TABLE, link, force=True)
    assert link.is_symlink()
    assert target.read_text("utf-8").startswith("path,line,time\n")


def test_a_link_has_the_format_of_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "latest").write_text("old")
    link = tmp_path / "latest.parquet"
    link.symlink_to(tmp_path / "latest")
    write_table(TABLE, link, force=True)
    assert pl.read_parquet(tmp_path / "latest").equals(TABLE)
    assert link.is_symlink()


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with pytest.raises(OutputError, match=r"pipe\.csv is no file"):
        write_table(TABLE, pipe, force=True)
    assert pipe.is_fifo()


@pytest.mark.parametrize("suffix", [".csv", ".ndjson"])
def test_times_with_a_zone_show_their_offset(suffix: str, tmp_path: Path) -> None:
    zoned = TABLE.with_columns(pl.col("time").dt.replace_time_zone("UTC"))
    write_table(zoned, tmp_path / f"a{suffix}")
    times = TABLE["time"].drop_nulls().dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_list()
    text = (tmp_path / f"a{suffix}").read_text("utf-8")
    assert times
    assert all(time in text for time in times)


@pytest.mark.parametrize("force", [False, True])
def test_whole_or_not_at_all(force: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    def half(table: pl.DataFrame, path: Path, _: str) -> None:
        path.write_text(f"{table.columns[0]}\n", "utf-8")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "_write", half)
    target = tmp_path / "a.csv"
    if force:
        target.write_text("old", "utf-8")
    with pytest.raises(OutputError, match=r"cannot write .*: no space left on device"):
        write_table(TABLE, target, force=force)
    assert ([target] if force else []) == list(tmp_path.iterdir())
    assert not force or target.read_text("utf-8") == "old"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_room_for_all_of_it(suffix: str, tmp_path: Path) -> None:
    target = tmp_path / f"events{suffix}"
    # a file that may have so many bytes is as good as a disk that has no more
    code = (
        "import resource, signal, sys\n"
        "from logpool.cli import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900))\n"
        f"sys.exit(main({['export', str(SAMPLE), '-o', str(target)]}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"error: cannot write {target}: file too large\n")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_export_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(export, "_write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_table(TABLE, tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_file_as_anybody_would_make_it(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        write_table(TABLE, tmp_path / "a.csv")
    finally:
        os.umask(mask)
    assert (tmp_path / "a.csv").stat().st_mode & 0o777 == 0o640


def test_a_folder_that_takes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    with pytest.raises(OutputError, match=r"cannot write .*a\.csv: permission denied"):
        write_table(TABLE, tmp_path / "a.csv")


@pytest.mark.parametrize("name", ["a.xlsx", "a", ".csv"])
def test_unknown_formats(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no known table format"):
        check_target(tmp_path / name, force=True)


def test_no_such_directory(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"no such directory: .*nosuch"):
        check_target(tmp_path / "nosuch" / "a.csv", force=False)


def test_a_directory_is_no_target(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(OutputError, match=r"a\.csv is a directory"):
        check_target(tmp_path / "a.csv", force=True)
