"""The experiment's log: the loggers, taken over for as long as it runs, and the file that they write."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from logpool.errors import OutputError

POOL_LOG = logging.getLogger("sqlalchemy.pool")
OWN_LOG = logging.getLogger("logpool.runner")
_FORMAT = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"


@contextmanager
def loggers_taken_over() -> Iterator[None]:
    """Keeps the loggers' records from everybody else's handlers, and gives the loggers back as they were."""
    before = [(log, log.handlers, log.level, log.propagate, log.disabled) for log in (POOL_LOG, OWN_LOG)]
    for log in (POOL_LOG, OWN_LOG):
        log.handlers, log.propagate, log.disabled = [logging.NullHandler()], False, False
        log.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        for log, handlers, level, propagate, disabled in before:
            log.handlers, log.propagate, log.disabled = handlers, propagate, disabled
            log.setLevel(level)


class HeldLog(logging.FileHandler):
    """The document's file handler, whose lines wait in memory until `let_through`.

    Attributes:
        failed: the error, if the file could not be written.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, mode="a", encoding="utf-8")
        self.setFormatter(logging.Formatter(_FORMAT))
        self.failed: BaseException | None = None
        self._held: list[str] | None = []

    def emit(self, record: logging.LogRecord) -> None:
        """Holds a record's line, or writes it."""
        if self._held is None:
            super().emit(record)
        else:
            self._held.append(self.format(record))  # at once: the text of a connection changes later

    def let_through(self) -> None:
        """Writes the lines held so far, and from now on every line at once."""
        self.acquire()
        try:
            if self._held is not None:
                held, self._held = self._held, None
                stream = self.stream or self._open()
                stream.writelines(line + self.terminator for line in held)
                stream.flush()
        except OSError as error:
            self.failed = error
        finally:
            self.release()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 -- logging's own name
        """Keeps an error that `logging` would print."""
        self.failed = sys.exception()


@contextmanager
def open_log(path: Path) -> Iterator[HeldLog]:
    """Lets the loggers write to a file, and deletes it afterwards if it is new and empty.

    Raises:
        OutputError: the file cannot be written.
    """
    try:
        is_new = not path.exists()
        log = HeldLog(path)
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from error
    for logger in (POOL_LOG, OWN_LOG):
        logger.addHandler(log)
    try:
        yield log
    finally:
        for logger in (POOL_LOG, OWN_LOG):
            logger.removeHandler(log)
        with suppress(OSError):
            log.close()
        with suppress(OSError):
            if is_new and not path.stat().st_size:
                path.unlink()
    if log.failed is not None:
        raise _unwritable(path, log.failed)


def _unwritable(path: Path, error: BaseException) -> OutputError:
    reason = str(getattr(error, "strerror", None) or error).lower()
    hint = "name with --log a file that may be written, in a folder that exists"
    return OutputError(f"cannot write the log {path}: {reason}", hint)
