"""What can go wrong for a user, each with its exit code. Nothing here is ever shown with a traceback."""


class LogpoolError(Exception):
    """A failure that the user can understand and act on.

    Args:
        message: what is wrong and where, lower case, no full stop.
        hint: the way out, where there is one.
    """

    exit_code = 3

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(LogpoolError):
    """The command was asked for something that makes no sense."""

    exit_code = 2


class InputError(LogpoolError):
    """The input cannot be used: missing, unreadable, not a log, no pool record in it."""

    exit_code = 3


class OutputError(LogpoolError):
    """A file cannot be written."""

    exit_code = 2


class DatabaseError(LogpoolError):
    """The database of an experiment cannot be used."""

    exit_code = 3


class InstallationError(LogpoolError, ImportError):
    """The package is not installed as it should be."""


class DamagedInputWarning(UserWarning):
    """Part of the input is damaged or was left out, and the rest was read."""
