"""Numbers and words that do not matter to a pool change nothing, and take no time; those that do are kept."""

import random
from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reading import all_of

from logpool.native.cutting import Out
from logpool.native.variables import Pattern, Words, variables_of
from logpool.read import numbering
from logpool.read.cuts import Cut, cut_of
from logpool.read.formats import head_reader
from logpool.read.lexicon import words_of
from logpool.read.patterns import SAMPLES, pattern_of
from logpool.read.rests import Rest
from logpool.read.vocabulary import Reader, Vocabulary

POOL = "sqlalchemy.pool.impl.QueuePool"
TAKEN = "Connection <asyncpg.Connection object at 0x7f01> checked out from pool"
# what production logs write around a message; {0}, {1} and {2} are numbers
LAYOUTS = [
    "2024-01-01 12:00:00,000 [{0}] [Thread-{1} (process_request_thread)] DEBUG {logger}: {message}",
    "2024-01-01 12:00:00,000 [{0}] [Dummy-{1}] DEBUG {logger}: {message}",
    "2024-01-01 12:00:00,000 [Dummy-{1}] [{0}] DEBUG {logger}: {message}",
    "2024-01-01 12:00:00,000 [ThreadPoolExecutor-{0}_{1}] DEBUG {logger} task={2} {message}",
    "2024-01-01 12:00:00,000 {0} DEBUG {logger} [req{1}] {message}",
    "2024-01-01 12:00:00,000 DEBUG {logger} pool.py:{2} {message} took {0}.{1} ms",
    "{0} 2024-01-01 12:00:00,000 DEBUG {logger} {message}",
    "[2024-01-01 12:00:00,000: DEBUG/ForkPoolWorker-{1}] {logger}: {message}",
    "DEBUG 2024-01-01 12:00:00,000 base {0} {1} {message}",
    "2024-01-01T12:00:00Z web-{0} app[{1}]: DEBUG:{logger}:{message}",
    '{{"asctime": "2024-01-01T12:00:00Z", "name": "{logger}", "message": "{message}", "thread": 1{0}, "n": 1{1}}}',
    '{{"asctime": "2024-01-01T12:00:00Z", "name": "{logger}", "message": "{message}", "threadName": "T\\u00e9-{0}"}}',
    '{{"asctime": "2024-01-01T12:00:00Z", "name": "{logger}", "message": "{message}", "pid": {1}, "n": [1{0}, 1{2}]}}',
    'time="2024-01-01T12:00:00Z" level=DEBUG logger={logger} thread=worker-{0} n={1} message="{message}" user={2}',
    '{{"asctime": "2024-01-01T12:00:00Z", "name": "{logger}", "message": "{message}", "at": "2024-01-01T1{0}:{1}Z"}}',
    "2024-01-01 12:00:00,000 [{0}ms v{1}x{2}] DEBUG {logger}: <Task at 0x{1}f{0}> {message}",
    "{logger} {0} {message}",
    "2024-01-01 12:00:00,000 DEBUG {logger} {message} at {0}:{1}:{2}",
]
MESSAGES = [
    "Created new connection <sqlite3.Connection object at 0x7f0{0}>",
    "Connection <sqlite3.Connection object at 0x7f0{0}> checked out from pool",
    "Connection <Connection(Thread-{0}, started daemon {1})> being returned to pool",
    "Connection <Mine host={0}> reset, transaction already reset",
    "Connection <Mine {1} at 0x7f0{0}> reset, transaction already reset",
    "Connection <Mine a{1}b at 0x{0}> reset, transaction already reset",
    "Invalidate connection <sqlite3.Connection object at 0x7f0{0}> (reason: OperationalError:lost {1})",
    "QueuePool limit of size {0} overflow {1} reached, connection timed out, timeout 30.00",
    "Pool disposed. Pool size: {0}  Connections in pool: {1} Current Overflow: {2} Current Checked out connections: 0",
    "Time taken: 0.{0} seconds.",
    "Pool status of {0}",
]
NUMBERS = st.sampled_from(
    [
        "0",
        "3",
        "7",
        "07",
        "12",
        "42",
        "71",
        "404",
        "1999",
        "2024",
        "4242",
        "71827",
        "1234567",
        "12345678",
        "1704110400",
        "140374585935424",
    ]
)
MARKS = st.sampled_from([chr(mark) for mark in (0x07, 0x08, *range(0x0E, 0x1B))])


# words that tell something somewhere, and such as do nowhere; and what is none
WORDS = st.sampled_from(
    [
        *(
            "alice",
            "Bob",
            "a",
            "Z",
            "x9",
            "3f",
            "web-1",
            "acme_corp-7",
            "-a-",
            "josé",
            "жанна",
            "O'Brien",
            "a.b",
            "f(x)",
        ),
        *("/4711/140374585935424", "/sqlalchemy.pool/x", "/app/x.py", "/app/x.py:12", "/a/7f00d596e/é", "/", "//", "@"),
        *("http://x.y:8080/a?b=1", "x://4711", "4711@x", "MainThread@1", "10.0.0.12", "10.0.0.1:4711"),
        *("08:af:08:59:66:84", "fe80::12:34:56", "1::a:12", "/1704110400.123", "x://12:00:00"),
        *("j.doe@example.com", "/api/v1/orders", "a b c", "q=1", "true", "12", "7:5", "10:11", "x=3 y", "\\\\n", "é-1"),
        *(
            "MainThread",
            "Dummy",
            "worker",
            "Thread-x",
            "pid",
            "p",
            "process",
            "DEBUG",
            "info",
            "name",
            "logger",
            "message",
        ),
        *(
            "Connection",
            "QueuePool",
            "my.MyPool",
            "sqlalchemy",
            "OperationalError",
            "closing",
            "Level",
            "Jan",
            "time",
            "t",
        ),
    ]
)
WORDY = [
    *LAYOUTS,
    "2024-01-01 12:00:00,000 [{1}] {0} DEBUG {logger}: {message}",
    "2024-01-01 12:00:00,000 DEBUG {logger} {0} {message}",
    "2024-01-01 12:00:00,000 DEBUG {logger} [{0}] {message} user={1} ip={2}.4.5.6",
    "2024-01-01 12:00:00,000 [{0}/{1}] DEBUG {logger} {message} /{1}/{2}?{0}={1}",
    "2024-01-01 12:00:00,000 [{0}:{1}] DEBUG {logger} [{2}.{0}] {message}",
    "2024-01-01 12:00:00,000 {0}/{1}: DEBUG {logger} {message} at {2}:{0}:{1}",
    "2024-01-01 12:00:00,000 {0} MainThread {1} 4711 DEBUG {logger}: {message}",
    "2024-01-01 12:00:00,000 [{0} {1}] ({2} Thread-1) DEBUG {logger} {message}",
    "2024-01-01 12:00:00,000 [4711 {0}] DEBUG {logger} <{1},{2}> {message}",
    "{0} 2024-01-01 12:00:00,000 DEBUG {logger} {1}={2} {message}",
    "{0}  | 2024-01-01 12:00:00,000 DEBUG {logger}: {message}",
    "2024-01-01T12:00:00Z {0} {1}[42]: DEBUG:{logger}:{message}",
    "2024-01-01T12:00:00Z {0} DEBUG {1} {2} {message}",
    "2024-01-01 12:00:00,000 DEBUG [{logger}] [{0}-{1}] {message} ({2})",
    '{{"time": "2024-01-01T12:00:00Z", "name": "{logger}", "message": "{message}", "user": "{0}", "{1}": "{2}"}}',
    '{{"time": "2024-01-01T12:00:00Z", "name": "{logger}", "msg": "{message}", "threadName": "{0}-{1}", "{2}": {{}}}}',
    "2024-01-01 12:00:00,000 {0}:{1}:{2} DEBUG {logger}: {message}",
    "2024-01-01T12:00:00Z {0}: {message}",
    "2024-01-01 12:00:00,000 DEBUG {0} {message}",
    "2024-01-01 12:00:00,000 [4242] [{0} (worker)] DEBUG {logger}: {message} {1}",
    'time="2024-01-01T12:00:00Z" level=DEBUG logger={logger} {0}={1} message="{message}" user="{2}"',
]


@st.composite
def lines_with_numbers(
    draw: st.DrawFn, numbers: st.SearchStrategy[str] = NUMBERS, among: Sequence[str] = LAYOUTS
) -> list[str]:
    layouts = draw(st.lists(st.sampled_from(among), min_size=1, max_size=3))
    lines = []
    for _ in range(draw(st.integers(1, 14))):
        some = [draw(numbers) for _ in range(3)]
        message = draw(st.sampled_from(MESSAGES)).format(*draw(st.permutations(some)))
        logger = draw(st.sampled_from([POOL, POOL, f"{POOL}.tenant-{some[0]}", f"{POOL}.db{some[1]}", "app.db"]))
        lines.append(draw(st.sampled_from(layouts)).format(*some, logger=logger, message=message))
    return lines


def read_at(keys: int, lines: list[str], cuts: Sequence[int], most: int = numbering.MOST_TEXTS) -> object:
    """What is read where numbers are taken out from so many texts on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbering, "MANY_KEYS", keys)
        return all_of(lines, cuts, most)


def as_they_are(lines: list[str], cuts: Sequence[int]) -> object:
    cutter = Cut.cutter
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cut, "cutter", lambda cut, *_: cutter(cut))
        patch.setattr(numbering, "MANY_KEYS", 1 << 30)
        return all_of(lines, cuts)


@given(
    lines_with_numbers() | lines_with_numbers(NUMBERS | MARKS),
    st.lists(st.integers(0, 14), max_size=3),
    st.integers(0, 4),
    st.sampled_from([1, 5, numbering.MOST_TEXTS]),
)
@settings(max_examples=120)
def test_numbers_change_nothing(lines: list[str], cuts: list[int], keys: int, most: int) -> None:
    assert read_at(keys, lines, cuts, most) == as_they_are(lines, ())


@given(lines_with_numbers(), st.lists(st.integers(0, 14), max_size=3), st.integers(0, 4))
def test_too_many_patterns_change_nothing(lines: list[str], cuts: list[int], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbering, "MOST_PATTERNS", most)
        assert read_at(0, lines, cuts) == as_they_are(lines, ())


def test_the_samples_are_what_the_compiled_part_marks() -> None:
    line = b"1 12 123 1234 12345 123456 1234567 1234567890 123456789012345 alice Bob 3f known"
    marks = [one.mark for one in variables_of(line, Words(["known"]))]
    assert marks == [*[0x1F] * 7, 0x15, 0x1A, 0x1C, 0x1D, 0x1E]
    assert [one.mark for one in variables_of(line + b" 10:11", Words(["known"]))][:7] == [*range(0x0E, 0x15)]
    for mark, sample in SAMPLES.items():
        in_chunks = mark == 0x0B
        found = variables_of(f"{sample}{' 10:11' if mark < 0x1C else ''}".encode(), Words([], in_chunks=in_chunks))
        assert found[0].mark == mark


@pytest.mark.parametrize(
    ("text", "known", "found"),
    [
        ("alice Bob", [], ["alice", "Bob"]),
        ("alice Bob", ["ALICE"], ["Bob"]),
        ("MyPool poolish", [], []),
        ("acme-corp_7 x", [], ["acme-corp_7", "x"]),
        ("worker-alice-7", ["worker"], ["alice-7"]),
        ("alice-worker-7", ["worker"], ["alice", "7"]),
        ("a--b- -c", [], ["a--b", "c"]),
        ("2024-01-alice", [], ["2024", "01", "alice"]),
        ("<x at 0x7f01> a0x12 0x 0x7f0 \x07", [], ["x", "at", "0x7f01"]),
        (r"\nalice \u0041a \\u00e9", [], ["alice", "a", "u00e9"]),
        (r"\u00e9a a\u0436\u0436 \u00e", [], [r"\u00e9a", r"a\u0436\u0436", "00e"]),
        (r"C:\usé \é \x", [], ["C", "sé", "é"]),
        ("жанна-2 é", [], ["жанна-2", "é"]),
        ("x" * 300, [], []),
        ("12345678 1234567890123456", [], []),
    ],
)
def test_what_words_are_variables(text: str, known: list[str], found: list[str]) -> None:
    variables = variables_of(text.encode(), Words(known, ["pool"]))
    assert [text.encode()[one.start : one.end].decode() for one in variables] == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"api/v1/users/42?a=1&b=x/"', ["api/v1/users/42?a=1&b=x"]),
        # paths, URLs and mail addresses are one each, whatever is in them
        ('"/api/known/users/42?a=1&b=x/"', ["/api/known/users/42?a=1&b=x/"]),
        ("GET /x/\x03?a=/b [/4711/12],(/é/\\u00e9)", ["GET", "/x/\x03?a=/b", "/4711/12", "/é/\\u00e9"]),
        ("a=/b b=x://c:8080/d <e.f@known>", ["a", "/b", "b", "x://c:8080/d", "e.f@known"]),
        # unless something may matter in it, or it may be part of something else
        ("/a/mypool /0x7f01 /b\x07 x/y", ["a", "0x7f01", "b", "x", "y"]),
        ("/a:4711 c@d:8 c@d@e x://12:34 /f{g", ["a", "4711", "c", "d", "8", "c", "d", "e", "x", "12", "34", "f", "g"]),
        ('"2001:db8:85a3::8a2e:370:7334" "::ffff:1"', ["2001:db8:85a3::8a2e:370:7334", "ffff:1"]),
        ('"alice.b@example.com" "Bob/x"', ["alice.b@example.com", "Bob/x"]),
        # where not all is joined, a part may be told by what is around it
        ("(7abc/def) [web/12] a.b", ["7abc", "def", "web", "12", "a", "b"]),
        ('"Mozilla/5.0 (X11; x)" "a=1, b"', ["Mozilla", "5", "0", "X11", "x", "a", "1", "b"]),
        # what is known ends it, and so does an id
        ('"a/known/b" "/QueuePool/c"', ["a", "b", "c"]),
        ('"a/\x03/b" "0x7f01/c"', ["a", "b", "0x7f01", "c"]),
        # numbers and clocks are none
        ('"2024-01-02"', ["2024", "01", "02"]),
        # network addresses of four numbers are one each
        ('"10.0.0.1" [10.0.0.1:80] 1.2.3.4:123456', ["10.0.0.1", "10.0.0.1:80", "1.2.3.4", "123456"]),
        ("1.2.3.4.5 1.2.3 a@1.2.3.4", ["1", "2", "3", "4", "5", "1", "2", "3", "a@1.2.3.4"]),
        # what JSON escapes may stand around it
        (r"\"/a/known\",\"10.0.0.1\"", ["/a/known", "10.0.0.1"]),
        ('"2024-01-02T12:00:01.25Z" "a:12:00"', ["2024", "01", "02T12", "00", "01", "25Z", "a:12:00"]),
    ],
)
def test_what_is_joined_to_words(text: str, found: list[str]) -> None:
    variables = variables_of(text.encode(), Words(["known"], ["pool"], in_chunks=True))
    assert [text.encode()[one.start : one.end].decode() for one in variables] == found


WORD_MARKS = st.sampled_from([chr(mark) for mark in (0x0B, *range(0x1C, 0x20))])


@given(
    lines_with_numbers(WORDS | NUMBERS, WORDY) | lines_with_numbers(WORDS | NUMBERS | WORD_MARKS, WORDY),
    st.lists(st.integers(0, 14), max_size=3),
    st.integers(0, 4),
    st.sampled_from([1, 5, numbering.MOST_TEXTS]),
    st.sampled_from([0, 2, numbering.MOST_PATTERNS]),
    st.sampled_from([0, numbering.FEWER_PATTERNS]),
)
@example([f"2024-01-01 12:00:00,000 DEBUG [{POOL}] [fe80::12:34:56-alice] {TAKEN}"], [], 0, 1, 0, 0)
@settings(max_examples=100)
def test_words_change_nothing(
    lines: list[str], cuts: list[int], many: int, most: int, patterns: int, fewer: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbering, "FEWER_PATTERNS", fewer)
        patch.setattr(numbering, "MANY_PATTERNS", many)
        patch.setattr(numbering, "MOST_PATTERNS", max(many, patterns))
        assert read_at(0, lines, cuts, most) == as_they_are(lines, ())


@pytest.mark.parametrize("message", [TAKEN, TAKEN.replace("0x7f01", "0x7f01 [{0}]"), "Pool recreating"])
def test_an_address_before_the_message_takes_no_time(message: str, parsed: list[str]) -> None:
    lines = [
        f"2024-01-01 12:00:00,000 DEBUG {POOL} <Task coro=<h() at 0x{number:x}>> {message.format(number % 3)}"
        for number in range(0x7F0000, 0x7F1000)
    ]
    found, unrecognised = all_of(lines, range(0, len(lines), 500))
    assert (len(found), unrecognised) == (len(lines), 0)
    assert {event[3] for event in found} == {None if message == "Pool recreating" else "0x7f01"}
    # until it is clear that there are many
    assert len(parsed) < numbering.MANY_KEYS + 300


@pytest.mark.parametrize("before", ["<Task coro=<h() at 0x{0:x}>>", "[0x{0:x}]", "0x{0:x} user={0}"])
def test_an_address_before_that_of_a_connection_takes_no_time(before: str, parsed: list[str]) -> None:
    lines = [
        f"2024-01-01 12:00:00,000 DEBUG {POOL} {before.format(number)} Connection <x object at 0x{number * 7:x}> {what}"
        for number in range(0x7F0000, 0x7F1000)
        for what in ("checked out from pool", "being returned to pool")
    ]
    found, unrecognised = all_of(lines, range(0, len(lines), 500))
    assert (len(found), unrecognised) == (len(lines), 0)
    assert {event[3] for event in found} == {f"0x{number * 7:x}" for number in range(0x7F0000, 0x7F1000)}
    assert len(parsed) < numbering.MANY_KEYS + 300


def path_of(chance: random.Random) -> str:
    parts = ["".join(chance.choices("bcdfgklmnprstvz", k=chance.randint(4, 9))) for _ in range(chance.randint(1, 9))]
    return "/" + "".join(f"{part}{chance.choice('/=&?-.:@')}" for part in parts) + str(chance.randrange(10**6))


def test_paths_of_many_forms_take_no_time(parsed: list[str]) -> None:
    chance = random.Random(3)  # noqa: S311 - lines, no secret
    lines = [
        f'{{"asctime": "2024-01-01T12:00:00Z", "name": "{POOL}", "message": "{TAKEN}", "path": "{path_of(chance)}"}}'
        for _ in range(20_000)
    ]
    found, unrecognised = all_of(lines, range(0, len(lines), 2000))
    assert (len(found), unrecognised) == (len(lines), 0)
    assert {event[3] for event in found} == {"0x7f01"}
    # some for each way of taking more out
    assert len(parsed) < numbering.MANY_KEYS + 2000


@pytest.mark.parametrize(
    "fields",
    [
        "[{ip}] [{mail}] [GET {path}]",
        "{path} <{mail}>",
        "user={mail} path={path} client={mac}",
        "[{v6}] {url}",
        "{mac} {v6} {mail}, {url}",
    ],
)
@pytest.mark.parametrize("message", [TAKEN, "Pool recreating"])
def test_addresses_in_text_take_no_time(fields: str, message: str, parsed: list[str]) -> None:
    chance = random.Random(5)  # noqa: S311 - lines, no secret

    def line() -> str:
        path = path_of(chance).replace(":", "/")
        user, domain = ("".join(chance.choices("bcdfgk.-7", k=chance.randint(3, 9))) for _ in range(2))
        groups = [f"{chance.randrange(1 << 16):x}" for _ in range(8)]
        mac = ":".join(f"{chance.randrange(256):02x}" for _ in range(6))
        v6 = chance.choice([":".join(groups), f"fe80::{groups[0]}:{chance.randrange(100)}"])
        ip = ".".join(str(chance.randrange(256)) for _ in range(4))
        url = f"https://{domain}{chance.choice(['', ':8080'])}{path}"
        told = fields.format(path=path, mail=chance.choice(["-", f"{user}@{domain}"]), mac=mac, v6=v6, ip=ip, url=url)
        return f"2024-01-01 12:00:00,000 DEBUG {POOL} {told} {message}"

    lines = [line() for _ in range(6000)]
    found, unrecognised = all_of(lines, range(0, len(lines), 2000))
    assert (len(found), unrecognised) == (len(lines), 0)
    assert {event[2:] for event in found} == {found[0][2:]}
    # some for each way of taking more out
    assert len(parsed) < numbering.MANY_KEYS + 2500


def test_what_a_process_is_told_by_is_not_joined() -> None:
    chance = random.Random(4)  # noqa: S311 - lines, no secret

    def line(process: object) -> str:
        thread = "".join(chance.choices("bcdfgklmnprstvz", k=6))
        return f"2024-01-01 12:00:00,000 - {POOL} - DEBUG - ({process}/{thread}) {path_of(chance)} {TAKEN}"

    lines = [line(f"{number % 9}{'bcd'[number % 3] * (3 + number % 5)}") for number in range(900)]
    lines += [line(4711 + number % 2) for number in range(300)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbering, "MANY_KEYS", 100)
        found, _ = all_of(lines, [600])
        patch.setattr(numbering, "MANY_KEYS", 1 << 20)
        assert found == all_of(lines, [600])[0]


LIMIT = "QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00"


@pytest.mark.parametrize(
    "lines",
    [
        # with an hour of two figures it is a time, and the record's
        [
            f"2024-01-01 12:00:00,000 2024-01-02 {hour}:00:00 DEBUG {POOL}: {TAKEN}"
            for hour in ("3", "404", "7", "9", "12")
        ],
        # under an exception's name the timeout belongs to the record above
        [f"2024-01-01T12:00:00Z {name}: {LIMIT}" for name in ("Alice", "Bob", "Carol", "KeyError")],
        [f"2024-01-01T12:00:00Z {name}: {LIMIT}" for name in ("Alice", "Bob", "Carol", "Whatever.SomeException")],
        [f"2024-01-01 12:00:00,000 DEBUG my.{name} {TAKEN}" for name in ("Alice", "Bob", "Carol", "OwnPool")],
        [f"2024-01-01 12:00:00,000 {name} {POOL} {TAKEN}" for name in ("Alice", "Bob", "Carol", "ERROR")],
        [f"2024-01-01 12:00:00,000 DEBUG {POOL} {name}=42 {TAKEN}" for name in ("alice", "bob", "carol", "pid")],
        # why a connect failed is told by some numbers and parts of words
        [
            f"2024-01-01 12:00:00,000 DEBUG {POOL} [{user}] Error on connect(): {why}"
            for user, why in (
                ("alice", "ORA-12999: failed"),
                ("bob", "ORA-12154: failed"),
                ("carol", "ECONNRESET"),
                ("dave", "ECONNREFUSED"),
                ("eve", "unreachable"),
            )
        ],
        # whose the first address is shows only where the two differ
        [f"2024-01-01 12:00:00,000 DEBUG <Task {user} at 0x7f01> {POOL} {TAKEN}" for user in ("alice", "bob", "carol")]
        + [f"2024-01-01 12:00:00,000 DEBUG <Task dave at 0x7f02> {POOL} {TAKEN}"],
    ],
)
def test_a_word_that_tells_something_is_no_variable(lines: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbering, "MANY_PATTERNS", 0)
        cuts = range(len(lines))
        assert read_at(0, lines, cuts) == as_they_are(lines, cuts)


USERS = ["".join(letters) for letters in product("bcdfgh", "aeiou", "klmnpr", "aeiou", "stvwz")]


@pytest.mark.parametrize(
    "layout",
    [
        "2024-01-01 12:00:00,000 DEBUG [{0}] {logger}: {message}",
        "2024-01-01 12:00:00,000 [4242] [worker-{0}] DEBUG {logger}: {message}",
        "2024-01-01 12:00:00,000 [4242] [{0}] DEBUG {logger}: {message}",
        '{{"time": "2024-01-01T12:00:00Z", "name": "{logger}", "message": "{message}", "user": "{0}", "x": "{2}"}}',
        '{{"time": "2024-01-01T12:00:00Z", "name": "{logger}", "message": "{message}", "user": "{0}@{1}.example"}}',
        WORDY[-1].replace("{0}=", "path=/{1}/"),
        "2024-01-01 12:00:00,000 [4242] [{1}-{0}] DEBUG {logger}: {message}",
        '{{"time": "2024-01-01T12:00:00Z", "name": "{logger}", "msg": "{message}", "user": "{0}\\u00e9\\u0436{1}"}}',
    ],
)
def test_lines_that_differ_in_words_are_parsed_a_few_times(
    layout: str, parsed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbering, "MANY_KEYS", 100)
    monkeypatch.setattr(numbering, "MANY_PATTERNS", 50)
    lines = [
        layout.format(user, other.title(), f"{other}-{number}", logger=POOL, message=TAKEN)
        for number, (user, other) in enumerate(zip(USERS, reversed(USERS), strict=True))
    ]
    found, unrecognised = all_of(lines, range(0, len(lines), 500))
    assert (len(found), unrecognised) == (len(lines), 0)
    assert len(parsed) < 200


def test_a_thread_that_ends_within_a_word_is_kept() -> None:
    line = f"[ThreadPoolExecutor-0_3f] DEBUG {POOL} {TAKEN}"
    words = words_of([line.replace("3f", "")])
    pattern, _ = pattern_of_line(line, words)
    assert (pattern.kept, pattern.size) == (0b11, 0)


@pytest.mark.parametrize(
    ("fields", "kept", "thread"),
    [
        ('"user": "alice"', 0, ""),
        ('"pid": 4242, "threadName": "worker-alice"', 0b01, "worker-alice"),
        ('"pid": 4242, "threadName": "alice b7"', 0b01, "alice b7"),
        ('"user": "alice", "pid": 4242, "threadName": "b7-7", "x": true', 0b010, "b7-7"),
        ('"user": "alice", "host": "b7-7"', 0b10, ""),
        ('"threadName": "alice", "host": "alice"', 0b10, "alice"),
        ('"threadName": "alice (worker)"', 0, "alice (worker)"),
        (f'"n": {[1] * 70}, "threadName": "alice-7"', 1 << 63, ""),
        (f'"n": {[1] * 62}, "threadName": "alice-7"', 0, "alice-7"),
        (f'"n": {[1] * 62}, "threadName": "alice 7"', 0b11 << 62, ""),
    ],
)
def test_what_words_matter(fields: str, kept: int, thread: str) -> None:
    line = f'{{{fields}, "name": "{POOL}", "message": "{TAKEN}"}}'
    words = words_of([line.replace("alice", "").replace("b7-7", "").replace("b7", "")] * 4)
    pattern, _ = pattern_of_line(line, words)
    assert (pattern.kept, thread_in(line, pattern, words)) == (kept, thread)


@pytest.mark.parametrize(
    ("layout", "process"),
    [
        *((LAYOUTS[number], 0) for number in (0, 1, 2, 3, 4)),
        *((LAYOUTS[number], None) for number in (6,)),
        *((LAYOUTS[number], 1) for number in (10, 12)),
        (LAYOUTS[13], None),
        ("2024-01-01T12:00:00Z web-1 app[{0}]: [Thread-{1}] DEBUG:{logger}:{message}", 0),
    ],
)
def test_lines_that_differ_in_numbers_are_parsed_a_few_times(
    layout: str, process: int | None, parsed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbering, "MANY_KEYS", 100)
    numbers = [[number, 2 * number, 3 * number] for number in range(1000, 5000)]
    if process is not None:
        for own in numbers:
            own[process] = 4242
    lines = [layout.format(*own, logger=POOL, message=TAKEN) for own in numbers]
    found, unrecognised = all_of(lines, range(0, len(lines), 500))
    assert (len(found), unrecognised) == (len(lines), 0)
    assert len(parsed) < 200


def pattern_of_line(line: str, words: Words | None = None) -> tuple[Pattern, str]:
    """The pattern of a line without times, and the line."""
    reader = Reader(Vocabulary(), 0, head_reader(None), cut_of(line))
    return pattern_of(Rest(unnamed(line), "0x7f01", None, None, Out.IDS), reader.parsed, words), line


def unnamed(line: str) -> str:
    """A line without the connection's address."""
    return line.replace("0x7f01", "\x07")


def thread_in(line: str, pattern: Pattern, words: Words | None = None) -> str:
    """Where a pattern says that the thread stands."""
    if not pattern.size:
        return ""
    inside = variables_of(unnamed(line).encode(), words)[pattern.first :][: pattern.size]
    return unnamed(line).encode()[inside[0].start - pattern.before : inside[-1].end + pattern.behind].decode()


@pytest.mark.parametrize(
    ("before", "kept", "thread"),
    [
        ("[4242] [Dummy-17] DEBUG ", 0b01, "Dummy-17"),
        ("[Dummy-17] [4242] 99 DEBUG ", 0b10, "Dummy-17"),
        ("[4242] [MainThread] DEBUG n=1 ", 0b1, ""),
        ("17 DEBUG n=1 ", 0, ""),
        ("[4242-140374585935424] DEBUG ", 0b01, "140374585935424"),
        ("1704110400123 [MainThread] DEBUG ", 0, ""),
        ("17 99 DEBUG ", 0, ""),
    ],
)
def test_what_numbers_matter(before: str, kept: int, thread: str) -> None:
    pattern, line = pattern_of_line(f"{before}{POOL}: {TAKEN}")
    assert pattern.kept == kept
    assert thread_in(line, pattern) == thread


def test_numbers_that_are_too_many_are_kept_together() -> None:
    pattern, _ = pattern_of_line(f"DEBUG {'1 ' * 70} {POOL}.db7: {TAKEN}")
    assert pattern == Pattern(1 << 63)


def test_a_line_of_a_megabyte_of_numbers_takes_no_longer_than_it_is() -> None:
    line = f"[4242] [Dummy-17] DEBUG {POOL}: {TAKEN} {'[1, 22, 333] ' * 70_000}"
    pattern, _ = pattern_of_line(line)
    assert pattern.kept == 0b1
    assert thread_in(line, pattern) == "Dummy-17"
