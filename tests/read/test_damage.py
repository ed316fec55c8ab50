"""Damage to the input is told once, with its place, and the rest is read; where nothing is left, there is one error."""

import gzip
import io
import json
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import logpool
from logpool.cli import main
from logpool.errors import DamagedInputWarning, InputError
from logpool.read import files, pipes
from logpool.read.damage import Damages, reason
from logpool.report.model import Evidence, Finding

SAMPLE = Path(__file__).parents[2] / "samples/document-nullpool.log"
DATA = SAMPLE.read_bytes()
TOLD = "part of the input is damaged or was left out, and the rest was read: "
PACKED = gzip.compress(DATA)


def damage_of(report: logpool.Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.code == "damaged_input"]


def line_end(number: int) -> int:
    """Where a line of the sample ends."""
    return len(b"".join(DATA.splitlines(keepends=True)[:number]))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty directory, the current one."""
    monkeypatch.chdir(tmp_path)
    return iter([tmp_path])


AT_20 = line_end(20)


@pytest.mark.parametrize(
    ("data", "told", "line", "checkouts"),
    [
        (DATA[:AT_20] + b"sch\xf6n\n" + DATA[AT_20:], "bytes that are no UTF-8: log line 21", 21, 10),
        (DATA[:AT_20] + b"\xf6\n\xf6\n" + DATA[AT_20:], "bytes that are no UTF-8: log line 21 (2 times)", 21, 10),
        (bytes(70_000) + DATA, "NULs, left out: log line 1", 1, 10),
        (DATA[:AT_20] + bytes(5000) + DATA[AT_20:], "NULs, left out: log line 21", 21, 10),
        (
            DATA[:AT_20] + b"x" * 3_000_000 + b"\n" + DATA[AT_20:],
            "line of more than 1 MiB, of which the head was kept: log line 21",
            21,
            10,
        ),
        (DATA[: AT_20 + 60], "cut within a line: log line 21", 21, 4),
        (PACKED[:-8], "compressed data ends too early: log line 62", 62, 10),
        (PACKED[:-8] + bytes(8), "compressed data is corrupt: log line 62", 62, 10),
        (PACKED + b"more", "something else follows the compressed data: log line 62", 62, 10),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_damage_is_told_with_its_place(data: bytes, told: str, line: int, checkouts: int) -> None:
    Path("log").write_bytes(data)
    reports = [logpool.analyze("log", block_bytes=size) for size in (1000, 4096, 1 << 24)]
    assert reports[0] == reports[1] == reports[2]
    (finding,) = damage_of(reports[0])
    count = 2 if "2 times" in told else 1
    assert finding == Finding("damaged_input", "warning", None, count, TOLD + told, (Evidence("log", line),))
    assert checkouts == reports[0].totals.checkouts


@pytest.mark.parametrize(
    "data",
    [
        DATA,
        b"\xef\xbb\xbf" + DATA,
        DATA.replace(b"\n", b"\r\n"),
        DATA.replace(b"\n", b"\r"),
        DATA.decode().replace("\n", "\r").encode("utf-16"),
        DATA.decode().encode("utf-16"),
        DATA.decode().encode("utf-16-le"),
        DATA.decode().encode("utf-16-be"),
        DATA.removesuffix(b"\n"),
        PACKED + bytes(512),
    ],
    ids=["plain", "mark", "CRLF", "CR", "CR in UTF-16", "UTF-16", "UTF-16-LE", "UTF-16-BE", "no line end", "padded"],
)
def test_what_is_no_damage(data: bytes) -> None:
    Path("log").write_bytes(data)
    report = logpool.analyze("log")
    assert report.findings == ()
    assert (report.sources[0].lines, report.totals.checkouts) == (62, 10)


def test_a_line_that_is_cut_tells_of_it_where_it_says_nothing_else() -> None:
    Path("log").write_bytes(DATA + b"2024-09-26 19:50")
    assert [finding.message for finding in logpool.analyze("log").findings] == [f"{TOLD}cut within a line: log line 63"]


# -- many files ------------------------------------------------------------------------------------------------------


def test_what_cannot_be_read_among_others_is_left_out() -> None:
    Path("logs").mkdir()
    Path("logs/a.log").write_bytes(DATA)
    for name in ("core", "a.bin", "b.bin", "c.bin", "d.bin"):
        Path("logs", name).write_bytes(b"\x7fELF" + bytes(5000))
    Path("logs/astray.log").symlink_to("nowhere")
    os.mkfifo("logs/pipe.log")
    expected = (
        f"{TOLD}no such file or directory, skipped: logs/astray.log; a pipe, skipped: logs/pipe.log; "
        "no text file, skipped: logs/a.bin, logs/b.bin, logs/c.bin and 2 more"
    )
    for name in ("logs", "logs/*"):
        report = logpool.analyze(name)
        (finding,) = damage_of(report)
        assert expected == finding.message
        assert finding.count == 7
        assert finding.evidence[:2] == (Evidence("logs/astray.log", 1), Evidence("logs/pipe.log", 1))
        assert [source.path for source in report.sources] == ["logs/a.log"]
        assert report.totals.checkouts == 10


def test_what_cannot_be_read_of_a_set_is_left_out() -> None:
    lines = DATA.splitlines(keepends=True)
    Path("app.log.2").write_bytes(b"".join(lines[:20]))
    Path("app.log.1").write_bytes(bytes(9000))
    Path("app.log").write_bytes(b"".join(lines[20:]))
    report = logpool.analyze("app.log*")
    assert [finding.message for finding in report.findings] == [f"{TOLD}no text file, skipped: app.log.1"]
    assert report.totals.checkouts == 10


def test_what_is_damaged_in_an_archive() -> None:
    with tarfile.open("logs.tar", "w") as tar:
        for name, data in (("a.log", DATA), ("core", b"\x7fELF" + bytes(5000)), ("b.log.gz", PACKED[:-8])):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    report = logpool.analyze("logs.tar")
    (finding,) = damage_of(report)
    assert (
        f"{TOLD}no text file, skipped: logs.tar:core; compressed data ends too early: logs.tar:b.log.gz line 62"
    ) == finding.message
    assert report.totals.checkouts == 20


def test_many_files_side_by_side_need_few_open_files() -> None:
    Path("logs").mkdir()
    for number in range(150):
        Path(f"logs/web-{number}.log").write_bytes(DATA)
    Path("logs/core").write_bytes(bytes(5000))
    code = (
        "import logpool; report = logpool.analyze('logs', block_bytes=3000); "
        "print(len(report.sources), report.totals.checkouts, report.totals.sequence.violations, "
        "[finding.code for finding in report.findings])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
        env={**os.environ, "PYTHONPATH": str(Path(logpool.__file__).parents[1])},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)),
    )
    assert (done.stdout, done.stderr) == ("150 1500 0 ['damaged_input']\n", "")


# -- files that change -----------------------------------------------------------------------------------------------


def analyzed_while(change: Callable[[], None]) -> logpool.Report:
    """A report on the sample, of which something happens to the file while it is read."""
    Path("log").write_bytes(DATA)
    return logpool.analyze("log", block_bytes=1000, progress=lambda *_: change())


def test_a_file_that_grows_is_read_as_it_was() -> None:
    def grow() -> None:
        with Path("log").open("ab") as log:
            log.write(DATA)

    report = analyzed_while(grow)
    assert report.sources[0].bytes == len(DATA)
    assert report.findings == ()


def test_a_file_that_shrinks_is_told() -> None:
    report = analyzed_while(lambda: os.truncate("log", 1000))
    (finding,) = damage_of(report)
    assert finding.message.startswith(f"{TOLD}shrank while it was read: log line 32")


def test_a_file_that_is_rotated_away_is_read_on() -> None:
    def rotate() -> None:
        if Path("log").exists():
            Path("log").rename("log.1")

    assert analyzed_while(rotate).findings == ()


def test_a_file_that_is_replaced_while_it_is_not_held_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_OPEN", files._OpenFiles(1))  # noqa: SLF001 - one at a time
    Path("log").write_bytes(DATA)
    Path("other").write_bytes(DATA)
    one, other = (files.RegionStream(files.FileRegion(name)) for name in ("log", "other"))
    assert DATA[:100] == one.read(100) == other.read(100)
    assert DATA[100:200] == one.read(100) == other.read(100)
    Path("log").rename("log.1")
    Path("log").write_bytes(DATA)
    assert one.read(100) == b""
    assert one.failure == "was replaced while it was read"
    assert DATA[200:300] == other.read(100)
    one.close()
    other.close()


def test_a_file_that_goes_away_before_it_is_read() -> None:
    Path("log").write_bytes(DATA)
    Path("other").write_bytes(DATA)

    def remove(*_: object) -> None:
        Path("other").unlink(missing_ok=True)

    report = logpool.analyze(["log", "other"], block_bytes=1000, progress=remove)
    (finding,) = damage_of(report)
    assert finding.message == f"{TOLD}no such file or directory, skipped: other"


# -- pipes and permissions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [DATA, PACKED], ids=["plain", "packed"])
def test_a_named_pipe_is_read(data: bytes) -> None:
    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: Path("pipe").write_bytes(data))
    writer.start()
    report = logpool.analyze("pipe")
    writer.join()
    assert (report.sources[0].path, report.totals.checkouts, report.findings) == ("pipe", 10, ())


def test_a_named_pipe_whose_writer_takes_its_time() -> None:
    os.mkfifo("pipe")

    def write() -> None:
        with Path("pipe").open("wb", buffering=0) as pipe:
            for number in range(0, len(DATA), 1000):
                threading.Event().wait(0.06)
                pipe.write(DATA[number : number + 1000])

    writer = threading.Thread(target=write)
    writer.start()
    report = logpool.analyze(["pipe", SAMPLE])
    writer.join()
    assert (report.totals.checkouts, report.findings) == (20, ())


def test_a_named_pipe_to_which_nobody_writes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pipes, "PATIENCE_SECONDS", 0.1)
    os.mkfifo("pipe")
    assert main(["analyze", "pipe"]) == 3
    assert capsys.readouterr().err == "error: cannot read pipe: nobody writes to this pipe\n"


def test_standard_input_that_is_closed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["analyze", "-"]) == 3
    assert capsys.readouterr().err == "error: cannot read standard input: it is closed\n"


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A directory that everybody may read, while this process may no more than anybody."""
    logpool.analyze(SAMPLE)  # imports what nobody might not be allowed to
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        Path(folder, "log").write_bytes(DATA)
        Path(folder, "log").chmod(0o644)
        Path(folder, "secret").write_bytes(DATA)
        Path(folder, "secret").chmod(0)
        Path(folder, "closed").mkdir(0o700)
        Path(folder, "closed/log").write_bytes(DATA)
        Path(folder, "closed").chmod(0)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            if root:
                os.seteuid(0)
            Path(folder, "closed").chmod(0o700)


def test_what_is_not_allowed_is_left_out(as_nobody: Path) -> None:
    report = logpool.analyze(as_nobody)
    (finding,) = damage_of(report)
    assert f"{TOLD}permission denied, skipped: {as_nobody}/closed, {as_nobody}/secret" == finding.message
    assert report.totals.checkouts == 10
    report = logpool.analyze([as_nobody / "secret", as_nobody / "log"])
    assert [finding.message for finding in damage_of(report)] == [
        f"{TOLD}permission denied, skipped: {as_nobody}/secret"
    ]


@pytest.mark.parametrize("name", ["secret", "closed"])
def test_what_is_not_allowed_alone(as_nobody: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", f"{as_nobody}/{name}"]) == 3
    assert capsys.readouterr().err == f"error: cannot read {as_nobody}/{name}: permission denied\n"


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file that opens and cannot be read")
def test_a_file_that_fails_while_it_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", "/proc/self/mem"]) == 3
    assert capsys.readouterr().err == "error: cannot read /proc/self/mem: input/output error\n"


# -- nothing is left -------------------------------------------------------------------------------------------------

NO_TEXT = "hint: name the log itself; .gz, .bz2, .xz, .zst, .tar and .zip are read as they are\n"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("missing.log", "no such file: missing.log\n"),
        ("good.log missing.log", "no such file: missing.log\n"),
        ("astray", "cannot read astray: no such file or directory\n"),
        ("core", f"core is no text file\n{NO_TEXT}"),
        ("core astray", "cannot read astray: no such file or directory; nor could 1 more be read\n"),
        ("binaries", f"binaries/a is no text file; nor could 1 more be read\n{NO_TEXT}"),
        ("nuls", f"nuls is no text file\n{NO_TEXT}"),
        ("random", f"random is no text file\n{NO_TEXT}"),
        ("core.gz", f"core.gz is no text file\n{NO_TEXT}"),
        ("stub.gz", "cannot read stub.gz: compressed data ends too early\n"),
        ("empty.zip", "cannot read empty.zip: holds no log\n"),
        ("empty", "nothing to read: empty is empty\n"),
        ("empty empty2", "nothing to read: empty, empty2 are empty\n"),
        ("empty empty2 empty3 empty4", "nothing to read: empty, empty2, empty3 and 1 more are empty\n"),
        ("/dev/null", "cannot read /dev/null: is a device\n"),
        ("/dev/zero", "cannot read /dev/zero: is a device\n"),
    ],
)
def test_errors(words: str, error: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("good.log").write_bytes(DATA)
    Path("astray").symlink_to("nowhere")
    Path("core").write_bytes(b"\x7fELF" + bytes(5000))
    Path("core.gz").write_bytes(gzip.compress(b"\x7fELF" + bytes(5000)))
    Path("binaries").mkdir()
    for name in "ab":
        Path("binaries", name).write_bytes(bytes(range(256)) * 20)
    Path("nuls").write_bytes(bytes(100_000))
    Path("random").write_bytes(bytes(number * number * 7919 % 65_521 % 256 for number in range(9000)))
    Path("stub.gz").write_bytes(PACKED[:12])
    Path("empty.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    for name in ("empty", "empty2", "empty3", "empty4"):
        Path(name).touch()
    assert main(["analyze", *words.split()]) == 3
    assert capsys.readouterr() == ("", f"error: {error}")


def test_damage_is_told_where_nothing_is_understood(capsys: pytest.CaptureFixture[str]) -> None:
    Path("log").write_bytes(gzip.compress(b"something else\n" * 1000)[:-8])
    assert main(["analyze", "log"]) == 3
    error = capsys.readouterr().err
    assert "no record of an SQLAlchemy pool was found" in error
    assert f"\n{TOLD}compressed data ends too early: log line 1,000\n" in error


# -- where it is told ------------------------------------------------------------------------------------------------

WARNING = f"warning: {TOLD}compressed data ends too early: log line 62\n"


def test_where_no_findings_are_shown_a_warning_is(capsys: pytest.CaptureFixture[str]) -> None:
    Path("log").write_bytes(PACKED[:-8])
    assert main(["verify", "log"]) == 0
    assert capsys.readouterr().err == WARNING
    assert main(["verify", "--format", "json", "log"]) == 0
    assert capsys.readouterr().err == WARNING
    assert main(["compare", "log", str(SAMPLE)]) == 0
    assert capsys.readouterr().err == WARNING
    for table in ("events", "checkouts", "connections"):
        assert main(["export", "log", "-o", f"{table}.csv", "--table", table]) == 0
        assert capsys.readouterr().err.startswith(WARNING)
    assert main(["analyze", "--format", "json", "log"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert [finding["code"] for finding in json.loads(printed.out)["findings"]] == ["damaged_input"]


@pytest.mark.parametrize("read", [logpool.read_events, logpool.read_checkouts, logpool.read_connections])
def test_tables_warn(read: Callable[[str], object]) -> None:
    Path("log").write_bytes(PACKED[:-8])
    with pytest.warns(DamagedInputWarning, match=r"^part of the input is damaged .* log line 62$"):
        read("log")


def test_an_error_without_a_text() -> None:
    damages = Damages()
    damages.skip("log", reason(OSError()))
    with pytest.raises(InputError, match=r"^cannot read log: OSError$"):
        raise damages.error()


# -- what is cut within its record -----------------------------------------------------------------------------------


CREATED = (
    b"2024-09-26 19:50:01,001 - sqlalchemy.pool.impl.NullPool - DEBUG - "
    b"Created new connection <sqlite3.Connection object at 0x7f01>"
)


@pytest.mark.parametrize("text", [CREATED[:-2], CREATED[:-8], CREATED.replace(b"Created new", b"Closing")[:-1]])
@pytest.mark.parametrize("size", [100, 1 << 24])
def test_a_last_record_that_is_cut_within_its_connection_does_not_count(text: bytes, size: int) -> None:
    Path("log").write_bytes(DATA)
    whole = logpool.analyze("log")
    Path("log").write_bytes(DATA + text)
    report = logpool.analyze("log", block_bytes=size)
    assert report.totals == whole.totals
    assert [finding.message for finding in report.findings] == [f"{TOLD}cut within a line: log line 63"]
    assert (report.sources[0].lines, report.sources[0].last_time) == (63, "2024-09-26T19:50:01.001")


def test_a_last_record_that_is_whole_counts_without_a_line_end() -> None:
    Path("log").write_bytes(DATA + CREATED)
    report = logpool.analyze("log")
    assert (report.totals.created, damage_of(report)) == (11, [])


def test_half_an_object_does_not_count() -> None:
    lines = [
        json.dumps(
            {"name": "sqlalchemy.pool.impl.NullPool", "message": f"{what} connection <a.B object at 0x7f01>", "pid": 42}
        )
        for what in ("Created new", "Closing")
    ]
    Path("log").write_text("\n".join(lines)[:-6])
    report = logpool.analyze("log")
    assert (report.totals.created, report.totals.closed) == (1, 0)
    assert [finding.message for finding in damage_of(report)] == [f"{TOLD}cut within a line: log line 2"]


@pytest.mark.parametrize(
    ("layout", "cuts"),
    [
        # within the process, the thread, the logger
        ("2026-03-04 09:58:30,120 [4711] [Thread-2] DEBUG sqlalchemy.pool.impl.QueuePool: {}", (26, 29, 40, 45, 58)),
        (
            (
                '{{"time": "2026-03-04 09:58:30,120", "name": "sqlalchemy.pool.impl.QueuePool", "process": 4711, '
                '"message": "{}"}}'
            ),
            (1, 4, 13, 40, 60),
        ),
    ],
)
def test_a_first_record_without_its_begin_is_of_no_other_process(layout: str, cuts: tuple[int, ...]) -> None:
    said = (
        "Created new connection {}",
        *["Connection {} checked out from pool", "Connection {} being returned to pool"] * 6,
    )
    lines = [layout.format(one.format("<sqlite3.Connection object at 0x7f01>")) for one in said]
    for cut in cuts:
        Path("log").write_text("".join(f"{line}\n" for line in [lines[0][cut:], *lines[1:]]), "utf-8")
        report = logpool.analyze("log")
        (pool,) = report.pools
        assert (pool.processes, pool.created, pool.checkouts, pool.peak_open) == (1, 0, 6, 1)
        assert [finding.message for finding in damage_of(report)] == [f"{TOLD}cut within a line: log line 1"]


@pytest.mark.parametrize("logger", ["logger=sqlalchemy.pool.impl.QueuePool", "logger='sqlalchemy.pool.impl.QueuePool'"])
@pytest.mark.parametrize("size", [100, 1 << 24])
def test_a_last_record_whose_logger_is_cut_does_not_count(logger: str, size: int) -> None:
    said = [
        "Created new connection {}",
        *["Connection {} checked out from pool", "Connection {} being returned to pool"] * 3,
    ]
    lines = [
        f'time=2024-01-01T12:00:00.000Z level=debug event="{one}" {logger}'.format(
            "<sqlite3.Connection object at 0x7f01>"
        )
        for one in said
    ]
    for cut in range(1, len("impl.QueuePool") + logger.endswith("'")):
        Path("log").write_text("\n".join([*lines, lines[1]])[:-cut])
        report = logpool.analyze("log", block_bytes=size)
        assert [(pool.logger, pool.checkouts) for pool in report.pools] == [("sqlalchemy.pool.impl.QueuePool", 3)]


@pytest.mark.parametrize("size", [100, 1 << 24])
def test_a_first_record_without_its_begin_does_not_count(size: int) -> None:
    first, rest = DATA.split(b"\n", 1)
    for start in range(5, first.index(b"Created") + 1, 7):
        Path("log").write_bytes(first[start:] + b"\n" + rest)
        report = logpool.analyze("log", block_bytes=size)
        assert [pool.logger for pool in report.pools] == ["sqlalchemy.pool.impl.NullPool"]
        # elsewhere it may as well be a record that lacks some fields
        is_torn = first[start - 1 : start + 1].isalpha() or b"sqlalchemy.pool" not in first[start:]
        created = 9 if is_torn else 10
        assert (report.sources[0].lines, report.totals.checkouts, report.totals.created) == (62, 10, created)
        told = [f"{TOLD}cut within a line: log line 1"] if is_torn else []
        assert [finding.message for finding in damage_of(report)] == told
