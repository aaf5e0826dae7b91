"""Arrow arrays of Python's values and of NumPy's arrays, without pandas.

pyarrow.array() and to_numpy() import pandas wherever it is installed, which takes 0.3 s of each worker. Types
that are not made here are left to them.
"""

from __future__ import annotations

from array import array
from functools import partial
from operator import is_not, truth
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Make = Callable[[list[Any]], pa.Array | None]

# Arrow would keep a thread and a pipe for Ctrl-C, which is the driver's to handle, and end a process that was
# forked with the pipe closed.
pa.enable_signal_handlers(enable=False)

_LARGEST_TEXTS = np.iinfo(np.int32).max
_BYTES = frozenset({bytes, type(None)})
_MAY_BE_EMPTY = (str, bytes, type(None))
_is_some = partial(is_not, None)


def arrow_array(values: list[Any], kind: pa.DataType) -> pa.Array:
    """Return values as an array of a type, with a null for each None; raises what pyarrow.array() raises."""
    make = _MAKERS.get(kind)
    made = None if make is None else make(values)
    return pa.array(values, kind) if made is None else made


def float_columns(values: list[Any], count: int) -> list[pa.Array] | None:
    """Return as many columns of floats, given the values of one row after the other; null for each None.

    None where some are NaN, or too large: these are for a look at each column.
    """
    try:
        together = _floats(values)
    except (TypeError, ValueError, OverflowError):
        return None
    if together is None:
        return None
    rows = len(values) // count
    order = np.arange(len(values)).reshape(rows, count).T
    turned = together.take(of_numpy(order.ravel()))
    return [turned.slice(place * rows, rows) for place in range(count)]


def plain_values(column: pa.Array) -> list[Any]:
    """Return a column as a list: quickly where it holds numbers, and no nulls."""
    is_quick = pa.types.is_primitive(column.type) and not pa.types.is_boolean(column.type)
    if column.null_count or not is_quick or pa.types.is_temporal(column.type):
        return list(column.to_pylist())
    return list(np.from_dlpack(column).tolist())


def floats_of(column: pa.Array) -> NDArray[np.float64]:
    """Return a column of float64 as NumPy's, NaN for null; copied only where it has nulls."""
    valid, data = column.buffers()
    start, end = column.offset, column.offset + len(column)
    floats = np.frombuffer(data or b"", np.float64)[start:end]
    if not column.null_count:
        return floats
    is_there = np.unpackbits(np.frombuffer(valid, np.uint8), count=end, bitorder="little")[start:]
    return np.where(is_there, floats, np.nan)


def of_numpy(values: NDArray[Any]) -> pa.Array:
    """Return an array of one dimension, of floats, integers or booleans; copied only where it must be."""
    if values.dtype.kind == "b":
        return _array(pa.bool_(), len(values), [None, _bits(values)])
    native = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    return _array(pa.from_numpy_dtype(native.dtype), len(native), [None, native])


def _array(kind: pa.DataType, length: int, buffers: list[Any]) -> pa.Array:
    return pa.Array.from_buffers(
        kind, length, [None if buffer is None else pa.py_buffer(buffer) for buffer in buffers]
    )


def _bits(flags: NDArray[Any]) -> NDArray[Any]:
    return np.packbits(flags, bitorder="little")


def _floats(values: list[Any]) -> pa.Array | None:
    floats = np.array(values, np.float64)  # None is NaN there
    is_nan = np.isnan(floats)
    places = np.flatnonzero(is_nan).tolist()
    if not places:
        return _array(pa.float64(), len(values), [None, floats])
    if any(values[place] is not None for place in places):
        return None
    return _array(pa.float64(), len(values), [_bits(~is_nan), floats])


def _integers(values: list[Any]) -> pa.Array:
    valid = None
    try:
        integers = array("q", values)
    except TypeError:
        values, valid = _filled(values, 0)
        integers = array("q", values)
    return _array(pa.int64(), len(values), [valid, integers])


def _booleans(values: list[Any]) -> pa.Array:
    valid = None
    try:
        flags = bytes(values)
    except TypeError:
        values, valid = _filled(values, False)  # noqa: FBT003 - a value
        flags = bytes(values)
    if flags.strip(b"\0\1"):
        raise TypeError("an integer is no boolean")
    return _array(pa.bool_(), len(values), [valid, _bits(np.frombuffer(flags, np.uint8))])


def _filled(values: list[Any], filler: Any) -> tuple[list[Any], NDArray[Any]]:
    """Return values with a filler for each None, and the bits that say where there was none."""
    is_there = np.fromiter(map(_is_some, values), np.bool_, len(values))
    filled = np.array(values, np.object_)
    filled[~is_there] = filler
    return list(filled.tolist()), _bits(is_there)


def _texts(values: list[Any]) -> pa.Array | None:
    there = list(filter(None, values))
    text = "".join(there)
    parts: list[Any] = there if text.isascii() else list(map(str.encode, there))
    return _joined(pa.string(), values, parts, text.encode())


def _bytes(values: list[Any]) -> pa.Array | None:
    if not set(map(type, values)) <= _BYTES:  # Arrow takes texts and other buffers as well
        return None
    there = list(filter(None, values))
    return _joined(pa.binary(), values, there, b"".join(there))


def _joined(kind: pa.DataType, values: list[Any], parts: list[Any], data: bytes) -> pa.Array | None:
    """Return values as an array, given all that aren't empty, and the bytes of these together."""
    sizes, valid = np.fromiter(map(len, parts), np.int64, len(parts)), None
    if len(parts) < len(values):
        sizes, valid = _spread(sizes, values)
    offsets = np.zeros(len(values) + 1, np.int64)
    np.cumsum(sizes, out=offsets[1:])
    if offsets[-1] > _LARGEST_TEXTS:
        return None
    return _array(kind, len(values), [valid, offsets.astype(np.int32), data])


def _spread(sizes: NDArray[Any], values: list[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the sizes of values, given those of all that aren't empty, and bits for those not None."""
    is_there = np.fromiter(map(truth, values), np.bool_, len(values))
    all_sizes = np.zeros(len(values), np.int64)
    all_sizes[is_there] = sizes
    places = np.flatnonzero(~is_there)
    empty = list(map(values.__getitem__, places.tolist()))
    if not all(issubclass(kind, _MAY_BE_EMPTY) for kind in set(map(type, empty))):
        raise TypeError("a value is neither a text nor None")
    is_there[places] = list(map(_is_some, empty))
    return all_sizes, _bits(is_there)


_MAKERS: dict[pa.DataType, Make] = {
    pa.float64(): _floats,
    pa.int64(): _integers,
    pa.bool_(): _booleans,
    pa.string(): _texts,
    pa.binary(): _bytes,
}
