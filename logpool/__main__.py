"""The command ``logpool``, and ``python -m logpool``."""

import sys


def entry() -> None:
    """The ``logpool`` command."""
    try:
        from logpool import cli  # noqa: PLC0415 - takes a while, and Ctrl-C may come while it does
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        sys.exit(130)
    cli.entry()


if __name__ == "__main__":
    entry()
