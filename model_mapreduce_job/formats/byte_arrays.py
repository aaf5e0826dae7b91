"""Arrow arrays of bytes, made without pandas, which pyarrow.array() would import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_mapreduce_job.models.arrow_arrays import of_numpy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def byte_array(values: Sequence[bytes]) -> pa.Array:
    """Return values as an array."""
    offsets = np.zeros(len(values) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, values), np.int64, len(values)), out=offsets[1:])
    return byte_array_of(b"".join(values), offsets)


def byte_array_of(data: bytes, offsets: NDArray[Any]) -> pa.Array:
    """Return the pieces of data between offsets as an array."""
    buffers = [None, pa.py_buffer(np.ascontiguousarray(offsets, np.int32)), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, buffers)


def joined(*pieces: pa.Array | bytes | str) -> pa.Array:
    """Return arrays of one type put together row by row; what is no array is the same in each row."""
    kind = next(piece.type for piece in pieces if isinstance(piece, pa.Array))
    return pc.binary_join_element_wise(
        *(piece if isinstance(piece, pa.Array) else _scalar(piece, kind) for piece in (*pieces, b""))
    )


def text_scalar(text: str) -> pa.StringScalar:
    """Return a text as Arrow's compute functions take one; they would import pandas for Python's own."""
    return _scalar(text, pa.string())


def _scalar(piece: bytes | str, kind: pa.DataType) -> Any:
    data = piece if isinstance(piece, bytes) else piece.encode()
    offsets = np.array([0, len(data)], np.int32)
    return pa.Array.from_buffers(kind, 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)])[0]


def chosen_bytes(values: Sequence[bytes], places: NDArray[Any]) -> pa.Array:
    """Return the value at each of the places as an array."""
    return byte_array(values).take(of_numpy(places))


def order_with(count: int, places: Sequence[int]) -> NDArray[Any]:
    """Return the order of count things and others after them that puts these at their places in the end."""
    order = np.empty(count + len(places), np.int64)
    is_other = np.zeros(len(order), np.bool_)
    is_other[list(places)] = True
    order[is_other] = np.arange(count, len(order))
    order[~is_other] = np.arange(count)
    return order


def with_values(array: pa.Array, values: Sequence[bytes], places: Sequence[int]) -> pa.Array:
    """Return an array with more values, each at the place that it has in the end; places are in order."""
    if not values:
        return array
    both = pa.concat_arrays([array, byte_array(values)])
    return both.take(of_numpy(order_with(len(array), places)))
