"""A million damaged lines: none may crash, and none may depend on how the log was cut into batches.

``python tests/benches/fuzz.py [LINES] [SEED]``, from the repository's root, with ``tests`` on the path.
"""

import sys
import tempfile
import time
from pathlib import Path

from fuzzing import damaged
from logpool import analyze
from logpool.errors import LogpoolError

ROOT = Path(__file__).parents[2]


def outcome(path: Path, block_bytes: int) -> object:
    """The report, or the error that a user would see."""
    try:
        return analyze(path, block_bytes=block_bytes)
    except LogpoolError as error:
        return error.message


def main() -> None:
    """Damages logs until so many lines were read."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    logs = [*(ROOT / "samples").glob("*.log"), *(ROOT / "tests" / "versions").glob("*.log")]
    begin, read, first = time.monotonic(), 0, seed
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.log"
        while read < wanted:
            log = b"".join(logs[(seed * 7 + part * 3) % len(logs)].read_bytes() for part in range(20))
            path.write_bytes(damaged(log, seed))
            if outcome(path, 1 << 20) != outcome(path, 100_000):
                sys.exit(f"seed {seed} gives different results in different batches")
            read += log.count(b"\n")
            seed += 1
    print(f"{read:,} lines of {seed - first} logs in {time.monotonic() - begin:.0f} s: no crash, no difference")  # noqa: T201


if __name__ == "__main__":
    main()
