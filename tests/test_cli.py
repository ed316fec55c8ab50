"""The command line from the outside: exit codes, streams, and a word for everything that can go wrong."""

from __future__ import annotations

import gzip
import json
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest
import typer

from logpool import __version__
from logpool.analysis import Analysis
from logpool.cli import app, main
from logpool.read.needles import NEEDLES

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "samples" / "document-queuepool.log"
CASES = ROOT / "tests" / "cases"
COMMANDS = ("run", "analyze", "verify", "compare", "export")


@dataclass(frozen=True)
class Printed:
    """What a command line printed, and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where each test runs: a folder with the document's log and some bad ones."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    Path("pool.log").write_bytes(SAMPLE.read_bytes())
    Path("empty.log").touch()
    Path("app.log").write_text("\nstarting\nlistening on 8000\nGET / 200\nGET /a 200\n", encoding="utf-8")
    Path("program").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 8)
    Path("cut.log.gz").write_bytes(gzip.compress(SAMPLE.read_bytes())[:12])
    # a timeout may be any pool's
    timeout = (
        b"2024-09-26 17:45:40,000 - app - ERROR - QueuePool limit of size 5 overflow 10 reached, connection timed out"
    )
    Path("waited.log").write_bytes(SAMPLE.read_bytes() + timeout + b", timeout 30.00\n")
    Path("folder").mkdir()
    Path("there.csv").write_text("old\n", encoding="utf-8")
    return tmp_path


def run(command: str, capsys: pytest.CaptureFixture[str]) -> Printed:
    code = main(shlex.split(command))
    captured = capsys.readouterr()
    return Printed(code, captured.out, captured.err)


SUFFIXES = "hint: name a file that ends in .parquet, .csv or .ndjson\n"
STYLES = (
    "hint: give a format string as logging.Formatter takes it, such as '%(asctime)s %(name)s %(message)s', or json\n"
)
TIMES = "hint: give a time such as 2024-09-26T17:45:00, or how long before the end of the log: 2h, 90s, 1h30m\n"
NOTHING_LEFT = "hint: without it, logpool analyze shows the names of the pools and the times of the logs\n"


@pytest.mark.parametrize(
    ("command", "code", "error"),
    [
        # the command line itself
        ("nosuch", 2, "error: no such command 'nosuch'\nhint: logpool --help shows the commands\n"),
        ("--nosuch", 2, "error: no such option: --nosuch\nhint: logpool --help shows the commands\n"),
        ("analyze", 2, "error: missing argument 'LOG...'\nhint: logpool analyze --help shows its options\n"),
        ("verify", 2, "error: missing argument 'LOG...'\nhint: logpool verify --help shows its options\n"),
        ("compare", 2, "error: missing argument 'BASELINE'\nhint: logpool compare --help shows its options\n"),
        ("compare a", 2, "error: missing argument 'OTHER'\nhint: logpool compare --help shows its options\n"),
        ("export a", 2, "error: missing option '-o' / '--output'\nhint: logpool export --help shows its options\n"),
        ("analyze --nosuch a", 2, "error: no such option: --nosuch\nhint: logpool analyze --help shows its options\n"),
        (
            "analyze a --layout",
            2,
            "error: option '--layout' requires an argument\nhint: logpool --help shows the commands\n",
        ),
        (
            "analyze --format xml a",
            2,
            (
                "error: invalid value for '--format': 'xml' is not one of 'text', 'json'\n"
                "hint: logpool analyze --help shows its options\n"
            ),
        ),
        (
            "export a -o b.csv --table lives",
            2,
            (
                "error: invalid value for '--table': 'lives' is not one of 'events', 'checkouts', 'connections'\n"
                "hint: logpool export --help shows its options\n"
            ),
        ),
        (
            "run extra",
            2,
            "error: got unexpected extra argument(s) (extra)\nhint: logpool run --help shows its options\n",
        ),
        ("run --postgres --url sqlite://", 2, "error: --postgres and --url exclude each other\n"),
        # the selection
        (
            "analyze --since tomorrow pool.log",
            2,
            f"error: --since is no time: 'tomorrow'\n{TIMES}",
        ),
        (
            "verify --until 25:00 pool.log",
            2,
            f"error: --until is no time: '25:00'\n{TIMES}",
        ),
        (
            "analyze --until 2h app.log",
            3,
            (
                "error: --until 2h counts from the end of the log, but no time with day and year was found in app.log\n"
                "hint: without such times there is nothing to count back from: leave it out\n"
            ),
        ),
        (
            "verify --until 2h pool.log",
            3,
            f"error: nothing is left to show with --until 2h\n{NOTHING_LEFT}",
        ),
        ("analyze --pool web pool.log", 3, f"error: nothing is left to show with --pool web\n{NOTHING_LEFT}"),
        (
            "verify --since 2030-01-01 --until 2031-01-01 pool.log",
            3,
            f"error: nothing is left to show with --since 2030-01-01, --until 2031-01-01\n{NOTHING_LEFT}",
        ),
        (
            "compare --pool NullPool pool.log pool.log",
            3,
            f"error: nothing is left to show with --pool NullPool\n{NOTHING_LEFT}",
        ),
        (
            "export --pool web --pool job pool.log -o new.csv",
            3,
            f"error: nothing is left to show with --pool web, --pool job\n{NOTHING_LEFT}",
        ),
        (
            "compare - -",
            2,
            "error: standard input can be read only once\nhint: give one of the two logs as a file\n",
        ),
        *(
            (
                f"{command} --pool nosuch waited.log",
                3,
                f"error: nothing is left to show with --pool nosuch\n{NOTHING_LEFT}",
            )
            for command in ("analyze", "verify", "export -o new.csv")
        ),
        # the layout
        ("analyze --layout '%(asctime' pool.log", 2, f"error: no format string of logging: '%(asctime'\n{STYLES}"),
        ("analyze --layout '%(name)s' pool.log", 2, f"error: the layout has no message: '%(name)s'\n{STYLES}"),
        # the logs
        ("analyze nosuch.log", 3, "error: no such file: nosuch.log\n"),
        ("analyze nosuch*.log", 3, "error: no file matches nosuch*.log\n"),
        ("analyze folder", 3, "error: no file in the directory folder\n"),
        ("compare pool.log nosuch.log", 3, "error: no such file: nosuch.log\n"),
        (
            "verify program",
            3,
            (
                "error: program is no text file\n"
                "hint: name the log itself; .gz, .bz2, .xz, .zst, .tar and .zip are read as they are\n"
            ),
        ),
        ("analyze empty.log", 3, "error: nothing to read: empty.log is empty\n"),
        (
            "analyze cut.log.gz",
            3,
            "error: cannot read cut.log.gz: compressed data ends too early\n",
        ),
        ("export nosuch.log -o new.csv", 3, "error: no such file: nosuch.log\n"),
        # the target
        ("export pool.log -o there.csv", 2, "error: there.csv exists\nhint: give --force to replace it\n"),
        ("export pool.log -o new.xlsx", 2, f"error: no known table format: new.xlsx\n{SUFFIXES}"),
        ("export pool.log -o new", 2, f"error: no known table format: new\n{SUFFIXES}"),
        ("export pool.log -o nosuch/new.csv", 2, "error: no such directory: nosuch\n"),
        ("export pool.log -o folder", 2, f"error: folder is a directory\n{SUFFIXES}"),
        ("export --force pool.log -o folder", 2, f"error: folder is a directory\n{SUFFIXES}"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_says_what_is_wrong(command: str, code: int, error: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert Printed(code, "", error) == run(command, capsys)


@pytest.mark.usefixtures("folder")
def test_names_a_pool_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    printed = run("analyze --pool nosuch --pool QueuePool pool.log", capsys)
    assert (printed.code, printed.err) == (0, "warning: no pool is called nosuch\n")
    assert printed.out == run("analyze --pool QueuePool pool.log", capsys).out


def test_a_number_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    printed = run("run --queries many", capsys)
    assert (printed.code, printed.out) == (2, "")
    # in the words of the option parser, whose versions differ
    error, hint = printed.err.splitlines()
    assert re.fullmatch(r"error: invalid value for '--queries': ('many' is )?not a valid int(eger)?", error)
    assert hint == "hint: logpool run --help shows its options"


@pytest.mark.usefixtures("folder")
def test_a_failed_export_leaves_nothing_behind(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(folder.iterdir())
    for command in ("export app.log -o new.csv", "export pool.log -o there.csv", "export pool.log --pool x -o n.csv"):
        assert run(command, capsys).code != 0
    assert before == sorted(folder.iterdir())
    assert (folder / "there.csv").read_text("utf-8") == "old\n"


@pytest.mark.parametrize("command", ["analyze", "verify", "export -o new.csv"])
@pytest.mark.usefixtures("folder")
def test_a_log_without_a_pool_record(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    printed = run(f"{command} app.log", capsys)
    assert (printed.code, printed.out) == (3, "")
    first, *samples, hint = printed.err.splitlines()
    assert first.startswith("error: 5 lines read, no record of an SQLAlchemy pool was found: neither ")
    assert "sqlalchemy.pool" in first
    assert samples == ["  | starting", "  | listening on 8000", "  | GET / 200"]
    assert hint.startswith("hint: ")
    assert "--layout" in hint


@pytest.mark.usefixtures("folder")
def test_a_layout_that_fits_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    printed = run("analyze --layout '%(levelname)s|%(name)s|%(message)s' pool.log", capsys)
    assert (printed.code, printed.out) == (3, "")
    assert "error: 43 lines read" in printed.err
    assert printed.err.count("\n  | 2024-09-26 ") == 3


def test_looks_for_what_stands_in_every_message() -> None:
    assert NEEDLES.texts[0] == "sqlalchemy.pool"


@pytest.mark.usefixtures("folder")
def test_several_logs_of_which_one_is_no_pool_log(capsys: pytest.CaptureFixture[str]) -> None:
    printed = run("analyze --format json app.log pool.log", capsys)
    assert printed.code == 0
    assert [source["pool_lines"] for source in json.loads(printed.out)["sources"]] == [0, 31]


@pytest.mark.usefixtures("folder")
def test_exit_codes_of_checks(capsys: pytest.CaptureFixture[str]) -> None:
    whole = Path("pool.log").read_text("utf-8").splitlines(keepends=True)
    Path("broken.log").write_text("".join(whole[:3] + whole[4:]), encoding="utf-8")
    assert [run(f"verify {name}.log", capsys).code for name in ("pool", "broken")] == [0, 1]
    assert [run(f"analyze {name}.log", capsys).code for name in ("pool", "broken")] == [0, 0]


@pytest.mark.usefixtures("folder")
def test_export_says_what_it_wrote(capsys: pytest.CaptureFixture[str]) -> None:
    assert Printed(0, "", "31 events written to new.csv\n") == run(
        "export pool.log -o new.csv --pool QueuePool", capsys
    )
    assert len(Path("new.csv").read_text("utf-8").splitlines()) == 32
    printed = run("export pool.log -o there.csv --force --table checkouts --format json", capsys)
    assert (printed.code, printed.err) == (0, "")
    assert json.loads(printed.out) == {"file": "there.csv", "table": "checkouts", "rows": 10}
    assert Path("there.csv").read_text("utf-8").startswith("pool,process,connection,")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert Printed(0, f"logpool {__version__}\n", "") == run("--version", capsys)


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    bare, asked = run("", capsys), run("--help", capsys)
    assert (bare.code, bare.out, asked.code, asked.err) == (2, "", 0, "")
    assert bare.err == asked.out
    assert asked.out.startswith("Usage: logpool ")


def options_of(command: str) -> list[list[str]]:
    """The spellings of each option that a command takes."""
    group = typer.main.get_command(app)
    commands = group.commands  # type: ignore[attr-defined]
    assert sorted(COMMANDS) == sorted(commands)
    found = [list(one.opts) for one in commands[command].params if one.param_type_name == "option"]
    assert found
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_in_the_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"\n  {command} " in run("--help", capsys).out
    told = run(f"{command} --help", capsys).out
    for spellings in options_of(command):
        for spelling in spellings:
            assert re.search(rf"(?<![\w-]){spelling}(?![\w-])", told), f"{spelling} is not in the help"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_in_the_readme(command: str) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert f"`logpool {command}" in readme
    for spellings in options_of(command):
        for spelling in spellings:
            assert re.search(rf"(?<![\w-]){spelling}(?![\w-])", readme), f"{spelling} is not in the README"


def test_the_root_options_are_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [option for option in ("--version", "--help", "-h") if option not in readme] == []


@pytest.mark.parametrize("command", ["analyze", "verify", "compare", "export"])
def test_every_reader_takes_the_shared_options(command: str) -> None:
    shared = {"--layout", "--since", "--until", "--pool", "--format"}
    assert shared <= {spelling for spellings in options_of(command) for spelling in spellings}


def started(*command: str, **streams: int | IO[bytes]) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen([sys.executable, "-m", "logpool", *command], env=environment, **streams)  # type: ignore[call-overload,no-any-return]


def test_interrupted() -> None:
    pipe = subprocess.PIPE
    with started("analyze", "-", stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        # it reads once the pipe, which holds far less than this, has taken it all; then it waits for more
        process.stdin.write(SAMPLE.read_bytes() * 60)
        process.stdin.flush()
        code = None
        for _ in range(20):
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(timeout=1)
                break
        assert code == 130
        assert process.stdout.read() == b""
        assert process.stderr.read() == b"error: interrupted\n"


def interrupted(code: str, *command: str, path: Path = ROOT) -> None:
    """A command ends at once, and says no more than that it was interrupted, after some code of a test's own."""
    code = f"import sys\nsys.argv = {['logpool', *command]}\n{code}\nfrom logpool.__main__ import entry\nentry()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(path), str(ROOT)))}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "error: interrupted\n")


def test_interrupted_while_python_frees_something() -> None:
    # what is raised there is printed, and then all goes on
    code = """
import os, signal
from logpool.judge.statistics import Statistics
class Freed:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
take = Statistics.take
def take_and_free(*arguments):
    Freed()
    return take(*arguments)
Statistics.take = take_and_free
"""
    interrupted(code, "analyze", str(SAMPLE))


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".ndjson"])
def test_interrupted_while_a_table_is_written(tmp_path: Path, suffix: str) -> None:
    # polars looks for an interrupt now and then, and Python does
    code = """
import os, signal, threading, time
import polars as pl
from logpool.report import export
table = pl.select(number=pl.int_range(4_000_000)).with_columns(text=pl.col("number").cast(pl.String))
write = export._write
def write_for_long(_, path, suffix):
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    write(table, path, suffix)
    time.sleep(120)
export._write = write_for_long
"""
    interrupted(code, "export", str(SAMPLE), "-o", str(tmp_path / f"a{suffix}"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("command", ["run", "analyze"])
def test_terminated(tmp_path: Path, command: str, number: signal.Signals) -> None:
    pipe = subprocess.PIPE
    endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c"
    arguments = ["--sql", endless, "--log", str(tmp_path / "pool.log")] if command == "run" else ["-"]
    with started(command, *arguments, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if command == "run":
            assert process.stdout.readline().startswith(b"Connection Check-out")
        else:
            # more than the pipe holds: it is being read
            process.stdin.write(SAMPLE.read_bytes() * 60)
            process.stdin.flush()
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (128 + number, b"error: terminated\n")


def test_interrupted_while_it_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    interrupted("", "--help", path=tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_terminated_while_it_is_loaded(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "typer.py").write_text(f"import os, time\nos.kill(os.getpid(), {int(number)})\ntime.sleep(60)\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}
    command = [sys.executable, "-m", "logpool", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "", "error: terminated\n")


@pytest.mark.parametrize(
    ("breaks", "told"),
    [
        ("_native.*", "logpool's compiled part is missing"),
        ("cut.c", "logpool's compiled part was built from other sources than lie beside it"),
    ],
)
def test_a_package_that_is_not_installed_as_it_should_be(tmp_path: Path, breaks: str, told: str) -> None:
    shutil.copytree(ROOT / "logpool", tmp_path / "logpool", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (tmp_path / "logpool" / "native").glob(breaks):
        path.unlink()
    command = [sys.executable, "-m", "logpool", "analyze", str(SAMPLE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"error: {told}\nhint: install the package with pip, which builds it\n"


def test_a_compiled_part_of_another_machine(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "logpool", tmp_path / "logpool", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (tmp_path / "logpool" / "native").glob("_native.*"):
        path.write_bytes(b"of another machine")
    command = [sys.executable, "-m", "logpool", "analyze", str(SAMPLE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    first, hint = done.stderr.splitlines()
    assert first.startswith("error: logpool's compiled part cannot be loaded: ")
    assert hint == "hint: install the package with pip, which builds it"


def test_memory_that_runs_out(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def run_out(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Analysis, "report", run_out)
    assert main(["analyze", str(SAMPLE)]) == 3
    assert capsys.readouterr() == ("", "error: memory ran out\nhint: analyze a part of the log: --since, --until\n")


def test_output_that_nobody_reads_on() -> None:
    pipe = subprocess.PIPE
    with started("analyze", "--format", "json", str(SAMPLE), stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        os.read(process.stdout.fileno(), 1)
        process.stdout.close()
        assert process.wait(timeout=20) == 0
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["analyze", str(SAMPLE)], 0),
        (["verify", str(ROOT / "tests/cases/returned-without-reset/input.log")], 1),
        (["--help"], 0),
        (["--version"], 0),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else str(value),
)
def test_standard_output_closed_before_the_first_byte(command: list[str], code: int) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        with started(*command, stdout=write_end, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            assert process.stderr.read() == b""
            assert code == process.wait(timeout=20)
    finally:
        os.close(write_end)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("analyze {sample} >&-", 0),
        ("analyze {sample} >&- 2>&-", 0),
        ("--version >&-", 0),
        ("analyze --fail-on left_out_at_end {case} >&-", 1),
        ("analyze {case}/none 2>&-", 3),
        ("analyze {case}/none 2>/dev/full", 3),
    ],
)
def test_closed_streams(command: str, code: int) -> None:
    paths = {"sample": shlex.quote(str(SAMPLE)), "case": shlex.quote(str(CASES / "right-cut" / "input.log"))}
    shell = f"{shlex.quote(sys.executable)} -m logpool {command.format(**paths)}"
    done = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (code, b"")
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full disk to write to")
@pytest.mark.parametrize("command", [["analyze", str(SAMPLE)], ["verify", str(SAMPLE)], ["--help"], ["--version"]])
def test_standard_output_on_a_full_disk(command: list[str]) -> None:
    with Path("/dev/full").open("wb") as full, started(*command, stdout=full, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stderr.read() == b"error: cannot write to standard output: No space left on device\n"
        assert process.wait(timeout=20) == 2


def test_standard_input_is_read() -> None:
    pipe = subprocess.PIPE
    with started("verify", "-", stdin=pipe, stdout=pipe, stderr=pipe) as process:
        out, err = process.communicate(SAMPLE.read_bytes(), timeout=20)
    assert (process.returncode, err) == (0, b"")
    assert out.startswith(b"reset sequence: complete, 10 of 10 checkouts")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("variable", "coloured"), [("COLUMNS", True), ("NO_COLOR", False)])
def test_colour_on_a_terminal_only(variable: str, coloured: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv(variable, "80")
    master, slave = os.openpty()
    try:
        with started("verify", str(SAMPLE), stdout=slave) as process:
            assert process.wait(timeout=20) == 0
        assert select.select([master], [], [], 5)[0]
        assert coloured == (b"\033[1;32mcomplete\033[0m" in os.read(master, 10_000))
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [(["error"], 0), (["warning"], 1), (["info_only"], 1), (["pool_exhausted"], 0), (["nonsense"], 2)],
)
def test_the_gate(words: list[str], exit_code: int, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["analyze", str(CASES / "info-only" / "input.log")]
    assert main([*arguments, *(part for word in words for part in ("--fail-on", word))]) == exit_code
    # a gate that fails has still said why; a wrong word is told before anything is read
    assert bool(capsys.readouterr().out) is (exit_code != 2)
