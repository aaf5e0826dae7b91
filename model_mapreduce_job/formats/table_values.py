"""The values of Arrow's columns as Python has them, and the rows of a batch as JSON."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from model_mapreduce_job.formats.arrow_records import rows_at
from model_mapreduce_job.formats.encoding import spaced_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

# Whatever Python's own types have no room for raises one of these.
_ERRORS = (ValueError, OverflowError)
NOT_HELD: Final = object()
# Arrow writes years of 16 bits.
_MOST_SECONDS: Final = 32_000 * 365 * 86_400
_A_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_SHORTER: Final = {pa.duration("ns"): pa.duration("us"), pa.time64("ns"): pa.time64("us")}


def python_rows(batch: pa.RecordBatch) -> tuple[list[dict[str, Any]], dict[int, ValueError]]:
    """Return the rows of a batch with their columns' values, and an error for each that Python can't hold."""
    columns = list(map(python_values, batch.columns))
    unheld = {
        place: ValueError(f"Python has no room for the value of {name}, {_texts(column.slice(place, 1))[0]}")
        for name, column, values in zip(batch.schema.names, batch.columns, columns, strict=True)
        for place in _unheld(values)
    }
    return list(map(dict, map(zip, repeat(batch.schema.names), zip(*columns, strict=True)))), unheld


def row_texts(batch: pa.RecordBatch) -> list[bytes]:
    """Return the rows of a batch as JSON objects, spaced as json.dumps does it.

    Times are ISO 8601, decimals are text, bytes base64; NaN and Infinity, which JSON has no room for, null.
    """
    columns = map(held_values, batch.columns)
    rows = map(dict, map(zip, repeat(batch.schema.names), zip(*columns, strict=True)))
    return spaced_texts(_encoder.encode_lines(list(rows)))


def python_values(column: pa.Array) -> list[Any]:
    """Return a column's values, NOT_HELD for each that Python's own type for it has no room for.

    A datetime has microseconds and years up to 9999; text is UTF-8.
    """
    kind = _python_type(column.type)
    try:
        return list((column if kind == column.type else column.cast(kind)).to_pylist())
    except _ERRORS:
        return _one_by_one(column, kind)


def _one_by_one(column: pa.Array, kind: pa.DataType) -> list[Any]:
    """Return values of which some are not to be had; those of times are looked at all at once."""
    if pa.types.is_timestamp(kind) and kind != column.type:
        cut = column.cast(kind, safe=False)
        is_whole = pc.fill_null(pc.equal(cut.cast(column.type, safe=False), column), True)  # noqa: FBT003 - Arrow's
        values = python_values(pc.if_else(is_whole, cut, None))
        for place in pc.indices_nonzero(pc.invert(is_whole)).to_pylist():
            values[place] = NOT_HELD
        return values
    return [_one(column.slice(place, 1), kind) for place in range(len(column))]


def _one(column: pa.Array, kind: pa.DataType) -> Any:
    try:
        return column.cast(kind).to_pylist()[0]
    except _ERRORS:
        return NOT_HELD


def held_values(column: pa.Array) -> list[Any]:
    """Return a column's values, and the text of each that Python has no room for."""
    values = python_values(column)
    places = _unheld(values)
    if places:
        unheld = rows_at(pa.record_batch([column], ["unheld"]), places).column(0)
        for place, text in zip(places, _texts(unheld), strict=True):
            values[place] = text
    return values


def _unheld(values: list[Any]) -> list[int]:
    return [place for place, value in enumerate(values) if value is NOT_HELD] if NOT_HELD in values else []


def _texts(column: pa.Array) -> Sequence[str]:
    """Return the text of values that Python has no room for."""
    types = pa.types
    if any(
        is_text(column.type) for is_text in (types.is_string, types.is_large_string, types.is_string_view)
    ):
        return [
            value.decode(errors="backslashreplace") for value in column.cast(pa.large_binary()).to_pylist()
        ]
    try:
        texts = list(column.cast(pa.string()).to_pylist())
        return _times(column, texts) if types.is_timestamp(column.type) else texts
    except (pa.ArrowException, AttributeError):
        return [str(column.slice(place, 1)) for place in range(len(column))]


def _times(column: pa.Array, texts: Sequence[str]) -> Sequence[str]:
    """Return Arrow's texts of times as ISO 8601 has them; the number of one that it has no year for."""
    most = _MOST_SECONDS * _A_SECOND[column.type.unit]
    return [
        text.replace(" ", "T") if abs(number) < most else f"<value out of range: {number}>"
        for text, number in zip(texts, column.cast(pa.int64()).to_pylist(), strict=True)
    ]


def _python_type(kind: pa.DataType) -> pa.DataType:
    """Return the type whose values are Python's own: with pandas installed, nanoseconds would be its."""
    if kind in _SHORTER:
        return _SHORTER[kind]
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return pa.timestamp("us", kind.tz)
    if pa.types.is_dictionary(kind):
        return _python_type(kind.value_type)
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_python_type(field.type)) for field in kind])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        made = pa.list_ if pa.types.is_list(kind) else pa.large_list
        return made(kind.value_field.with_type(_python_type(kind.value_type)))
    return kind


_encoder = msgspec.json.Encoder(enc_hook=str)
