"""The commands. The one place that knows exit codes; each command loads what it needs itself."""

from __future__ import annotations

import gc
import os
import signal
import sys
import warnings
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from logpool import __version__
from logpool.console import be_lenient, can_show, is_coloured, make_ready, mute, put, put_json, put_line, tell, width
from logpool.errors import DamagedInputWarning, InputError, LogpoolError, OutputError, UsageError
from logpool.interruptible import interruptible
from logpool.options import (
    Command,
    Commands,
    FailOnOption,
    Format,
    FormatOption,
    IntervalOption,
    LayoutOption,
    Logs,
    PoolClass,
    PoolOption,
    Reset,
    SinceOption,
    Table,
    ThresholdOption,
    UntilOption,
)
from logpool.progress import Progress
from logpool.words import many

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logpool.report.model import Report

# ruff: noqa: PLC0415 - a command loads what it needs itself: polars and sqlalchemy cost 0.2 s each

DONE, CHECK_FAILED, USAGE, SIGNALLED = 0, 1, 2, 128
INTERRUPTED = SIGNALLED + signal.SIGINT

_OBJECTS_A_COLLECTION = 100_000
_ALLOCATION = "narenas:1,dirty_decay_ms:500,muzzy_decay_ms:0"

app = typer.Typer(
    cls=Commands,
    name="logpool",
    help="Reads SQLAlchemy's connection pool log: what every connection did, what went wrong, and where.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        put_line(f"logpool {__version__}")
        raise typer.Exit(DONE)
    if context.invoked_subcommand is None:
        tell(context.get_help())
        raise typer.Exit(USAGE)


@app.command(cls=Command)
def run(  # noqa: PLR0913 - one argument an option
    *,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Any SQLAlchemy URL. Default: SQLite, in a file of its own."),
    ] = None,
    postgres: Annotated[
        bool,
        typer.Option("--postgres", help="Use a private PostgreSQL server, started and stopped by the command."),
    ] = False,
    pool: Annotated[PoolClass, typer.Option(help="The pool's class.")] = PoolClass.QueuePool,
    pool_size: Annotated[int | None, typer.Option(help="Connections kept (SQLAlchemy's default: 5).")] = None,
    max_overflow: Annotated[int | None, typer.Option(help="Connections beyond them (10); -1 for any number.")] = None,
    pool_timeout: Annotated[float | None, typer.Option(help="Seconds to wait for a connection (30).")] = None,
    pool_recycle: Annotated[
        int | None, typer.Option(help="Seconds until a connection is replaced (-1: never).")
    ] = None,
    pre_ping: Annotated[bool, typer.Option("--pre-ping", help="Test connections when they are checked out.")] = False,
    reset_on_return: Annotated[Reset | None, typer.Option(help="What is done on return (rollback).")] = None,
    queries: Annotated[int, typer.Option(help="Timed queries of every worker.")] = 10,
    workers: Annotated[int, typer.Option(help="Threads that query at the same time.")] = 1,
    sql: Annotated[str | None, typer.Option(metavar="SQL", help="The query. Default: SELECT 1.")] = None,
    log: Annotated[Path, typer.Option(help="The log, appended to.")] = Path("sqlalchemy.log"),
) -> None:
    """Write the pool log of the experiment against a real database."""
    from logpool.runner import Experiment, private_postgres
    from logpool.runner import run as perform

    if postgres and url is not None:
        msg = "--postgres and --url exclude each other"
        raise UsageError(msg)
    with ExitStack() as stack:
        experiment = Experiment(
            url=stack.enter_context(private_postgres()) if postgres else url,
            pool=pool.value,
            pool_size=pool_size,
            max_overflow=max_overflow,
            pool_timeout=pool_timeout,
            pool_recycle=pool_recycle,
            pre_ping=pre_ping,
            reset_on_return=reset_on_return.value if reset_on_return else None,
            queries=queries,
            workers=workers,
            sql=sql,
            log=log,
        )
        outcome = perform(experiment, put_line)
    if outcome.timeouts or outcome.failures:
        tell(
            f"{many(outcome.timeouts, 'timeout')}, {many(outcome.failures, 'other failure')}, "
            f"each with its traceback in {log}"
        )
    tell(f"next: logpool analyze {log}")


@app.command(cls=Command)
def analyze(
    logs: Logs,
    *,
    layout: LayoutOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    pool: PoolOption = None,
    threshold: ThresholdOption = None,
    fail_on: FailOnOption = None,
    interval: IntervalOption = None,
    output: FormatOption = Format.text,
) -> None:
    """Summarise each pool, and tell what went wrong."""
    from logpool.judge.gate import Gate

    gate = Gate.of(fail_on or ())
    report = _report(logs, layout, since, until, pool, threshold or (), interval)
    if output is Format.json:
        put_json(report.to_dict())
    else:
        from logpool.report.chart import ASCII, BLOCKS
        from logpool.report.text import render

        put(render(report, width(), colour=is_coloured(), blocks=BLOCKS if can_show(BLOCKS) else ASCII))
    if gate.fails(report.findings):
        raise typer.Exit(CHECK_FAILED)


@app.command(cls=Command)
def verify(
    logs: Logs,
    *,
    layout: LayoutOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    pool: PoolOption = None,
    output: FormatOption = Format.text,
) -> None:
    """Check the reset sequence of every checkout; exit 1 on a violation."""
    report = _report(logs, layout, since, until, pool)
    if output is Format.json:
        put_json(report.verdict())
    else:
        from logpool.report.text import render_verdict

        put(render_verdict(report, width(), colour=is_coloured()))
    _warn(report)
    if report.violations:
        raise typer.Exit(CHECK_FAILED)


@app.command(cls=Command)
def compare(
    baseline: Annotated[str, typer.Argument(metavar="BASELINE", help="The log to compare with.", show_default=False)],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The log to compare.", show_default=False)],
    *,
    layout: LayoutOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    pool: PoolOption = None,
    threshold: ThresholdOption = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-on",
            metavar="WHAT",
            help="Exit 1 if OTHER is worse (worse), or has a finding that BASELINE has not: of this severity "
            "(error, warning, info) or worse, or of this code. May be repeated.",
        ),
    ] = None,
    output: FormatOption = Format.text,
) -> None:
    """Show two logs side by side: every figure, the findings that came and went, and what is worse."""
    from logpool.judge.comparison import compare as put_side_by_side
    from logpool.judge.gate import WORSE, Gate
    from logpool.judge.thresholds import Thresholds

    if baseline == other == "-":
        msg = "standard input can be read only once"
        raise UsageError(msg, "give one of the two logs as a file")
    gate = Gate.of(fail_on or (), others=(WORSE,))
    left, right = (_report([name], layout, since, until, pool, threshold or ()) for name in (baseline, other))
    for report in (left, right):
        _warn(report)
    comparison = put_side_by_side(left, right, Thresholds.of(threshold or ()))
    if output is Format.json:
        put_json(comparison.to_dict())
    else:
        from logpool.report.changes import render_comparison

        put(render_comparison(comparison, width(), colour=is_coloured()))
    if gate.fails_on(comparison):
        raise typer.Exit(CHECK_FAILED)


@app.command(cls=Command)
def export(
    logs: Logs,
    *,
    file: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help=".parquet, .csv or .ndjson.")],
    table: Annotated[Table, typer.Option(help="What to export, a row each.")] = Table.events,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    layout: LayoutOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    pool: PoolOption = None,
    output: FormatOption = Format.text,
) -> None:
    """Write events, checkouts or connections as a table."""
    from logpool.report.export import check_target, write_table
    from logpool.tables import read_checkouts, read_connections, read_events

    check_target(file, force=force)
    readers = {
        Table.events: read_events,
        Table.checkouts: read_checkouts,
        Table.connections: read_connections,
    }
    with warnings.catch_warnings(record=True) as told, Progress() as progress:
        warnings.simplefilter("always", DamagedInputWarning)
        rows = interruptible(
            lambda: readers[table](logs, layout=layout, pools=pool or (), since=since, until=until, progress=progress)
        )
    if not (rows["pool"].drop_nulls().len() if pool else rows.height) and _selected(since, until, pool):
        raise _nothing_left(since, until, pool)
    for warning in told:
        if issubclass(warning.category, DamagedInputWarning):
            tell(f"warning: {warning.message}")
    write_table(rows, file, force=force)
    if output is Format.json:
        put_json({"file": str(file), "table": table.value, "rows": rows.height})
    else:
        tell(f"{rows.height:,} {table.value} written to {file}")


def _report(
    logs: Sequence[str],
    layout: str | None,
    since: str | None,
    until: str | None,
    pools: list[str] | None,
    thresholds: Sequence[str] = (),
    interval: str | None = None,
) -> Report:
    from logpool.analysis import analyze as read_and_judge
    from logpool.judge.thresholds import Thresholds
    from logpool.native.library import keep_memory

    chosen = Thresholds.of(thresholds)
    keep_memory()
    with Progress() as progress:
        report = interruptible(
            lambda: read_and_judge(
                logs,
                layout=layout,
                pools=pools or (),
                since=since,
                until=until,
                progress=progress,
                thresholds=chosen,
                interval=interval,
            )
        )
    # a timeout names no pool: it alone is nothing of the pools that are asked for
    left = report.pools if pools else report.pools or report.timings or report.timeouts
    if _selected(since, until, pools) and not left:
        raise _nothing_left(since, until, pools)
    known = {name for pool in report.pools for name in (pool.logger, pool.pool_class, pool.logging_name)}
    for name in pools or ():
        if name not in known:
            tell(f"warning: no pool is called {name}")
    return report


def _warn(report: Report) -> None:
    """Tells what could not be read, or not be told apart, where no findings are shown."""
    for finding in report.findings:
        if finding.code in {"damaged_input", "mixed_processes"}:
            tell(f"warning: {finding.message}")


def _selected(since: str | None, until: str | None, pools: list[str] | None) -> list[str]:
    """What a user gave to select by, as it was given."""
    given = [("--since", since), ("--until", until), *(("--pool", name) for name in pools or ())]
    return [f"{option} {value}" for option, value in given if value is not None]


def _nothing_left(since: str | None, until: str | None, pools: list[str] | None) -> InputError:
    return InputError(
        f"nothing is left to show with {', '.join(_selected(since, until, pools))}",
        "without it, logpool analyze shows the names of the pools and the times of the logs",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command line and returns its exit code.

    0 done; 1 a check failed that the user asked for; 2 wrong usage; 3 the input cannot be used; 128
    and a signal's number, where that ended it.
    """
    be_lenient()
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
    except LogpoolError as error:
        return _fail(error.message, error.hint, error.exit_code)
    except typer.TyperException as error:
        return _fail(_plain(error.format_message()), _where_to_look(error), USAGE)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except SystemExit as end:
        if isinstance(end.code, int) and end.code > SIGNALLED:
            return _fail("terminated", None, end.code)
        # so the option parser ends where nobody reads the help that it prints
        mute()
        return DONE
    if code == INTERRUPTED:
        return _fail("interrupted", None, INTERRUPTED)
    return code if isinstance(code, int) else DONE


def _run(arguments: list[str]) -> object:
    """What a command line returns; what the machine cannot give is told as this program's own errors."""
    try:
        return app(args=arguments, prog_name="logpool", standalone_mode=False)
    except MemoryError:
        message, hint = "memory ran out", "analyze a part of the log: --since, --until"
        raise LogpoolError(message, hint) from None
    except OSError as error:
        if error.filename is not None:
            raise
        mute()
        message = f"cannot write to standard output: {error.strerror}"
        raise OutputError(message) from None


def _plain(text: str) -> str:
    """A message of the option parser's, in this program's style."""
    text = text.strip().rstrip(".").replace("Value error, ", "")
    text = text.replace("Input should be a valid", "not a valid").split(", unable to parse")[0]
    return text[:1].lower() + text[1:]


def _where_to_look(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "logpool"
    return f"{command} --help shows {'the commands' if command == 'logpool' else 'its options'}"


def _fail(message: str, hint: str | None, code: int) -> int:
    tell(f"error: {message}")
    if hint:
        tell(f"hint: {hint}")
    return code


def entry() -> None:
    """The ``logpool`` command."""
    # what is loaded lasts as long as the program, and what comes later is freed without looking for cycles
    gc.set_threshold(_OBJECTS_A_COLLECTION, 50, 50)
    # polars keeps what it frees for long, and in eight places: of a fast reader that is a lot
    os.environ.setdefault("_RJEM_MALLOC_CONF", _ALLOCATION)
    # the stages work side by side, and what they ask of polars is done sooner than it is shared out
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    make_ready()
    code = main()
    if "sqlalchemy" in sys.modules:
        # the experiment's drivers and its server are left in order
        sys.exit(code)
    # what is left goes with the process: nobody need free it
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)
