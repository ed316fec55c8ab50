"""Texts -> shapes and connections, by number: each text with its address taken out is looked up once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from logpool.read.distinct import distinct
from logpool.read.vocabulary import MAY_MATTER, OTHER
from logpool.schema import Kind

if TYPE_CHECKING:
    from logpool.read.vocabulary import Reader

_HEX = "0123456789abcdefABCDEF"


# the seconds of a timing: each text has others
_SECONDS = r"(ime taken: )(\d+\.\d+)( seconds\.)"


def numbered(reader: Reader, rests: pl.Series) -> pl.DataFrame:
    """``shape`` of each rest of a line, and ``connection``: what tells a connection, or a timing, from its like."""
    timed = rests.str.contains("ime taken: ", literal=True)
    if not timed.any():
        return _looked_up(reader, rests)
    others, timings = _looked_up(reader, rests.filter(~timed)), _timings(reader, rests.filter(timed))
    places = (~timed).arg_true(), timed.arg_true()
    return pl.DataFrame(
        [
            pl.repeat(None, len(rests), dtype=pl.UInt32, eager=True)
            .scatter(places[0], others[name])
            .scatter(places[1], timings[name])
            .alias(name)
            for name in ("shape", "connection")
        ]
    )


def _timings(reader: Reader, rests: pl.Series) -> pl.DataFrame:
    """The same where rests may be timings: each is looked up without its seconds, and known by them."""
    found = _looked_up(reader, rests.str.replace(_SECONDS, "${1}0${3}"))
    is_timing = reader.vocabulary.frame()["kind"].gather(found["shape"]) == int(Kind.TIMING)
    seconds = _coded(reader, rests.str.extract(_SECONDS, 2))
    connection = seconds.zip_with(is_timing & seconds.is_not_null(), found["connection"])
    return pl.DataFrame([found["shape"], connection.alias("connection")])


def _looked_up(reader: Reader, rests: pl.Series) -> pl.DataFrame:
    parts = rests.str.splitn("0x", 2).struct
    before, after = parts.field("field_0"), parts.field("field_1")
    tail = after.str.strip_chars_start(_HEX)
    digits = after.str.len_bytes() - tail.str.len_bytes()
    texts = pl.DataFrame(
        [rests.alias("rest"), before.alias("before"), after.alias("after"), tail.alias("tail"), digits.alias("digits")]
    ).select(
        "rest",
        key=pl.coalesce(pl.concat_str("before", pl.lit("0x"), "tail"), "rest"),
        address=pl.lit("0x") + pl.col("after").str.head("digits"),
    )
    keys = distinct(texts["key"])
    shapes = [OTHER] * len(keys.texts)
    addressed = [False] * len(keys.texts)
    identities: list[str | None] = [None] * len(keys.texts)
    single: list[int] = []
    # most distinct texts are other loggers'
    needed = keys.texts.str.contains(MAY_MATTER).arg_true()
    firsts = keys.codes.alias("code").to_frame().with_row_index("place").unique("code", keep="first").sort("code")
    rows = texts.select("key", "rest", "address")[firsts["place"].gather(needed)]
    known = reader.known
    for code, row in zip(needed.to_list(), rows.rows(), strict=True):
        found = known.get(row[0]) or reader.learned(*row)
        shapes[code] = found.shape
        if found.is_address:
            addressed[code] = True
        elif found.is_single:
            single.append(code)
        else:
            identities[code] = found.identity
    connections = pl.DataFrame(
        [
            texts["address"],
            keys.spread(pl.Series("addressed", addressed, dtype=pl.Boolean)),
            keys.spread(pl.Series("identity", identities, dtype=pl.String)),
        ]
    ).select(pl.when("addressed").then("address").otherwise("identity"))
    shape, connection = keys.spread(pl.Series("shape", shapes, dtype=pl.UInt32)), connections.to_series()
    if single:
        # the first address in them is not the connection's: each is looked up by itself
        places = keys.codes.is_in(single).arg_true()
        found_alone = [reader.learned(*row) for row in texts.select("key", "rest", "address")[places].iter_rows()]
        shape = shape.scatter(places, [found.shape for found in found_alone])
        connection = connection.scatter(places, [found.identity for found in found_alone])
    return pl.DataFrame([shape.alias("shape"), _coded(reader, connection).alias("connection")])


def _coded(reader: Reader, identities: pl.Series) -> pl.Series:
    return identities.cast(pl.Categorical(reader.vocabulary.connections)).to_physical()
