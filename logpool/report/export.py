"""Tables into files: Parquet, CSV or NDJSON, by suffix; whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from polars.exceptions import ComputeError

from logpool.errors import OutputError, UsageError
from logpool.interruptible import interruptible

if TYPE_CHECKING:
    import polars as pl

SUFFIXES = (".parquet", ".csv", ".ndjson")
_SUFFIXES = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"


def check_target(path: Path, *, force: bool) -> None:
    """Whether a file can be written, asked before the work is done.

    Raises:
        UsageError: its suffix names no known format.
        OutputError: it exists and ``force`` is not given, or its folder does not.
    """
    if path.is_dir():
        msg = f"{path} is a directory"
        raise OutputError(msg, f"name a file that ends in {_SUFFIXES}")
    if path.exists() and not path.is_file():
        msg = f"{path} is no file"
        raise OutputError(msg, f"name a file that ends in {_SUFFIXES}")
    if path.suffix.lower() not in SUFFIXES:
        msg = f"no known table format: {path}"
        raise UsageError(msg, f"name a file that ends in {_SUFFIXES}")
    if path.exists() and not force:
        msg = f"{path} exists"
        raise OutputError(msg, "give --force to replace it")
    if not path.parent.is_dir():
        msg = f"no such directory: {path.parent}"
        raise OutputError(msg)


def write_table(table: pl.DataFrame, path: Path, *, force: bool = False) -> None:
    """Writes a table; a reader of the path sees all of it, or what was there before.

    Raises:
        UsageError: its suffix names no known format.
        OutputError: the file cannot be written.
    """
    check_target(path, force=force)
    suffix = path.suffix.lower()
    # what a link leads to is replaced, and not the link
    path = path.resolve()
    draft = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=suffix)
        os.close(handle)
        draft = Path(name)
        interruptible(partial(_write, table, draft, suffix))
        draft.chmod(0o666 & ~_umask())
        draft.replace(path)
    except (OSError, ComputeError) as error:
        msg = f"cannot write {path}: {_reason(error)}"
        raise OutputError(msg) from error
    finally:
        if draft is not None:
            with suppress(OSError):
                draft.unlink(missing_ok=True)


def _reason(error: OSError | ComputeError) -> str:
    """What the system says; polars hands it on with words around it."""
    told = getattr(error, "strerror", None) or str(error).rpartition("error: ")[2].partition(" (os error")[0]
    return told.lower()


def _write(table: pl.DataFrame, path: Path, suffix: str) -> None:
    if suffix == ".parquet":
        table.write_parquet(path)
        return
    # ISO 8601, with the offset where there is one: each of polars' writers has a form of its own
    import polars as pl  # noqa: PLC0415 - this module is loaded before it is known whether there is a table

    zoned = [name for name, dtype in table.schema.items() if isinstance(dtype, pl.Datetime) and dtype.time_zone]
    table = table.with_columns(pl.col(zoned).dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00"))
    if suffix == ".csv":
        table.write_csv(path)
    else:
        table.write_ndjson(path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
