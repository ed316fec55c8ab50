"""Records that share a line, or take several each, count as if each had a line of its own."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import logpool
from logpool.read.bundles import are_bundled, records_in, unbundled
from logpool.read.heads import read_head

SAMPLE = Path(__file__).parents[2] / "samples/postgres-busy.log"
Object = dict[str, object]
LINES = SAMPLE.read_text().splitlines()[:300]
FEW = 7


def an_object(line: str) -> Object:
    time, name, level, message = line.split(" - ", 3)
    return {"timestamp": time, "level": level, "logger": name, "message": message}


OBJECTS = [an_object(line) for line in LINES if line.count(" - ") >= 3]


def in_lots(bundle: Callable[[list[Object]], object]) -> str:
    """Some records in each line."""
    lots = (OBJECTS[begin : begin + FEW] for begin in range(0, len(OBJECTS), FEW))
    return "".join(f"{json.dumps(bundle(lot))}\n" for lot in lots)


def text_of(record: Object) -> str:
    return " ".join(str(record[key]) for key in ("timestamp", "level", "logger", "message"))


def of_loki(lot: list[Object]) -> object:
    return {"stream": {"app": "web"}, "values": [["1727372726000000000", text_of(one)] for one in lot]}


def of_cloudwatch(lot: list[Object]) -> object:
    return {
        "logGroup": "g",
        "logEvents": [{"id": "3", "timestamp": 1727372726881, "message": text_of(one)} for one in lot],
    }


def of_opentelemetry(lot: list[Object]) -> object:
    records = [{"timeUnixNano": "1727372726000000000", "body": {"stringValue": one["message"]}} for one in lot]
    scopes = [
        {"scope": {"name": one["logger"]}, "logRecords": [record]} for one, record in zip(lot, records, strict=True)
    ]
    attributes = [{"key": "process.pid", "value": {"intValue": "42"}}]
    return {"resourceLogs": [{"resource": {"attributes": attributes}, "scopeLogs": scopes}]}


def of_events() -> object:
    return {"events": [{"eventId": "3", "timestamp": 1727372726881, "message": text_of(one)} for one in OBJECTS]}


def of_insights(one: Object) -> object:
    return [{"field": "@timestamp", "value": str(one["timestamp"])}, {"field": "@message", "value": text_of(one)}]


FORMS = {
    "one behind the other": "".join(map(json.dumps, OBJECTS)),
    "an array": json.dumps(OBJECTS),
    "an array, one in a line": "[" + ",\n".join(map(json.dumps, OBJECTS)) + "]\n",
    "an indented array": json.dumps(OBJECTS, indent=2),
    "indented": "".join(f"{json.dumps(one, indent=2)}\n" for one in OBJECTS),
    "Loki": in_lots(of_loki),
    "Loki's streams": in_lots(lambda lot: {"streams": [of_loki(lot)]}),
    "CloudWatch": in_lots(of_cloudwatch),
    "CloudWatch, one behind the other": in_lots(of_cloudwatch).replace("\n", ""),
    "OpenTelemetry": in_lots(of_opentelemetry),
    "records": in_lots(lambda lot: {"records": lot}),
    # answers of APIs: under whatever key, on one line or indented
    "filter-log-events": json.dumps(of_events(), indent=4),
    "filter-log-events, on one line": json.dumps(of_events()),
    "Insights": json.dumps({"results": [of_insights(one) for one in OBJECTS], "status": "Complete"}, indent=4),
    "Elasticsearch": json.dumps({"hits": {"total": 9, "hits": [{"_id": "1", "_source": one} for one in OBJECTS]}}),
    "a notebook": json.dumps({"cells": [{"outputs": [{"text": [f"{text_of(one)}\n" for one in OBJECTS]}]}]}, indent=1),
}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> logpool.Report:
    log = tmp_path_factory.mktemp("plain") / "log"
    log.write_text("".join(f"{json.dumps(one)}\n" for one in OBJECTS))
    return logpool.analyze(log)


@pytest.mark.parametrize("form", FORMS)
def test_each_record_counts(form: str, expected: logpool.Report, tmp_path: Path) -> None:
    (tmp_path / "log").write_text(FORMS[form])
    reports = [logpool.analyze(tmp_path / "log", block_bytes=size) for size in (3000, 1 << 24)]
    assert reports[0] == reports[1]
    # what several share a time has no length
    found, plain = (report.to_dict()["totals"] for report in (reports[0], expected))
    counts = {key: one for key, one in plain.items() if isinstance(one, int)}
    assert counts == {key: found[key] for key in counts}
    assert found["sequence"] == plain["sequence"]
    assert reports[0].sources[0].lines == len(FORMS[form].splitlines())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}{"b": 2}\n', [('{"a": 1}', 0), ('{"b": 2}', 0)]),
        ('[{"a": 1},\n{"b": 2}\n]\n{"c": 3}', [('{"a": 1}', 0), ('{"b": 2}', 1), ('{"c": 3}', 3)]),
        ('{\n  "a": 1\n}\n{\n  "b":\n  2\n}\n', [('{"a": 1}', 0), ('{"b": 2}', 3)]),
        ('{\n  "a": 1\n}\nsome\ntext\n{"b": 2}\n', [('{"a": 1}', 0), ("some", 3), ("text", 4), ('{"b": 2}', 5)]),
        ('{"a": 1}{"b": tru}{"c": 3}\n', [('{"a": 1}', 0), ('{"b": tru}', 0), ('{"c": 3}', 0)]),
        ('{"a": "\\ud800"}\n', [('{"a": "\ufffd"}', 0)]),
    ],
)
def test_places(text: str, expected: list[tuple[str, int]]) -> None:
    found = unbundled(text, is_end=True)
    assert list(zip(found.lines, found.places, strict=True)) == expected
    assert (found.size, found.torn) == (len(text), False)


def test_a_cut_in_the_last_record_is_told(tmp_path: Path) -> None:
    text = "".join(f"{json.dumps(one, indent=2)}\n" for one in OBJECTS[:5])
    (tmp_path / "log").write_text(text[:-10])
    report = logpool.analyze(tmp_path / "log")
    assert report.sources[0].pool_lines == 4
    assert [finding.code for finding in report.findings if finding.code == "damaged_input"] == ["damaged_input"]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ('{"message": "x"}\n{"message": "y"}\n', False),
        ('{"message": "x", "list": [{"a": 1}]}\n', False),
        ("[2024-09-26 17:45:26] x\n", False),
        ("{}\n", False),
        ("2024-09-26 17:45:26 {\n", False),
        ('{"message": "x"} {"message": "y"}\n', True),
        ('\n[\n  {\n    "message": "x"', True),
        # of a single line: an answer, or a record that may have an array
        ('{"events": [{"message": "Pool recreating"}]}', True),
        ('{"events": [{"message": "Pool recreating"}, {"mess', True),
        ('{"message": "Pool recreating", "tags": [{"a": 1}]}', False),
        ('{"message": "x", "tags": [{"a": 1}]}', False),
    ],
)
def test_whether_records_share_lines(head: str, expected: bool) -> None:  # noqa: FBT001 - a parameter
    assert are_bundled(head) is expected


KEYS = [
    "streams",
    "records",
    "entries",
    "logEvents",
    "stream",
    "values",
    "resourceLogs",
    "resource",
    "scopeLogs",
    "scope",
    "logRecords",
    "body",
    "stringValue",
    "attributes",
    "key",
    "value",
    "message",
    "log",
    "name",
    "extra",
    "pid",
    "host",
]
CREATED = "Created new connection <sqlite3.Connection object at 0x7f01>"
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.floats() | st.sampled_from(["", "x", CREATED]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=20,
)


@given(ANYTHING)
@settings(max_examples=500)
def test_whatever_stands_under_the_keys_of_a_batch(value: object) -> None:
    for record in records_in(value):
        read_head(json.dumps(record))
    read_head(json.dumps(value))


def test_a_batch_may_be_long(tmp_path: Path) -> None:
    lot = OBJECTS * (1 + (1 << 21) // sum(map(len, map(json.dumps, OBJECTS))))
    path, apart = tmp_path / "long.log", tmp_path / "apart.log"
    path.write_text(f"{json.dumps(of_loki(lot))}\n")
    apart.write_text("".join(f"{json.dumps(of_loki([one]))}\n" for one in lot))
    found, expected = logpool.analyze(path), logpool.analyze(apart)
    assert found.totals == expected.totals
    assert (found.sources[0].lines, found.sources[0].other_lines) == (1, 0)
