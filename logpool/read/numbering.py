"""What cuts leave of lines -> shapes and connections, by number: each text is looked up once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from logpool.native.library import NONE
from logpool.read.vocabulary import MAY_MATTER, OTHER, Naming, Numbered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.read.cuts import Applied
    from logpool.read.vocabulary import Reader


def numbered(reader: Reader, taken: Applied) -> pl.DataFrame:
    """``shape`` of each row, and ``connection``: what tells a connection, or a timing, from its like."""
    shapes = [OTHER] * len(taken.keys)
    naming = [int(Naming.FIXED)] * len(taken.keys)
    identities: list[int | None] = [None] * len(taken.keys)
    single: list[int] = []
    for code, found in _found(reader, taken):
        shapes[code] = found.shape
        naming[code] = found.naming
        if found.naming is Naming.SINGLE:
            single.append(code)
        elif found.naming is Naming.FIXED and found.identity is not None:
            identities[code] = reader.vocabulary.connection(found.identity)
    shape = pl.Series("shape", shapes, dtype=pl.UInt32)[taken.key]
    connection = _named(reader, taken, pl.Series(naming, dtype=pl.UInt8))
    if any(identity is not None for identity in identities):
        fixed = pl.Series("connection", identities, dtype=pl.UInt32)[taken.key]
        connection = fixed if connection is None else fixed.zip_with(fixed.is_not_null(), connection)
    if connection is None:
        connection = pl.repeat(None, len(shape), dtype=pl.UInt32, eager=True)
    if single:
        # the first address in them is not the connection's: each is looked up by itself
        places = taken.key.is_in(single).arg_true()
        alone = [reader.learned(taken.rest(place)) for place in places]
        shape = shape.scatter(places, [found.shape for found in alone])
        names = [None if one.identity is None else reader.vocabulary.connection(one.identity) for one in alone]
        connection = connection.scatter(places, pl.Series(names, dtype=pl.UInt32))
    return pl.DataFrame([shape.alias("shape"), connection.alias("connection")])


def _found(reader: Reader, taken: Applied) -> Iterator[tuple[int, Numbered]]:
    """What the keys are that can matter: most distinct ones are other loggers'."""
    used = taken.key.unique()
    keys = pl.DataFrame({"code": used, "key": taken.keys[used]})
    for code, key in keys.filter(pl.col("key").str.contains(MAY_MATTER)).iter_rows():
        found = reader.known.get(key)
        if found is None:
            found = reader.learned(taken.rest((taken.key == code).arg_max() or 0))
        yield code, found


def _named(reader: Reader, taken: Applied, naming: pl.Series) -> pl.Series | None:
    """The numbers of the rows' connections, where these are named by what was taken out of the rows."""
    ways = naming[taken.key]
    name: pl.Series | None = None
    for way, column in ((Naming.ADDRESS, taken.address), (Naming.SECONDS, taken.seconds)):
        if column is not None:
            chosen = (ways == int(way)) & (column != NONE)
            other = name if name is not None else pl.repeat(None, len(column), dtype=pl.UInt32, eager=True)
            name = column.zip_with(chosen, other)
    if name is None:
        return None
    used = pl.zeros(len(taken.names), dtype=pl.UInt8, eager=True).scatter(name.drop_nulls(), 1)
    return reader.vocabulary.merged(taken.names, used)[name]
