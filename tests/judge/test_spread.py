"""How long connections are held, stretch by stretch: one entry per pool, in the order of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logpool import analyze

if TYPE_CHECKING:
    from pathlib import Path

SAID = ("Created new connection {0}", "Connection {0} checked out from pool", "Connection {0} being returned to pool")
LAYOUTS = {
    "NullPool": "2024-01-01 12:00:0{second},000 - sqlalchemy.pool.impl.NullPool - DEBUG - {message}\n",
    # a longer time, so that these lines are cut first where both stand in a block
    "QueuePool": "2024-01-01T12:00:1{second}.000000+00:00 DEBUG sqlalchemy.pool.impl.QueuePool {message}\n",
}


def test_pools_stand_in_the_order_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "two.log"
    log.write_text(
        "".join(
            layout.format(second=second, message=message.format(f"<pyodbc.Connection object at 0x{len(pool)}>"))
            for pool, layout in LAYOUTS.items()
            for second, message in enumerate(SAID)
        )
    )
    whole = analyze(log)
    assert [counts.pool for counts in whole.holds] == [f"sqlalchemy.pool.impl.{pool}" for pool in LAYOUTS]
    assert analyze(log, block_bytes=200) == whole
