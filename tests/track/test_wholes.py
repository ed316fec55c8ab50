"""Taking whole uses and lives out of a batch: it changes nothing but the work."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpool.analysis import Analysis
from logpool.track import lifecycles
from logpool.track.tracked import Tracked
from logpool.track.wholes import CLOSED, CREATED, OTHER, RESET, RETURNED, TAKEN, Wholes, without_wholes

if TYPE_CHECKING:
    from logpool.report.model import Report

ROOT = Path(__file__).parents[2]
LOGS = sorted([*(ROOT / "samples").glob("*.log"), *(ROOT / "tests" / "versions").rglob("*.log")])
USE = [TAKEN, RETURNED, RESET]
LIFE = [CREATED, *USE, CLOSED]
LONG_LIFE = [CREATED, *USE, *USE, *USE, *USE, CLOSED]
NONE = pl.Series("key", [], dtype=pl.Int64)
# whole ones, and what breaks them
SEQUENCES = st.lists(
    st.sampled_from([USE, LIFE, LONG_LIFE, [CREATED], [TAKEN], [RETURNED], [RESET], [CLOSED], [OTHER]]), max_size=12
)


def nothing_taken(events: pl.DataFrame, known: pl.Series) -> Wholes:
    whole = without_wholes(events, known)
    before = pl.col("place").shift(1).over("key")
    rest = events.sort("key", maintain_order=True).select("key", "place", before=before, more=pl.lit(0, pl.Int64))
    return Wholes(whole.keys, whole.uses.clear(), whole.lives.clear(), rest)


def events_of(*roles: list[int]) -> pl.DataFrame:
    """The events of connections 1, 2 … that take turns."""
    turns = sorted((place, key, role) for key, own in enumerate(roles, 1) for place, role in enumerate(own))
    rows = [(key, role) for _, key, role in turns]
    table = pl.DataFrame(rows, schema={"key": pl.Int64, "role": pl.UInt8}, orient="row")
    return table.with_columns(place=pl.int_range(pl.len(), dtype=pl.UInt32))


def reported(path: Path, block_bytes: int) -> Report:
    return Analysis(str(path), block_bytes=block_bytes).report()


def tables(path: Path) -> list[pl.DataFrame]:
    """All that is brought to light, whatever the order in which it came."""
    tracked = list(Analysis(str(path), block_bytes=1 << 14).tracked())
    found = []
    for field in fields(Tracked):
        table = pl.concat([pl.DataFrame(getattr(one, field.name)) for one in tracked])
        found.append(table.sort(pl.all()))
    return found


@pytest.mark.parametrize("path", LOGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_nothing_changes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, expected_tables = reported(path, 1 << 14), tables(path)
    monkeypatch.setattr(lifecycles, "without_wholes", nothing_taken)
    assert reported(path, 1 << 24) == expected
    for one, other in zip(expected_tables, tables(path), strict=True):
        assert one.equals(other)


@given(sequences=st.lists(SEQUENCES, min_size=1, max_size=3), known=st.booleans())
@settings(deadline=None)
def test_every_event_counts_once(sequences: list[list[list[int]]], *, known: bool) -> None:
    events = events_of(*([role for part in own for role in part] for own in sequences))
    wholes = without_wholes(events, pl.Series("key", [1] if known else [], dtype=pl.Int64))
    assert wholes.rest.height + 3 * wholes.uses.height + 2 * wholes.lives.height == events.height
    assert wholes.rest["more"].sum() == wholes.uses.height - wholes.lives["uses"].sum()
    assert wholes.uses["fresh"].sum() == wholes.lives.height
    role = events["role"]
    assert set(role.gather(wholes.uses["begin"])) <= {TAKEN}
    assert set(role.gather(wholes.uses["end"])) <= {RETURNED}
    assert set(role.gather(wholes.lives["begin"])) <= {CREATED}
    assert set(role.gather(wholes.lives["end"])) <= {CLOSED}


def test_the_ends_of_a_row_of_uses_stay() -> None:
    wholes = without_wholes(events_of(USE * 5), NONE)
    assert wholes.rest["place"].to_list() == [0, 1, 2, 12, 13, 14]
    assert wholes.rest["more"].to_list() == [0, 0, 0, 3, 0, 0]
    assert wholes.uses["begin"].to_list() == [3, 6, 9]
    assert wholes.uses["end"].to_list() == [4, 7, 10]


def test_whole_lives_go() -> None:
    wholes = without_wholes(events_of(LIFE * 3), NONE)
    assert not wholes.rest.height
    assert wholes.lives.select("begin", "end").rows() == [(0, 4), (5, 9), (10, 14)]


def test_a_life_with_many_uses_goes() -> None:
    wholes = without_wholes(events_of([*LONG_LIFE, *LIFE]), NONE)
    assert not wholes.rest.height
    assert wholes.lives.select("begin", "back", "end", "uses").rows() == [(0, 12, 13, 4), (14, 17, 18, 1)]
    assert wholes.uses["fresh"].to_list() == [True, False, False, False, True]
    assert wholes.uses["before"].to_list() == [0, 3, 6, 9, 14]


@pytest.mark.parametrize("broken", range(len(LONG_LIFE)))
def test_a_life_that_lacks_an_event_stays(broken: int) -> None:
    own = [*LONG_LIFE[:broken], *LONG_LIFE[broken + 1 :]]
    assert not without_wholes(events_of(own), NONE).lives.height


def test_a_life_at_the_address_of_an_open_one_stays() -> None:
    events = events_of(LIFE * 2)
    assert without_wholes(events, pl.Series("key", [1], dtype=pl.Int64)).lives["begin"].to_list() == [5]


@pytest.mark.parametrize("after", [OTHER, TAKEN, RESET])
def test_a_life_that_goes_on_stays(after: int) -> None:
    assert not without_wholes(events_of([*LIFE, after]), NONE).lives.height


def test_connections_do_not_mix() -> None:
    wholes = without_wholes(events_of(USE * 4, USE * 3, LIFE), NONE)
    assert sorted(wholes.uses["key"]) == [1, 1, 2, 3]
