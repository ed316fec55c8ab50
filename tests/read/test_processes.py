"""A number around a message is a process only where a connection's events make sense with it."""

import random
import re
from collections.abc import Iterator

import pytest

from logpool.analysis import Analysis
from logpool.read import processes
from logpool.read.around import PROCESSES
from logpool.read.heads import read_head

POOL = "sqlalchemy.pool.impl.QueuePool"
STEPS = ("checked out from pool", "being returned to pool", "reset, transaction already reset")


def uses(chance: random.Random, count: int, connections: int = 4) -> Iterator[tuple[int, str]]:
    """Messages of one process's pool, each with the number of its connection: uses overlap."""
    steps = dict.fromkeys(range(connections), 0)
    for number in steps:
        yield number, f"Created new connection <sqlite3.Connection object at 0x7f0{number}>"
    for _ in range(count):
        number = chance.randrange(connections)
        yield number, f"Connection <sqlite3.Connection object at 0x7f0{number}> {STEPS[steps[number] % 3]}"
        steps[number] += 1


def analyzed(tmp_path: object, lines: list[str], block_bytes: int = 1 << 20) -> tuple[set[str | None], set[str], str]:
    path = f"{tmp_path}/pool.log"
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - a path as users give it
        file.writelines(f"{line}\n" for line in lines)
    analysis = Analysis(path, block_bytes=block_bytes)
    report = analysis.report()
    found = {process for _, process, _ in analysis.vocabulary.groups}
    codes = {finding.code for finding in report.findings} - {"left_out_at_end", "held_too_long"}
    return found, codes, report.sources[0].layout or ""


def line_of(number: int, text: str, head: str) -> str:
    return f"2024-01-01 12:{number // 60 % 60:02}:{number % 60:02},000 DEBUG {POOL} {head} {text}"


@pytest.mark.parametrize(
    "head", ["[{0}]", "[{0}/{1}]", "({0}/{1})", "[{0}:abc]", "p={0}", "{0} MainThread", "[{0}] <user-{1}>", "pid {0}"]
)
@pytest.mark.parametrize("values", [9, 10**6])
def test_a_number_that_comes_and_goes_is_none(head: str, values: int, tmp_path: object) -> None:
    chance = random.Random(values)  # noqa: S311 - lines, no secret
    told = [
        line_of(number, text, head.format(100 + chance.randrange(values), chance.randrange(values)))
        for number, (_, text) in enumerate(uses(chance, 900))
    ]
    assert analyzed(tmp_path, told)[:2] == ({None}, set())


@pytest.mark.parametrize("head", ["[{0}]", "[{0}/{1}]", "({0}:worker)", "pid={0}", "{0} MainThread", "[{0}] [200]"])
@pytest.mark.parametrize("shared", [False, True])
def test_a_process_is_one(head: str, tmp_path: object, *, shared: bool) -> None:
    # forked ones know their connections by the same addresses
    chance = random.Random(7)  # noqa: S311 - lines, no secret
    mine = [uses(chance, 400), uses(chance, 400)]
    told: list[str] = []
    while mine:
        one = chance.randrange(len(mine))
        try:
            number, text = next(mine[one])
        except StopIteration:
            break
        text = text if shared else text.replace("0x7f0", f"0x7f{one}")
        told.append(line_of(len(told), text, head.format(4711 + one, number)))
    found, codes, _ = analyzed(tmp_path, told)
    assert found == {"4711", "4712"}
    assert not codes & {"sequence_violation", "books_unbalanced", "mixed_processes"}


def test_one_number_is_a_process_and_another_is_none(tmp_path: object) -> None:
    chance = random.Random(8)  # noqa: S311 - lines, no secret
    told = [
        line_of(number, text, f"pid=4711 [{chance.choice([200, 404, 500])}]")
        for number, (_, text) in enumerate(uses(chance, 600))
    ]
    assert analyzed(tmp_path, told)[:2] == ({"4711"}, set())


def of_forked(chance: random.Random, count: int) -> Iterator[tuple[int, int, str]]:
    """Messages of two processes that know their connections by the same addresses: whose, in which use, and what."""
    mine = [uses(chance, count), uses(chance, count)]
    used = dict.fromkeys(((one, number) for one in range(2) for number in range(4)), 0)
    for one in (chance.randrange(2) for _ in range(3 * count)):
        number, text = next(mine[one], (0, ""))
        if not text:
            return
        used[one, number] += "checked out" in text
        yield one, 100 * number + used[one, number], text


# where a number may stand that is a process only if this explains the log
GUESSED = [
    "- {0} - MyApp -",
    "| {0} |",
    "; {0};",
    "({0})",
    "<{0}>",
    '"{0}"',
    "#{0}",
    "P{0} T1",
    "MainProcess {0} [a]",
    "worker-{0}",
    "SpawnProcess-{0} MyThread",
]


@pytest.mark.parametrize("head", GUESSED)
def test_a_number_that_explains_the_log_is_a_process(head: str, tmp_path: object) -> None:
    chance = random.Random(11)  # noqa: S311 - lines, no secret
    told = [
        line_of(number, text, head.format(4711 + one)) for number, (one, _, text) in enumerate(of_forked(chance, 200))
    ]
    found, codes, _ = analyzed(tmp_path, told)
    name = next(iter(re.findall(r"\w+-(?={)", head)), "")
    assert found == {f"{name}4711", f"{name}4712"}
    assert not codes & {"sequence_violation", "books_unbalanced", "mixed_processes"}


def test_what_stern_prints_of_a_stateful_set_tells_pods_apart(tmp_path: object) -> None:
    chance = random.Random(13)  # noqa: S311 - lines, no secret
    told = [
        f"web-{one} app {line_of(number, text, '')}" for number, (one, _, text) in enumerate(of_forked(chance, 200))
    ]
    found, codes, _ = analyzed(tmp_path, told)
    assert found == {"web-0", "web-1"}
    assert not codes & {"sequence_violation", "books_unbalanced", "mixed_processes"}


@pytest.mark.parametrize("head", GUESSED[::3])
@pytest.mark.parametrize("kind", ["thread", "request", "attempt", "status", "line", "constant"])
@pytest.mark.parametrize("mixed", [False, True])
def test_a_number_that_explains_nothing_is_none(head: str, kind: str, tmp_path: object, *, mixed: bool) -> None:
    chance = random.Random(12)  # noqa: S311 - lines, no secret
    told = []
    for number, (one, use, text) in enumerate(of_forked(chance, 200)):
        if one and not mixed:
            continue
        value = {
            # each has some of its own, and takes any connection
            "thread": 100 + 10 * one + use % 3,
            "request": 1000 * one + use,
            "attempt": 1 + (use % 7 == 0),
            "status": chance.choice([200, 404, 500]),
            "line": len(text),
            "constant": 7,
        }[kind]
        told.append(line_of(number, text, head.format(value)))
    found, codes, _ = analyzed(tmp_path, told)
    assert found == {None}
    assert mixed == ("sequence_violation" in codes)


@pytest.mark.parametrize("block_bytes", [100, 5000, 1 << 23])
def test_blocks_do_not_matter(block_bytes: int, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    # the begin of the log, which tells it, ends within a block
    monkeypatch.setattr(processes, "_BEGIN_BYTES", 20_000)
    monkeypatch.setattr(processes, "_LOT_LINES", 50)
    chance = random.Random(9)  # noqa: S311 - lines, no secret
    told = [
        line_of(number, text, f"[{4711 if number < 100 else chance.randrange(100, 600)}]")
        for number, (_, text) in enumerate(uses(chance, 300))
    ]
    assert analyzed(tmp_path, told, block_bytes)[:2] == ({None}, set())


def test_what_no_number_may_name_is_read_without() -> None:
    line = f"\x01 DEBUG {POOL} [4711:worker] pid=12 Connection <x object at 0x1> being returned to pool"
    named = {one: read_head(line, (one,)) for one in PROCESSES}
    told = {one: head.record.process for one, head in named.items() if head is not None}
    assert told == {"alone": None, "called": "12", "before": None, "first": "4711", "other": None}
    assert (nothing := read_head(line, ())) is not None
    assert (nothing.record.process, nothing.record.thread) == (None, None)


@pytest.mark.parametrize(
    "layout",
    [
        "{time} DEBUG [sqlalchemy.pool.impl.QueuePool:{line}][{thread}] {message}",
        "{time}|4711|{thread}|DEBUG|sqlalchemy.pool.impl.QueuePool|{message}",
        "{time} DEBUG sqlalchemy.pool.impl.QueuePool {line} {thread} {message}",
    ],
)
def test_a_number_beside_the_main_thread_only_is_none(layout: str, tmp_path: object) -> None:
    chance = random.Random(1)  # noqa: S311 - lines, no secret
    lines = []
    for number, (_, text) in enumerate(uses(chance, 300)):
        thread = "MainThread" if number > 290 else f"worker_{number % 3}"
        time = f"2024-01-01 12:{number // 60:02}:{number % 60:02},000"
        lines.append(layout.format(time=time, line=700 + len(text), thread=thread, message=text))
    assert analyzed(tmp_path, lines)[0] == {None}


def test_processes_may_be_shown_from_some_line_on(tmp_path: object) -> None:
    chance = random.Random(3)  # noqa: S311 - lines, no secret
    told = [
        line_of(number, text, f"[{4711 + one}]" if number > 40 else "")
        for number, (one, _, text) in enumerate(of_forked(chance, 200))
    ]
    assert {"4711", "4712"} < analyzed(tmp_path, told)[0]
