"""Texts -> shapes and connections, by number: each text with its address taken out is looked up once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from logpool.read.distinct import Codes
from logpool.read.vocabulary import MAY_MATTER, OTHER
from logpool.schema import Kind

if TYPE_CHECKING:
    from logpool.read.vocabulary import Reader

_NO_DIGIT = "[^0-9a-fA-F]"


# the seconds of a timing: each text has others
_TIMING, _SECONDS = "ime taken: ", r"^(\d+\.\d+) seconds\."
_TEXT, _AFTER, _SPLIT = pl.col("text"), pl.col("after"), pl.col("split").struct


def numbered(reader: Reader, rests: pl.Series) -> pl.DataFrame:
    """``shape`` of each rest of a line, and ``connection``: what tells a connection, or a timing, from its like."""
    codes = Codes()
    texts = _parted(rests).with_columns_seq(key=codes.of(pl.col("key")))
    keys = codes.read(texts["key"])
    shapes = [OTHER] * len(keys.texts)
    addressed = [False] * len(keys.texts)
    identities: list[str | None] = [None] * len(keys.texts)
    single: list[int] = []
    # most distinct texts are other loggers'
    matter = keys.texts.to_frame("key").with_row_index("code").filter(pl.col("key").str.contains(MAY_MATTER))
    for code, key in matter.iter_rows():
        found = reader.known.get(key)
        if found is None:
            first = (keys.codes == code).arg_max() or 0
            found = reader.learned(key, *texts.select_seq("text", "address").row(first))
        shapes[code] = found.shape
        if found.is_address:
            addressed[code] = True
        elif found.is_single:
            single.append(code)
        else:
            identities[code] = found.identity
    shape = keys.spread(pl.Series("shape", shapes, dtype=pl.UInt32))
    connection = keys.spread(pl.Series("connection", identities, dtype=pl.String))
    connection = texts["address"].zip_with(keys.spread(pl.Series(addressed, dtype=pl.Boolean)), connection)
    if texts["seconds"].null_count() < texts.height:
        is_timing = reader.vocabulary.frame()["kind"].gather(shape) == int(Kind.TIMING)
        connection = texts["seconds"].zip_with(is_timing & texts["seconds"].is_not_null(), connection)
    if single:
        # the first address in them is not the connection's: each is looked up by itself
        places = keys.codes.is_in(single).arg_true()
        rows = [keys.spread(keys.texts), texts["text"], texts["address"]]
        found_alone = [reader.learned(*row) for row in zip(*(column.gather(places) for column in rows), strict=True)]
        shape = shape.scatter(places, [found.shape for found in found_alone])
        connection = connection.scatter(places, [found.identity for found in found_alone])
    coded = connection.cast(pl.Categorical(reader.vocabulary.connections)).to_physical()
    return pl.DataFrame([shape.alias("shape"), coded.alias("connection")])


def _parted(rests: pl.Series) -> pl.DataFrame:
    """Rests as ``text``, each with its first ``address``, its ``key`` without that; of timings without ``seconds``."""
    texts = _without_seconds(rests).with_columns_seq(split=_TEXT.str.splitn("0x", 2))
    texts = texts.with_columns_seq(before=_SPLIT.field("field_0"), after=_SPLIT.field("field_1"))
    texts = texts.with_columns_seq(digits=_AFTER.str.find(_NO_DIGIT).fill_null(_AFTER.str.len_bytes()))
    digits = pl.col("digits")
    return texts.select_seq(
        "text",
        "seconds",
        key=pl.coalesce(pl.col("before") + pl.lit("0x") + _AFTER.str.slice(digits), _TEXT),
        address=pl.lit("0x") + _AFTER.str.head(digits),
    )


def _without_seconds(rests: pl.Series) -> pl.DataFrame:
    """Rests as ``text``; of those that may be timings, without ``seconds``, which is null of the others."""
    may_be = rests.str.contains(_TIMING, literal=True)
    unknown = pl.repeat(None, len(rests), dtype=pl.String, eager=True)
    texts = pl.DataFrame([rests.alias("text"), unknown.alias("seconds")])
    if not may_be.any():
        return texts
    timings = rests.filter(may_be).to_frame("text").with_columns_seq(split=_TEXT.str.splitn(_TIMING, 2))
    before, after = _SPLIT.field("field_0"), _SPLIT.field("field_1")
    timings = timings.with_columns_seq(seconds=after.str.extract(_SECONDS, 1))
    without = before + pl.lit(_TIMING + "0") + after.str.slice(pl.col("seconds").str.len_chars())
    timings = timings.select_seq(pl.coalesce(without, _TEXT).alias("text"), "seconds")
    # in the places of those that they are made of
    places = pl.int_range(len(rests), dtype=pl.UInt32, eager=True)
    taken = pl.int_range(len(rests), len(rests) + timings.height, dtype=pl.UInt32, eager=True)
    return pl.concat([texts, timings])[places.scatter(places.filter(may_be), taken)]
