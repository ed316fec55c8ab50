"""What was read of one log, besides its events."""

from __future__ import annotations

from collections import Counter
from dataclasses import field

from logpool.classes import dataclass


@dataclass()
class Reading:
    """What was read of one source so far.

    Attributes:
        path: the source.
        files: that it consists of, oldest first.
        size: bytes, decompressed.
        lines: lines.
        events: pool events, timings and timeouts.
        pool_lines: pool events, those too that say again what others say.
        doubled_lines: these.
        timing_lines: the experiment's own lines.
        unrecognised_lines: heads on a pool logger that the grammar does not know.
        layouts: how many of the pool's records stand in which layout.
        offset: of its times from UTC, in seconds; None where they are local, or unknown.
        first_time: of its first line with a time, microseconds.
        last_time: of its last.
        newest_first: whether the newest line stands first.
        unrecognised: the first few of them, with the numbers of their files and lines.
        torn: the files whose last lines are cut, with those lines.
        samples: its first few lines, to show where nothing was understood.
    """

    path: str
    files: tuple[str, ...] = ()
    size: int = 0
    lines: int = 0
    events: int = 0
    pool_lines: int = 0
    doubled_lines: int = 0
    timing_lines: int = 0
    unrecognised_lines: int = 0
    layouts: Counter[str] = field(default_factory=Counter)
    offset: int | None = None
    first_time: int | None = None
    last_time: int | None = None
    newest_first: bool = False
    unrecognised: list[tuple[int, int, str]] = field(default_factory=list)
    torn: list[tuple[int, int]] = field(default_factory=list)
    samples: list[str] = field(default_factory=list)
