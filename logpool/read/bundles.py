"""Records that share a line, or take several each: objects in a row, indented, in arrays, in what collectors send.

Such a log is a row of JSON values, whatever stands between them. Each record in it becomes a line of its own.
"""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from logpool.late import regex
from logpool.read.starts import STARTS

if TYPE_CHECKING:
    from collections.abc import Iterator

_DECODER = json.JSONDecoder(strict=False)
# in characters: what collectors send at once is less
_LONGEST_VALUE = 1 << 24
# an array of objects; an object that goes on in the next line; what collectors put around several records
_BUNDLED = regex(
    r'\s*(?:\[\s*\{\s*"|\{[ \t\r]*\n\s*")'
    r'|\{[^\n]*?"(?:logEvents|resourceLogs|streams|values|records|entries)"\s*:\s*\[\s*[\[{]'
)
_ARRAY = regex(r'"\s*:\s*\[\s*[\[{]')
# what may stand between the values, and begins or ends an array of them
_BETWEEN = regex(r'[\s,\[\]]*+(?=\{\s*["}])')
_FILLING = " \t\r\n,[]"
# where to go on behind what is no value
_NEXT = regex(r"\n|\}(?=[ \t,]*\{)")
# what cannot be encoded
_HALVES = regex("[\ud800-\udc7f\udd00-\udfff]")


class Bundled(NamedTuple):
    """Lines of records.

    Attributes:
        lines: one for each record.
        places: in which line of the text each stands, from 0.
        size: how many characters of the text they were made from.
        torn: whether the last one is no value, and ends without a line end.
    """

    lines: list[str]
    places: list[int]
    size: int
    torn: bool


def are_bundled(head: str) -> bool:
    """Whether a text that begins so is one in which records share lines, or take several."""
    if not head.lstrip().startswith(("{", "[")):
        return False
    if _BUNDLED.match(head):
        return True
    if "\n" not in head.strip() and _ARRAY.search(head):
        # a single line so far: an answer that holds all records, or a record
        single = _decoded(head, head.index("{")) if head.startswith("{") else None
        return single is None or list(records_in(single.value)) != [single.value]
    # one behind the other
    value = _decoded(head, head.index("{")) if head.startswith("{") else None
    return value is not None and head[value.end :].lstrip(" \t,").startswith("{")


class _Value(NamedTuple):
    value: object
    end: int


def _decoded(text: str, place: int) -> _Value | None:
    """The value that begins somewhere; None where there is none, or too long a one."""
    try:
        found = _Value(*_DECODER.raw_decode(text, place))
    except (ValueError, RecursionError):
        return None
    return found if found.end - place <= _LONGEST_VALUE else None


def unbundled(text: str, *, is_end: bool) -> Bundled:
    """The records of a text, a line for each; but for the end, as much of it as needs nothing that may follow.

    What is no value stays the line that it is.
    """
    lines: list[str] = []
    places: list[int] = []
    place = line = 0
    torn = False
    while place < len(text):
        begins = place
        begin = _BETWEEN.match(text, place)
        value = None if begin is None else _decoded(text, begin.end())
        if begin is not None and value is not None:
            begins = begin.end()
            line += text.count("\n", place, begins)
            found = [_line(record) for record in records_in(value.value)]
            end = value.end
        else:
            stop = _NEXT.search(text, place, place + _LONGEST_VALUE)
            piece = text[place : stop.end() if stop else place + _LONGEST_VALUE]
            is_whole = stop is not None and not piece.lstrip(_FILLING).startswith("{")
            if not is_end and not is_whole and len(text) - place <= _LONGEST_VALUE:
                break
            end = place + len(piece)
            found = [piece.rstrip("\r\n")] if piece.strip(_FILLING) else []
            torn = stop is None and bool(found)
        lines += found
        places += [line] * len(found)
        line += text.count("\n", begins, end)
        place = end
    return Bundled(lines, places, place, torn)


def records_in(value: object) -> Iterator[object]:
    """The records in a value: itself, or those that a collector put into it."""
    if not isinstance(value, dict):
        return
    if any(lists := [_objects(value, key) for key in ("streams", "records", "entries")]) and "message" not in value:
        yield from chain.from_iterable(map(records_in, chain(*lists)))
    elif events := _objects(value, "logEvents"):
        # of CloudWatch
        yield from ({"time": event.get("timestamp"), "log": event.get("message")} for event in events)
    elif isinstance(value.get("stream"), dict) and isinstance(value.get("values"), list):
        # of Loki
        entries = (entry for entry in value["values"] if isinstance(entry, list) and len(entry) > 1)
        yield from ({"time": time, "log": text} for time, text, *_ in entries)
    elif resources := _objects(value, "resourceLogs"):
        yield from chain.from_iterable(map(_of_resource, resources))
    elif any(STARTS.search(text) for text in value.values() if isinstance(text, str)):
        yield value
    else:
        # an answer that holds its records under a key of its own
        held = list(chain.from_iterable(map(_held, value.values())))
        yield from held if any(STARTS.search(_line(one)) for one in held) else [value]


def _held(value: object) -> Iterator[object]:
    """The records in arrays, however deep these lie; of CloudWatch's Insights each is one of fields."""
    if isinstance(value, dict):
        yield from chain.from_iterable(map(_held, value.values()))
    elif isinstance(value, list) and value:
        if all(isinstance(one, str) for one in value):
            yield from ({"log": text} for text in value if STARTS.search(text))
        elif all(isinstance(one, dict) and one.keys() >= {"field", "value"} for one in value):
            yield {str(one["field"]).removeprefix("@"): one["value"] for one in value}
        else:
            yield from chain.from_iterable(_held(one) if isinstance(one, list) else records_in(one) for one in value)


def _of_resource(resource: dict[str, Any]) -> Iterator[object]:
    """The records of OpenTelemetry's protocol that are of one resource."""
    common = _attributes(resource.get("resource"))
    for scope in _objects(resource, "scopeLogs"):
        logger = _object(scope, "scope").get("name")
        for record in _objects(scope, "logRecords"):
            yield {
                "timestamp": record.get("timeUnixNano") or record.get("observedTimeUnixNano"),
                "level": record.get("severityText"),
                "logger": logger,
                **common,
                **_attributes(record),
                "message": _object(record, "body").get("stringValue"),
            }


def _attributes(owner: object) -> dict[str, object]:
    """The attributes of a resource or a record; each value stands under the name of its type."""
    found = _objects(owner, "attributes")
    return {str(one.get("key")): next(iter(_object(one, "value").values()), None) for one in found}


def _object(owner: dict[str, Any], key: str) -> dict[str, Any]:
    """The object under a key; an empty one where none is."""
    found = owner.get(key)
    return found if isinstance(found, dict) else {}


def _objects(value: object, key: str) -> list[dict[str, Any]]:
    """The objects in an array."""
    found = value.get(key) if isinstance(value, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _line(record: object) -> str:
    """A record as one line."""
    return _HALVES.sub("\ufffd", json.dumps(record, ensure_ascii=False))
