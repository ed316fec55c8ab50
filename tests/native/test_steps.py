"""Steps, and what is told of them, are what a few slow lines of Python make of the events."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from stepping import EVENT, LABELS, THREADS, TIMES, steps_of

from logpool.native.events import Events
from logpool.native.steps import Steps
from logpool.track.tracked import STEP as STEP_COLUMNS

GROUPS = pl.Series([7, 0, 3], dtype=pl.UInt32)


@given(st.data())
def test_steps_come_in_order(data: st.DataObject) -> None:
    size, first = data.draw(st.integers(0, 30)), data.draw(st.integers(0, 1000))
    shapes = data.draw(st.lists(st.integers(0, 2), min_size=size, max_size=size))
    times = data.draw(st.lists(TIMES, min_size=size, max_size=size))
    threads = data.draw(st.lists(THREADS, min_size=size, max_size=size))
    events = [(shapes[place], times[place], 2 * place, place % 3, threads[place]) for place in range(size)]
    places = data.draw(st.permutations(range(size)))
    uses, lives = data.draw(st.integers(0, size // 6)), data.draw(st.integers(0, size // 6))
    pairs = [sorted(places[2 * number : 2 * number + 2]) for number in range(uses + lives)]
    others = places[2 * (uses + lives) :]
    drawn = st.tuples(*[st.integers(0, 2)] * 2, st.integers(-2, 2), st.none() | LABELS, st.none() | LABELS)
    changes = [data.draw(drawn) for _ in others]
    expected: dict[int, tuple[int, int, int, int | None, int | None]] = {}
    for begin, end in pairs[:uses]:
        whose = first + begin, threads[begin]
        expected[begin], expected[end] = (0, 0, 1, *whose), (0, 0, -1, *whose)
    for begin, end in pairs[uses:]:
        expected[begin], expected[end] = (1, 0, 0, None, None), (0, 1, 0, None, None)
    for place, (opened, closed, out, begin, thread) in zip(others, changes, strict=True):
        if opened or closed or out:
            expected[place] = (opened, closed, out, *((begin, thread) if out else (None, None)))
    ends = {"begin": pl.UInt32, "end": pl.UInt32}
    columns = {"place": pl.UInt32, "opened": pl.Int8, "closed": pl.Int8, "out": pl.Int8}
    columns |= {"out_seq": pl.Int64, "out_thread": pl.UInt32}
    batch = Events(pl.DataFrame(events, schema=EVENT, orient="row"), first, GROUPS)
    steps = Steps(
        batch,
        pl.DataFrame(pairs[:uses], schema=ends, orient="row"),
        pl.DataFrame(pairs[uses:], schema=ends, orient="row"),
        pl.DataFrame([(place, *change) for place, change in zip(others, changes, strict=True)], columns, orient="row"),
    )
    found = steps.table()
    assert found.schema == STEP_COLUMNS
    assert found.rows() == [
        (first + place, GROUPS.to_list()[shape], *rest, *expected[place])
        for place, (shape, *rest, _) in enumerate(events)
        if place in expected
    ]
    assert steps.balance() == sum(opened - closed for opened, closed, *_ in expected.values())
    followed = data.draw(st.lists(st.integers(first - 1, first + size), min_size=1, max_size=9))
    assert steps.opened(followed).rows() == [
        (group, first + place)
        for place, group in enumerate(GROUPS[shapes] if shapes else ())
        if place in expected and expected[place][0]
        if group < len(followed) and first + place > followed[group]
    ]


HELD = {"group": pl.UInt32, "out_thread": pl.UInt32, "out_seq": pl.Int64}


@given(st.data())
@settings(max_examples=300)
def test_threads_that_have_one_checkout_at_once(data: st.DataObject) -> None:
    first = 50
    before = data.draw(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2)), unique=True, max_size=3))
    held = {(group, thread): [number] for number, (group, thread) in enumerate(before)}
    under_way = {key: list(begins) for key, begins in held.items()}
    rows: list[tuple[int, int, int | None, int | None]] = []
    is_apart = True
    for place in range(data.draw(st.integers(0, 12))):
        group, thread, out = data.draw(st.tuples(st.integers(0, 1), st.integers(0, 2), st.sampled_from([1, -1, 0])))
        begins = under_way.setdefault((group, thread), [])
        begin = first + place if out > 0 else data.draw(st.sampled_from([*begins, 7]))
        shown = data.draw(st.sampled_from([thread, thread, thread, None]))
        rows.append((group, out, begin, shown))
        if shown is None:
            continue
        if out > 0:
            begins.append(begin)
            is_apart &= len(begins) == 1
        elif out < 0 and begin in begins:
            begins.remove(begin)
    schema = {"group": pl.UInt32, "out": pl.Int8, "out_seq": pl.Int64, "out_thread": pl.UInt32}
    steps = steps_of(pl.DataFrame(rows, schema=schema, orient="row"), first)
    open_before = pl.DataFrame([(*key, begin) for key, (begin,) in held.items()], schema=HELD, orient="row")
    found = steps.apart(open_before)
    assert (found is not None) == is_apart
    if found is not None:
        left = [(*key, begins[0]) for key, begins in under_way.items() if begins]
        assert sorted(found.rows()) == sorted(left)
