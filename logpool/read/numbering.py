"""Texts -> shapes and connections, by number: each text with its address taken out is looked up once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from logpool.read.distinct import Codes
from logpool.read.vocabulary import MAY_MATTER, OTHER
from logpool.schema import Kind

if TYPE_CHECKING:
    from logpool.read.vocabulary import Reader

_ADDRESS, _NO_DIGIT = "0x", "[^0-9a-fA-F]"

# the seconds of a timing: each text has others
_TIMING, _SECONDS = "ime taken: ", r"^(\d+\.\d+) seconds\."
_TEXT, _AFTER = pl.col("text"), pl.col("after")


def numbered(reader: Reader, rests: pl.Series) -> pl.DataFrame:
    """``shape`` of each rest of a line, and ``connection``: what tells a connection, or a timing, from its like."""
    may_be = rests.str.contains(_TIMING, literal=True)
    if not may_be.any():
        return _numbered(reader, _without_seconds(rests))
    # timings are taken apart by themselves, and then put back in their places
    apart = pl.concat([_without_seconds(rests.filter(~may_be)), _timings(rests.filter(may_be))])
    places = pl.concat([(~may_be).arg_true(), may_be.arg_true()])
    at = pl.zeros(len(rests), dtype=pl.UInt32, eager=True)
    return _numbered(reader, apart)[at.scatter(places, pl.int_range(len(rests), dtype=pl.UInt32, eager=True))]


def _numbered(reader: Reader, texts: pl.DataFrame) -> pl.DataFrame:
    """The same of rests as ``text``, with ``seconds``, which were taken out of it; null but of timings."""
    codes = Codes()
    texts = _parted(texts).with_columns_seq(key=codes.of(pl.col("key")))
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
    categories = pl.Categorical(reader.vocabulary.connections)
    shape = keys.spread(pl.Series("shape", shapes, dtype=pl.UInt32))
    connection = keys.spread(pl.Series("connection", identities, dtype=pl.String).cast(categories).to_physical())
    is_addressed = keys.spread(pl.Series(addressed, dtype=pl.Boolean))
    connection = _with_names(connection, is_addressed, texts["address"], categories)
    if texts["seconds"].null_count() < texts.height:
        is_timing = reader.vocabulary.frame()["kind"][shape] == int(Kind.TIMING)
        connection = _with_names(connection, is_timing & texts["seconds"].is_not_null(), texts["seconds"], categories)
    if single:
        # the first address in them is not the connection's: each is looked up by itself
        places = keys.codes.is_in(single).arg_true()
        rows = [keys.spread(keys.texts), texts["text"], texts["address"]]
        found_alone = [reader.learned(*row) for row in zip(*(column[places] for column in rows), strict=True)]
        shape = shape.scatter(places, [found.shape for found in found_alone])
        alone = pl.Series([found.identity for found in found_alone], dtype=pl.String)
        connection = connection.scatter(places, alone.cast(categories).to_physical())
    return pl.DataFrame([shape, connection])


def _with_names(codes: pl.Series, rows: pl.Series, names: pl.Series, categories: pl.Categorical) -> pl.Series:
    """The same codes, but of some rows those of their names."""
    return codes.scatter(rows.arg_true(), names.filter(rows).cast(categories).to_physical())


def _parted(texts: pl.DataFrame) -> pl.DataFrame:
    """The same, each ``text`` with its first ``address``, and its ``key`` without that."""
    place = _TEXT.str.find(_ADDRESS, literal=True)
    if (texts["text"].str.len_bytes() != texts["text"].str.len_chars()).any():
        # what is found is counted in bytes, and taken in characters
        split = _TEXT.str.splitn(_ADDRESS, 2).struct
        place = pl.when(split.field("field_1").is_not_null()).then(split.field("field_0").str.len_chars())
    texts = texts.with_columns_seq(place=place)
    # where there is no address, behind all of the text
    texts = texts.with_columns_seq(begin=(pl.col("place") + len(_ADDRESS)).fill_null(_TEXT.str.len_bytes()))
    texts = texts.with_columns_seq(after=_TEXT.str.slice(pl.col("begin")))
    texts = texts.with_columns_seq(digits=_AFTER.str.find(_NO_DIGIT).fill_null(_AFTER.str.len_bytes()))
    return texts.select_seq(
        "text",
        "seconds",
        key=_TEXT.str.head(pl.col("begin")) + _AFTER.str.slice(pl.col("digits")),
        address=_TEXT.str.slice(pl.col("place"), pl.col("digits") + len(_ADDRESS)),
    )


def _without_seconds(rests: pl.Series) -> pl.DataFrame:
    unknown = pl.repeat(None, len(rests), dtype=pl.String, eager=True)
    return pl.DataFrame([rests.alias("text"), unknown.alias("seconds")])


def _timings(rests: pl.Series) -> pl.DataFrame:
    """Rests that may be timings as ``text`` without ``seconds``, which is null of those that are none."""
    parts = rests.to_frame("text").with_columns_seq(split=_TEXT.str.splitn(_TIMING, 2))
    before, after = pl.col("split").struct.field("field_0"), pl.col("split").struct.field("field_1")
    parts = parts.with_columns_seq(seconds=after.str.extract(_SECONDS, 1))
    without = before + pl.lit(_TIMING + "0") + after.str.slice(pl.col("seconds").str.len_chars())
    return parts.select_seq(pl.coalesce(without, _TEXT).alias("text"), "seconds")
