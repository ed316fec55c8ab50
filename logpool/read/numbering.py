"""Texts -> shapes and connections, by number: each text with its address taken out is looked up once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from logpool.read.distinct import distinct
from logpool.read.needles import needed_of
from logpool.read.vocabulary import OTHER

if TYPE_CHECKING:
    from logpool.read.vocabulary import Reader

_HEX = "0123456789abcdefABCDEF"


def numbered(reader: Reader, rests: pl.Series) -> pl.DataFrame:
    """``shape`` and ``connection`` of each rest of a line."""
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
    needed = needed_of(keys.texts).arg_true()
    firsts = keys.codes.alias("code").to_frame().with_row_index("place").unique("code", keep="first").sort("code")
    rows = texts.select("key", "rest", "address")[firsts["place"].gather(needed)]
    for code, row in zip(needed, rows.iter_rows(), strict=True):
        found = reader.number(*row)
        shapes[code] = found.shape
        addressed[code] = found.is_address
        identities[code] = None if found.is_address else found.identity
        if found.is_single:
            single.append(code)
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
        found_alone = [reader.number(*row) for row in texts.select("key", "rest", "address")[places].iter_rows()]
        shape = shape.scatter(places, [found.shape for found in found_alone])
        connection = connection.scatter(places, [found.identity for found in found_alone])
    coded = connection.cast(pl.Categorical(reader.vocabulary.connections)).to_physical()
    return pl.DataFrame([shape.alias("shape"), coded.alias("connection")])
