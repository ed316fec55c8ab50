"""How fast logpool is, and how much memory it takes, against programs that do less: one table, in Markdown.

``python tests/benches/speed.py [--lines 7000000] [--runs 5] [--folder KEPT] [--only ROW…] [--ten]``

Every measurement is a whole process, its log in the file cache. The runs are interleaved: each round runs every command
once, so that both sides of a ratio saw the same machine. What is shown are medians, and ratios of medians. Before, the
counts of all that count are compared; a bench of programs that disagree says nothing. A peak below the bench's
own, some 20 MB, shows as that: a process counts what it was before it became the command.

It needs logpool to be importable. mawk, ripgrep and DuckDB (the Python package) are compared with where they are there.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parent
SAMPLE = HERE.parents[1] / "samples" / "document-queuepool.log"
LINES = 7_000_000
PYTHON = sys.executable
LOGPOOL = (PYTHON, "-m", "logpool")
# what RSS is counted in
RSS_UNIT = 1 if sys.platform == "darwin" else 1024

AWK = r"""
BEGIN { FS = " - " }
$2 ~ /^sqlalchemy\.pool\.impl\./ {
    if ($4 ~ / checked out from pool$/) out[$2]++
    else if ($4 ~ / being returned to pool$/) returned[$2]++
    else if ($4 ~ / reset, transaction already reset$/) reset[$2]++
    else if ($4 ~ /^Created new connection /) created[$2]++
    else if ($4 ~ /^Closing connection /) closing[$2]++
}
END {
    for (pool in out)
        printf "%s %d %d %d %d %d\n", pool, created[pool], out[pool], returned[pool], reset[pool], closing[pool]
}
"""

# the same as one would write it without looking at the layout
PATTERNS = r"""
/ checked out from pool/ { out[$4]++ }
/ being returned to pool/ { returned[$4]++ }
/ reset, transaction already reset/ { reset[$4]++ }
/Created new connection / { created[$4]++ }
/Closing connection / { closing[$4]++ }
END {
    for (one in out)
        printf "%s %d %d %d %d %d\n", one, created[one], out[one], returned[one], reset[one], closing[one]
}
"""

# the delimiter never occurs in a log, so each row is a whole line
DUCKDB = r"""
import sys
import duckdb
# where it takes long, it shows its progress among the counts
duckdb.execute("SET enable_progress_bar = false")

rows = duckdb.execute(r'''
    SELECT
        regexp_extract(line, 'sqlalchemy\.pool\.impl\.\w+') AS pool,
        count(CASE WHEN line LIKE '%Created new connection %' THEN 1 END),
        count(CASE WHEN line LIKE '%checked out from pool' THEN 1 END),
        count(CASE WHEN line LIKE '%being returned to pool' THEN 1 END),
        count(CASE WHEN line LIKE '%reset, transaction already reset' THEN 1 END),
        count(CASE WHEN line LIKE '%Closing connection %' THEN 1 END)
    FROM read_csv(?, columns={'line': 'VARCHAR'}, delim=chr(1), header=false, quote='', escape='', auto_detect=false)
    WHERE line LIKE '%sqlalchemy.pool.impl.%'
    GROUP BY pool
''', [sys.argv[1]]).fetchall()
for row in rows:
    print(*row)
"""

# in a process of its own: what starts a command must be small, for its memory counts as the command's until that begins
PACK = r"""
import gzip, shutil, sys
import zstandard

source, target = sys.argv[1:]
with open(source, "rb") as plain:
    if target.endswith(".gz"):
        with gzip.open(target, "wb", compresslevel=6) as packed:
            shutil.copyfileobj(plain, packed, 1 << 20)
    else:
        with open(target, "wb") as packed:
            zstandard.ZstdCompressor(level=3).copy_stream(plain, packed)
"""


def tell(text: str) -> None:
    """Says how far the bench is."""
    sys.stderr.write(f"{text}\n")


@dataclass
class Logs:
    """The logs, each made when it is first asked for.

    Attributes:
        folder: where they stand; those of the same generator, lines and seed are used again.
        lines: of G.
        seed: of all.
    """

    folder: Path
    lines: int
    seed: int

    def path(self, kind: str) -> Path:
        """``G``, ``M``, ``H``, ``P``, ``I``; ``G.gz`` or ``G.zst``; ``ten`` for ten times G; ``document``."""
        if kind == "document":
            return SAMPLE
        letter, _, packing = kind.partition(".")
        letter, lines = ("G", 10 * self.lines) if letter == "ten" else (letter, self.lines)
        maker = HERE / "traffic.py"
        name = f"{letter}-{lines}-{self.seed}-{zlib.crc32(maker.read_bytes()):08x}.log"
        path = self.folder / (f"{name}.{packing}" if packing else name)
        if path.exists():
            return path
        unfinished = path.with_name(f"unfinished-{path.name}")
        if packing:
            words = [PYTHON, "-c", PACK, str(self.path(letter)), str(unfinished)]
        else:
            words = [PYTHON, str(maker), letter, str(unfinished), "--lines", str(lines), "--seed", str(self.seed)]
        begin = time.monotonic()
        subprocess.run(words, check=True)
        unfinished.rename(path)
        tell(f"{path.name}: {path.stat().st_size / 1e6:,.0f} MB in {time.monotonic() - begin:.0f} s")
        return path


@dataclass(frozen=True)
class Run:
    """One command.

    Attributes:
        name: as the table shows it.
        words: the command, without the log.
        log: the log that it reads, as :meth:`Logs.path` takes it; None for none.
        needs: the program without which it cannot run.
    """

    name: str
    words: tuple[str, ...]
    log: str | None = None
    needs: str | None = None

    def missing(self) -> str | None:
        """What is not there, in words."""
        if self.needs is None or shutil.which(self.needs):
            return None
        if self.needs == "duckdb" and importlib.util.find_spec("duckdb"):
            return None
        return f"{self.needs} is missing"


def _analyze(log: str, name: str | None = None) -> Run:
    return Run(name or f"analyze {log}", (*LOGPOOL, "analyze"), log)


def _cores() -> list[str]:
    """The numbers of the cores that this process may use."""
    return [str(core) for core in sorted(os.sched_getaffinity(0))] if hasattr(os, "sched_getaffinity") else []


def _pinned(count: int) -> Run:
    cores = _cores()
    name = "one core" if count == 1 else f"{count} cores"
    words = ("taskset", "-c", ",".join(cores[:count]), *LOGPOOL, "analyze")
    return Run(f"analyze G, {name}", words, "G", "taskset")


RUNS = {
    **{log: _analyze(log) for log in ("G", "M", "H", "P", "I", "W", "G.gz", "G.zst", "document")},
    "ten": _analyze("ten", "analyze ten times G"),
    "help": Run("logpool --help", (*LOGPOOL, "--help")),
    "one": _pinned(1),
    "two": _pinned(2),
    "mawk": Run("mawk", ("mawk", AWK), "G", "mawk"),
    "patterns": Run("mawk by patterns", ("mawk", PATTERNS), "G", "mawk"),
    "duckdb": Run("DuckDB", (PYTHON, "-c", DUCKDB), "G", "duckdb"),
    "rg": Run("rg -c", ("rg", "-c", "sqlalchemy.pool"), "M", "rg"),
    "zcat": Run("zcat > /dev/null", ("zcat",), "G.gz", "zcat"),
}


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: is measured.
        run: the key of the run.
        other: of the run that it is compared with; None where its own figure has the bar.
        bar: what may not be exceeded: a ratio, seconds, or MB.
        by: which figure: ``time``, ``time per byte`` or ``memory``.
    """

    what: str
    run: str
    other: str | None
    bar: float | None
    by: str = "time"


ROWS = {
    "mawk": Row("G, against five kinds counted by mawk", "G", "mawk", 0.5),
    "patterns": Row("G, against the same by patterns over whole lines", "G", "patterns", 0.5),
    "duckdb": Row("G, against five kinds counted by DuckDB", "G", "duckdb", 0.5),
    "rg": Row("M, 5 % pool events, against rg counting lines", "M", "rg", 8),
    "H": Row("H, a million addresses, time per byte", "H", "G", 1.5, "time per byte"),
    "P": Row("P, eight processes, time per byte", "P", "G", 1.5, "time per byte"),
    "I": Row("I, JSON with ids, time per byte", "I", "G", None, "time per byte"),
    "W": Row("W, JSON with users and paths, time per byte", "W", "G", None, "time per byte"),
    "gz": Row("G as .gz", "G.gz", "zcat", 1.5),
    "zst": Row("G as .zst", "G.zst", "G", 1.6),
    "memory": Row("G, peak memory", "G", None, 450, "memory"),
    "ten": Row("ten times G, peak memory", "ten", "G", 1.15, "memory"),
    "document": Row("the document's log, the whole command", "document", None, 0.6),
    "help": Row("the help", "help", None, 0.25),
    "cores": Row("G on one core, against two", "one", "two", None),
}
ON_DEMAND = "ten"


@dataclass
class Measured:
    """What the runs of one command took."""

    seconds: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)
    size: int = 0

    def figure(self, by: str) -> float:
        """The median of what a row is about: seconds, nanoseconds a byte, or MB."""
        if by == "memory":
            return statistics.median(self.peaks) / 1e6
        seconds = statistics.median(self.seconds)
        return seconds * 1e9 / self.size if by == "time per byte" else seconds

    def told(self, by: str) -> str:
        """That figure, and what else is known."""
        text = f"{self.figure('time'):.2f} s, {self.figure('memory'):,.0f} MB"
        return f"{self.figure(by):.1f} ns a byte, {text}" if by == "time per byte" else text


def measure(run: Run, logs: Logs, into: Measured) -> None:
    """Runs a command once, and adds what it took."""
    words = list(run.words)
    if run.log is not None:
        path = logs.path(run.log)
        words.append(str(path))
        into.size = path.stat().st_size
        _warm(path)
    with tempfile.TemporaryFile() as errors:
        begin = time.perf_counter()
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        into.seconds.append(time.perf_counter() - begin)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            sys.exit(f"{run.name} failed with {process.returncode}: {errors.read().decode(errors='replace')}")
    into.peaks.append(usage.ru_maxrss * RSS_UNIT)
    tell(f"{run.name}: {into.seconds[-1]:.2f} s, {into.peaks[-1] / 1e6:,.0f} MB")


def _warm(path: Path) -> None:
    """Reads a file, so that it stands in the file cache."""
    buffer = bytearray(1 << 20)
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def counts(run: Run, logs: Logs) -> set[str]:
    """The pools, each with its five counts."""
    path = logs.path(run.log or "G")
    if run.words[: len(LOGPOOL)] != LOGPOOL:
        return set(_output([*run.words, str(path)]).splitlines())
    pools = json.loads(_output([*LOGPOOL, "analyze", "--format", "json", str(path)]))["pools"]
    return {
        f"{pool['logger']} {pool['created']} {pool['checkouts']} {pool['returned']} "
        f"{pool['resets']['already_reset']} {pool['closed']}"
        for pool in pools
    }


def _output(words: list[str]) -> str:
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def check(rows: list[str], logs: Logs) -> None:
    """Ends the bench where those that count do not count the same."""
    counting = [name for name in ("mawk", "patterns", "duckdb") if name in rows and not RUNS[name].missing()]
    if not counting:
        return
    expected = counts(RUNS["G"], logs)
    for name in counting:
        found = counts(RUNS[name], logs)
        if found != expected:
            sys.exit(f"{RUNS[name].name} counts {sorted(found)}, logpool {sorted(expected)}")
    tell(f"the same counts from logpool and {' and '.join(RUNS[name].name for name in counting)}")


def obstacle(row: Row) -> str | None:
    """Why a row cannot be measured."""
    if row.run == "one" and len(_cores()) < 2:
        return "there is one core only, or no telling"
    runs = [RUNS[key] for key in (row.run, row.other) if key is not None]
    return next((missing for run in runs if (missing := run.missing())), None)


def line(row: Row, measured: dict[str, Measured]) -> list[str]:
    """A row's cells."""
    problem = obstacle(row)
    if problem:
        return [row.what, problem, "", "", _bar(row), "not measured"]
    own = measured[row.run]
    figure = own.figure(row.by)
    if row.other is None:
        return [row.what, own.told(row.by), "", "", _bar(row), _met(figure, row.bar)]
    other = measured[row.other]
    ratio = figure / other.figure(row.by)
    compared = f"{RUNS[row.other].name}: {other.told(row.by)}"
    return [row.what, own.told(row.by), compared, f"{ratio:.2f}", _bar(row), _met(ratio, row.bar)]


def _bar(row: Row) -> str:
    if row.bar is None:
        return ""
    unit = "" if row.other is not None else " MB" if row.by == "memory" else " s"
    return f"at most {row.bar:g}{unit}"


def _met(figure: float, bar: float | None) -> str:
    return "" if bar is None else "met" if figure <= bar else "not met"


def table(rows: list[str], measured: dict[str, Measured]) -> str:
    """The whole table, in Markdown."""
    head = ["row", "what", "measured", "compared with", "ratio", "bar", "met or not"]
    cells = [head, ["---"] * len(head), *([name, *line(ROWS[name], measured)] for name in rows)]
    return "\n".join(f"| {' | '.join(one)} |" for one in cells)


def machine() -> str:
    """What the figures were measured on."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    version = _output([*LOGPOOL, "--version"]).strip()
    return (
        f"{_processor()}, {len(_cores()) or os.cpu_count()} cores, {memory:.0f} GB RAM, {platform.system()}; "
        f"Python {platform.python_version()}, polars {metadata.version('polars')}, {version}"
    )


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name"))
    return next(names, platform.machine())


def bench(rows: list[str], logs: Logs, runs: int) -> dict[str, Measured]:
    """Measures all that the rows need, round by round."""
    keys = [key for name in rows if not obstacle(ROWS[name]) for key in (ROWS[name].run, ROWS[name].other) if key]
    # the logs first: a round should not wait for them
    for key in dict.fromkeys(keys):
        log = RUNS[key].log
        if log is not None:
            logs.path(log)
    check(rows, logs)
    measured: dict[str, Measured] = defaultdict(Measured)
    for number in range(runs):
        tell(f"round {number + 1} of {runs}")
        for key in dict.fromkeys(keys):
            measure(RUNS[key], logs, measured[key])
    return measured


def main() -> None:
    """Measures, and prints the table."""
    parser = argparse.ArgumentParser(description="Measures logpool against other programs, and prints a table.")
    parser.add_argument("--lines", type=int, default=LINES, help="of G; the other logs are as long, or as large")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="keeps the logs, and uses those that are there")
    parser.add_argument("--only", nargs="+", choices=ROWS, metavar="ROW", help=f"of {', '.join(ROWS)}")
    parser.add_argument("--ten", action="store_true", help="ten times G, too, which takes 9 GB of disk")
    asked = parser.parse_args()
    rows = asked.only or [name for name in ROWS if name != ON_DEMAND]
    if asked.ten and ON_DEMAND not in rows:
        rows.append(ON_DEMAND)
    with tempfile.TemporaryDirectory() as folder:
        kept = asked.folder or Path(folder)
        kept.mkdir(parents=True, exist_ok=True)
        measured = bench(rows, Logs(kept, asked.lines, asked.seed), asked.runs)
    lines = [machine(), "", f"G has {asked.lines:,} lines, seed {asked.seed}; medians of {asked.runs} runs."]
    if asked.lines != LINES:
        lines[-1] += f" The bars are for {LINES:,} lines."
    sys.stdout.write("\n".join([*lines, "", table(rows, measured), ""]))


if __name__ == "__main__":
    main()
