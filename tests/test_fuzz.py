"""Damaged logs: lines mutated, cut, repeated, shuffled, glued. Never a crash, and the same result however batched.

The long run, a million lines, is ``python tests/benches/fuzz.py``.
"""

from pathlib import Path

import pytest

from fuzzing import damaged
from logpool import Report, analyze
from logpool.errors import LogpoolError
from logpool.judge.books import imbalances

SAMPLES = sorted((Path(__file__).parents[1] / "samples").glob("*.log"))
VERSIONS = sorted((Path(__file__).parent / "versions").glob("*.log"))


def outcome(path: Path, block_bytes: int) -> Report | str:
    try:
        return analyze(path, block_bytes=block_bytes)
    except LogpoolError as error:
        return error.message


@pytest.mark.parametrize("seed", range(12))
def test_damage_never_crashes_and_never_depends_on_batches(seed: int, tmp_path: Path) -> None:
    log = (SAMPLES + VERSIONS)[seed * 5 % len(SAMPLES + VERSIONS)]
    path = tmp_path / "damaged.log"
    path.write_bytes(damaged(log.read_bytes(), seed))
    whole = outcome(path, 1 << 20)
    assert whole == outcome(path, 3000)
    if isinstance(whole, Report):
        for pool in whole.pools:
            said = {finding.pool for finding in whole.findings if finding.code == "books_unbalanced"}
            assert bool(imbalances(pool)) == (pool.logger in said)
