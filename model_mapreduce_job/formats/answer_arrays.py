"""One column of an answer, of any library, as an Arrow array of a plain type, else as a list of values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from model_mapreduce_job.formats.array_values import rows_of
from model_mapreduce_job.formats.table_values import held_values
from model_mapreduce_job.models.arrow_arrays import arrow_array, of_numpy

if TYPE_CHECKING:
    from collections.abc import Callable

# Kinds of NumPy's types that Arrow has the very values of: floats, integers, booleans, texts.
_ALIKE = frozenset("fiubU")
_FEW = 100
_LOOKED_AT = 500
_TEXTS = frozenset({str, type(None)})


def answer_column(column: Any) -> pa.Array | list[Any] | None:
    """Return a column as an Arrow array where that has the very values, else as a list; None for no column.

    What pandas calls missing is null, but for a NaN among numbers, which is no prediction.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if isinstance(column, pa.Array):
        return column if _is_plain(column.type) else held_values(column)
    if type(column) is np.ndarray:
        return _of_numpy(column)
    if type(column).__module__.partition(".")[0] == "pandas" and hasattr(column, "isna"):
        return _of_pandas(column)
    return rows_of(column)


def _is_plain(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return bool(pa.types.is_string(kind.value_type))
    return any(is_plain(kind) for is_plain in _PLAIN)


def _of_numpy(array: np.ndarray[Any, Any]) -> pa.Array | list[Any] | None:
    kind = array.dtype.kind
    if array.ndim == 1 and kind in _ALIKE and array.dtype.char != "g":  # a long double has more digits
        return _texts(array.tolist()) if kind == "U" else of_numpy(array)
    rows = rows_of(array)
    return _texts(rows) if array.ndim == 1 and kind == "O" and rows else rows


def _of_pandas(series: Any) -> pa.Array | list[Any] | None:
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in _ALIKE | {"O"}:
        return _of_numpy(series.to_numpy())
    is_missing = series.isna().tolist()
    return _texts(
        [None if missing else value for value, missing in zip(series.tolist(), is_missing, strict=True)]
    )


def _texts(values: list[Any]) -> pa.Array | list[Any]:
    """Return values as an array where all of them are texts or None."""
    try:
        few = _few_texts(values)
        if few is not None or not set(map(type, values)) <= _TEXTS:
            return values if few is None else few
        return arrow_array(values, pa.string())
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can write
        return values


def _few_texts(values: list[Any]) -> pa.DictionaryArray | None:
    """Return texts that come again and again, such as names of classes, each once; None for others."""
    try:
        known = list(dict.fromkeys(values[:_LOOKED_AT]))
        if len(known) > _FEW or set(map(type, known)) != {str}:
            return None
        codes = bytes(map(dict(zip(known, range(_FEW), strict=False)).__getitem__, values))
    except (KeyError, TypeError):  # what comes later is another text, or no text
        return None
    return pa.DictionaryArray.from_arrays(
        pa.Array.from_buffers(pa.uint8(), len(codes), [None, pa.py_buffer(codes)]),
        arrow_array(known, pa.string()),
    )


_PLAIN: tuple[Callable[[pa.DataType], bool], ...] = (
    pa.types.is_floating,
    pa.types.is_integer,
    pa.types.is_boolean,
    pa.types.is_string,
    pa.types.is_large_string,
)
