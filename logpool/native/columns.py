"""How columns get into the compiled part and out of it.

They pass by Arrow's C data interface (https://arrow.apache.org/docs/format/CDataInterface.html), which polars speaks:
nothing is copied on the way in, and what comes out belongs to polars.
"""

from __future__ import annotations

import ctypes
from array import array
from ctypes import PYFUNCTYPE, addressof, byref, c_char_p, c_void_p, py_object
from typing import TYPE_CHECKING

from logpool.late import pl
from logpool.native.library import library, must
from logpool.native.structures import Array, Schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from logpool.native.structures import ListStructure, LotStructure, PointsStructure

# by prototypes of their own: those of ``ctypes.pythonapi`` are shared with all of the process
_capsule = PYFUNCTYPE(py_object, c_void_p, c_char_p, c_void_p)(("PyCapsule_New", ctypes.pythonapi))
_pointed_to = PYFUNCTYPE(c_void_p, py_object, c_char_p)(("PyCapsule_GetPointer", ctypes.pythonapi))


class _Column:
    """A column that the compiled part made, for polars to take over."""

    def __init__(self, made: Callable[..., int], *arguments: object) -> None:
        self._schema, self._array = Schema(), Array()
        must(made(*arguments, byref(self._schema), byref(self._array)))

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        return (
            _capsule(addressof(self._schema), b"arrow_schema", None),
            _capsule(addressof(self._array), b"arrow_array", None),
        )


def column_of(made: Callable[..., int], *arguments: object) -> pl.Series:
    """The column that a function makes."""
    return pl.Series(_Column(made, *arguments))


class Lent:
    """The values of a column of numbers, for the compiled part to read; ``NONE`` and ``NO_TIME`` stand for nulls.

    Attributes:
        address: where they are; None where there are none.
    """

    def __init__(self, column: pl.Series, dtype: type[pl.DataType]) -> None:
        self._array, self._copy = Array(), c_void_p()
        if column.dtype != dtype:
            raise TypeError(f"no column of {dtype}: {column.dtype}")
        stream = column.rechunk().__arrow_c_stream__(None)
        pointed_to = _pointed_to(stream, b"arrow_array_stream")
        values = library().numbers_in(pointed_to, width_of(dtype), byref(self._array), byref(self._copy))
        self.address = values
        self._as_parameter_ = c_void_p(values)
        if len(column) and not values:
            raise TypeError(f"no such numbers: {column.dtype}")

    def __del__(self) -> None:
        library().give_back(byref(self._array), self._copy)


def width_of(dtype: type[pl.DataType]) -> int:
    """How many bytes a value has, of the types that the compiled part knows.

    Raises:
        TypeError: it does not know this one.
    """
    if dtype == pl.Int64:
        return 8
    if dtype == pl.UInt32:
        return 4
    if dtype in {pl.Int8, pl.UInt8}:
        return 1
    raise TypeError(f"no such numbers: {dtype}")


def taken_over(
    columns: LotStructure | PointsStructure,
    name: str,
    width: int = 4,
    *,
    count: str = "count",
    gaps: bool = False,
) -> pl.Series:
    """A column of a structure, which gives it away: Int8, UInt32 or Int64 by its width in bytes.

    Args:
        columns: the structure.
        name: of the column in it.
        width: of a value, in bytes.
        count: where it says how many values there are.
        gaps: whether ``NONE``, or the least number of 64 bits, stands for null.
    """
    numbers = ctypes.cast(getattr(columns, name), c_void_p)
    setattr(columns, name, None)
    return column_of(library().numbers_out, width, gaps, numbers, getattr(columns, count))


def numbers_of(found: ListStructure) -> array[int]:
    """A list of them, copied."""
    numbers = array("I")
    if found.count:
        numbers.frombytes(ctypes.string_at(found.numbers, found.count * numbers.itemsize))
    return numbers
