"""Taking whole uses and lives out of a batch: it changes nothing but the work."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpool.analysis import Analysis
from logpool.native.steps import Steps
from logpool.track import lifecycles
from logpool.track.found import Checkouts, Lives, Tracked
from logpool.track.wholes import CLOSED, CREATED, OTHER, RESET, RETURNED, TAKEN, Wholes, without_wholes

if TYPE_CHECKING:
    from logpool.report.model import Report

ROOT = Path(__file__).parents[2]
LOGS = sorted([*(ROOT / "samples").glob("*.log"), *(ROOT / "tests" / "versions").rglob("*.log")])
USE = [TAKEN, RETURNED, RESET]
LIFE = [CREATED, *USE, CLOSED]
LONG_LIFE = [CREATED, *USE, *USE, *USE, *USE, CLOSED]
# an event's shape is its role here
ROLES = pl.Series(range(OTHER + 1), dtype=pl.UInt8)
BASES = pl.zeros(OTHER + 1, dtype=pl.Int64, eager=True)
# whole ones, and what breaks them
SEQUENCES = st.lists(
    st.sampled_from([USE, LIFE, LONG_LIFE, [CREATED], [TAKEN], [RETURNED], [RESET], [CLOSED], [OTHER]]), max_size=12
)


def taken(events: pl.DataFrame, *known: int) -> Wholes:
    return without_wholes(events, ROLES, BASES, pl.Series(known, dtype=pl.Int64))


def nothing_taken(events: pl.DataFrame, roles: pl.Series, bases: pl.Series, known: pl.Series) -> Wholes:
    return without_wholes(events, roles.clip(0, 1) * OTHER, bases, known)


def events_of(*roles: list[int]) -> pl.DataFrame:
    """The events of connections 1, 2 … that take turns."""
    turns = sorted((place, key, role) for key, own in enumerate(roles, 1) for place, role in enumerate(own))
    rows = [(key, role) for _, key, role in turns]
    return pl.DataFrame(rows, schema={"connection": pl.UInt32, "shape": pl.UInt32}, orient="row")


def reported(path: Path, block_bytes: int) -> Report:
    return Analysis(str(path), block_bytes=block_bytes).report()


def tables(path: Path) -> list[pl.DataFrame]:
    """All that is brought to light, whatever the order in which it came."""
    tracked = list(Analysis(str(path), block_bytes=1 << 14).tracked())
    found = []
    # the course of times is no table; and of those created only the lives that are no whole ones count
    for field in (field for field in fields(Tracked) if field.name not in {"course", "created"}):
        parts = [_table(part) for one in tracked if (part := getattr(one, field.name)) is not None]
        found.append(pl.concat(parts).sort(pl.all()))
    return found


def most_records(path: Path) -> dict[int, int]:
    """The most events in one checkout of each group."""
    most: Counter[int] = Counter()
    for tracked in Analysis(str(path), block_bytes=1 << 14).tracked():
        most |= Counter(tracked.checkouts.records())
    return most


def _table(part: Checkouts | Lives | Steps | pl.DataFrame | pl.Series | tuple[int, ...]) -> pl.DataFrame:
    if isinstance(part, Steps):
        return part.table()
    return part.table if isinstance(part, Checkouts | Lives) else pl.DataFrame(part)


@pytest.mark.parametrize("path", LOGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_nothing_changes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, expected_tables, expected_records = reported(path, 1 << 14), tables(path), most_records(path)
    monkeypatch.setattr(lifecycles, "without_wholes", nothing_taken)
    assert reported(path, 1 << 24) == expected
    assert most_records(path) == expected_records
    for one, other in zip(expected_tables, tables(path), strict=True):
        assert one.equals(other)


@given(sequences=st.lists(SEQUENCES, min_size=1, max_size=3), known=st.booleans())
def test_every_event_counts_once(sequences: list[list[list[int]]], *, known: bool) -> None:
    events = events_of(*([role for part in own for role in part] for own in sequences))
    wholes = taken(events, *([1] if known else []))
    assert wholes.rest.height + 3 * wholes.uses.height + 2 * wholes.lives.height == events.height
    assert wholes.rest["more"].sum() == wholes.uses.height - wholes.lives["uses"].sum()
    assert wholes.uses["fresh"].sum() == wholes.lives.height
    role = events["shape"]
    assert set(role.gather(wholes.uses["begin"])) <= {TAKEN}
    assert set(role.gather(wholes.uses["end"])) <= {RETURNED}
    assert set(role.gather(wholes.lives["begin"])) <= {CREATED}
    assert set(role.gather(wholes.lives["end"])) <= {CLOSED}


def test_the_ends_of_a_row_of_uses_stay() -> None:
    wholes = taken(events_of(USE * 5))
    assert wholes.rest["place"].to_list() == [0, 1, 2, 12, 13, 14]
    assert wholes.rest["more"].to_list() == [0, 0, 0, 3, 0, 0]
    assert wholes.uses["begin"].to_list() == [3, 6, 9]
    assert wholes.uses["end"].to_list() == [4, 7, 10]


def test_whole_lives_go() -> None:
    wholes = taken(events_of(LIFE * 3))
    assert not wholes.rest.height
    assert wholes.lives.select("begin", "end").rows() == [(0, 4), (5, 9), (10, 14)]


def test_a_life_with_many_uses_goes() -> None:
    wholes = taken(events_of([*LONG_LIFE, *LIFE]))
    assert not wholes.rest.height
    assert wholes.lives.select("begin", "back", "end", "uses").rows() == [(0, 12, 13, 4), (14, 17, 18, 1)]
    assert wholes.uses["fresh"].to_list() == [1, 0, 0, 0, 1]
    assert wholes.uses["before"].to_list() == [0, 3, 6, 9, 14]


@pytest.mark.parametrize("broken", range(len(LONG_LIFE)))
def test_a_life_that_lacks_an_event_stays(broken: int) -> None:
    own = [*LONG_LIFE[:broken], *LONG_LIFE[broken + 1 :]]
    assert not taken(events_of(own)).lives.height


def test_a_life_at_the_address_of_an_open_one_stays() -> None:
    events = events_of(LIFE * 2)
    assert taken(events, 1).lives["begin"].to_list() == [5]


@pytest.mark.parametrize("after", [OTHER, TAKEN, RESET])
def test_a_life_that_goes_on_stays(after: int) -> None:
    assert not taken(events_of([*LIFE, after])).lives.height


def test_connections_do_not_mix() -> None:
    wholes = taken(events_of(USE * 4, USE * 3, LIFE))
    assert sorted(wholes.uses["connection"]) == [1, 1, 2, 3]
