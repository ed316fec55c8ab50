"""The command ``logpool``, and ``python -m logpool``."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_SIGNALLED = 128


def _terminate(number: int, _frame: FrameType | None) -> None:
    """Ends the program in order, so that nothing half written is left behind."""
    raise SystemExit(_SIGNALLED + number)


def entry() -> None:
    """The ``logpool`` command."""
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _terminate)
    # the import takes a while, and a signal may come while it does
    try:
        from logpool import cli  # noqa: PLC0415
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        sys.exit(_SIGNALLED + signal.SIGINT)
    except SystemExit:
        sys.stderr.write("error: terminated\n")
        raise
    cli.entry()


if __name__ == "__main__":
    entry()
