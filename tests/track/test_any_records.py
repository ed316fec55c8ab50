"""Whatever records stand in a log, in whatever order, no figure is less than nothing, or more than all."""

from dataclasses import astuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from logpool import analyze

CONNECTIONS = [f"<sqlite3.Connection object at 0x7f00000000{number}0>" for number in range(2)]
MESSAGES = [
    "Created new connection {}",
    "Connection {} checked out from pool",
    "Connection {} being returned to pool",
    "Connection {} rollback-on-return",
    "Connection {} reset, transaction already reset",
    "Exception during reset or similar",
    "Invalidate connection {} (reason: OperationalError:gone)",
    "Closing connection {}",
    "Hard-closing connection {}",
    "The garbage collector is trying to clean up non-checked-in connection {}, which will be terminated.  Please",
    "The garbage collector is trying to clean up non-checked-in connection {}, which will be dropped, as it cannot be",
]
CREATED, TAKEN, RETURNED, RESET, _ALREADY, FAILED, THROWN, _CLOSED, HARD, TERMINATED, _DROPPED = range(len(MESSAGES))


@pytest.mark.parametrize("pool", ["QueuePool", "StaticPool"])
@settings(max_examples=25)
@given(
    said=st.lists(st.tuples(st.integers(0, len(MESSAGES) - 1), st.sampled_from(CONNECTIONS)), max_size=30),
    times=st.integers(1, 2),
    size=st.integers(1, 400),
)
@example(said=[(what, CONNECTIONS[0]) for what in (CREATED, TAKEN, RETURNED, RESET, FAILED, THROWN)], times=2, size=99)
@example(said=[(what, CONNECTIONS[0]) for what in (RESET, FAILED, THROWN)], times=1, size=99)
@example(
    said=[(what, CONNECTIONS[0]) for what in (TAKEN, RETURNED, RESET, FAILED, THROWN, RESET, FAILED, THROWN)],
    times=1,
    size=9,
)
@example(
    said=[(what, CONNECTIONS[0]) for what in (CREATED, TAKEN, RETURNED, HARD, TERMINATED, TERMINATED)], times=1, size=99
)
@example(said=[(what, CONNECTIONS[0]) for what in (TERMINATED, RETURNED)], times=1, size=1)
@example(said=[(what, CONNECTIONS[0]) for what in (TERMINATED, RETURNED)], times=2, size=50)
def test_figures_stay_within_bounds(
    pool: str, said: list[tuple[int, str]], times: int, size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("any") / "any.log"
    lines = [f"DEBUG:sqlalchemy.pool.impl.{pool}:{MESSAGES[what].format(connection)}\n" for what, connection in said]
    lines = ["INFO:sqlalchemy.pool.impl.QueuePool:Pool recreating\n", *lines, *["INFO:app:idle\n"] * 3]
    path.write_text("".join(line for line in lines for _ in range(times)), "utf-8")
    found = analyze(path)
    for figures in (*found.pools, found.totals):
        assert 0 <= figures.sequence.complete <= figures.checkouts
        assert all(count >= 0 for count in astuple(figures.ends))
        assert figures.resets.none >= 0
    assert found == analyze(path, block_bytes=size)
