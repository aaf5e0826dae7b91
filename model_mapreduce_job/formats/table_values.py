"""The values of Arrow's columns as Python has them, and the rows of a batch as JSON."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from model_mapreduce_job.formats.arrow_records import rows_at
from model_mapreduce_job.formats.encoding import spaced_texts
from model_mapreduce_job.models.arrow_arrays import arrow_array
from model_mapreduce_job.models.arrow_maps import as_dicts, has_maps

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

# Whatever Python's own types have no room for raises one of these.
_ERRORS = (ValueError, OverflowError)
_FALSE = arrow_array([False], pa.bool_())[0]  # Arrow would import pandas for Python's
NOT_HELD: Final = object()
# Arrow writes years of 16 bits.
_MOST_SECONDS: Final = 32_000 * 365 * 86_400
_A_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_SHORTER: Final = {pa.duration("ns"): pa.duration("us"), pa.time64("ns"): pa.time64("us")}


def python_rows(
    batch: pa.RecordBatch, objects: Collection[str] = ()
) -> tuple[list[dict[str, Any]], dict[int, ValueError]]:
    """Return the rows of a batch with their columns' values, and an error for each that Python can't hold.

    The maps of the columns that objects names are dicts, others lists of pairs.
    """
    names = batch.schema.names
    columns = [
        _with_dicts(column) if name in objects and has_maps(column.type) else python_values(column)
        for name, column in zip(names, batch.columns, strict=True)
    ]
    unheld = {
        place: _error(name, _alone(column, place))
        for name, column, values in zip(names, batch.columns, columns, strict=True)
        for place in _unheld(values)
    }
    return list(map(dict, map(zip, repeat(names), zip(*columns, strict=True)))), unheld


def row_texts(batch: pa.RecordBatch) -> list[bytes]:
    """Return the rows of a batch as JSON objects, spaced as json.dumps does it.

    Times are ISO 8601, decimals are text, bytes base64; NaN and Infinity, which JSON has no room for, null.
    """
    columns = map(held_values, batch.columns)
    rows = map(dict, map(zip, repeat(batch.schema.names), zip(*columns, strict=True)))
    return spaced_texts(_encoder.encode_lines(list(rows)))


def _is_utf_8(column: pa.Array) -> bool:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid as error:  # of dates that are no whole days as well
        return "UTF8" not in str(error)
    return True


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
        is_cut = pc.not_equal(cut.cast(column.type, safe=False), column).fill_null(_FALSE)
        values = python_values(pc.if_else(is_cut, pa.nulls(1, kind)[0], cut))
        for place in pc.indices_nonzero(is_cut).to_pylist():
            values[place] = NOT_HELD
        return values
    return [_one(_alone(column, place), kind) for place in range(len(column))]


def _alone(column: pa.Array, place: int) -> pa.Array:
    """Return one value of a column, without those beside it: a cast looks at all that nested ones hold."""
    return pa.concat_arrays([column.slice(place, 1), column.slice(0, 0)])


def _one(column: pa.Array, kind: pa.DataType) -> Any:
    try:
        return column.cast(kind).to_pylist()[0]
    except _ERRORS:
        return NOT_HELD


def held_values(column: pa.Array) -> list[Any]:
    """Return a column's values, and texts for what of them Python has no room for, at any depth."""
    values = python_values(column)
    if places := _unheld(values):
        unheld = rows_at(pa.record_batch([column], ["unheld"]), places).column(0)
        for place, value in zip(places, _shown(unheld), strict=True):
            values[place] = value
    return values


def _shown(column: pa.Array) -> Sequence[Any]:
    """Return values of a column that has none that Python has room for."""
    kind, types = column.type, pa.types
    if types.is_dictionary(kind):
        return _shown(column.dictionary_decode())
    if types.is_struct(kind):
        rows = zip(*map(held_values, column.flatten()), strict=True)
        return [{field.name: value for field, value in zip(kind, row, strict=True)} for row in rows]
    if types.is_map(kind):
        entries = (_alone(column, place) for place in range(len(column)))
        return [list(zip(held_values(one.keys), held_values(one.items), strict=True)) for one in entries]
    if any(is_list(kind) for is_list in (types.is_list, types.is_large_list, types.is_fixed_size_list)):
        return [held_values(_alone(column, place).flatten()) for place in range(len(column))]
    return _texts(column)


def _with_dicts(column: pa.Array) -> list[Any]:
    """Return a column's values with a dict for each map, NOT_HELD where a key comes twice."""
    values = python_values(column)
    for place, value in enumerate(values):
        try:
            values[place] = value if value is NOT_HELD else as_dicts(value, column.type)
        except ValueError:
            values[place] = NOT_HELD
    return values


def _error(name: str, column: pa.Array) -> ValueError:
    """Return why Python has no room for the only value of a column."""
    (value,) = held_values(column)
    shown = value if isinstance(value, str) else spaced_texts(_encoder.encode_lines([value]))[0].decode()
    if not _is_utf_8(column):
        return ValueError(f"{name} has text that is no UTF-8: {shown}")
    if python_values(column) != [NOT_HELD]:
        return ValueError(f"{name} is a map with a key that comes twice: {shown}")
    return ValueError(f"Python has no room for the value of {name}, {shown}")


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
    if types.is_duration(column.type):
        return [_duration(number, column.type.unit) for number in column.cast(pa.int64()).to_pylist()]
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


def _duration(number: int, unit: str) -> str:
    """Return a length of time as ISO 8601 has it."""
    whole, part = divmod(abs(number), _A_SECOND[unit])
    digits = str(part + _A_SECOND[unit])[1:].rstrip("0")
    return f"{'-' if number < 0 else ''}PT{whole}{f'.{digits}' if digits else ''}S"


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
    if pa.types.is_map(kind):
        return pa.map_(_python_type(kind.key_type), kind.item_field.with_type(_python_type(kind.item_type)))
    return _python_list(kind) if hasattr(kind, "value_field") else kind


def _python_list(kind: pa.DataType) -> pa.DataType:
    values = kind.value_field.with_type(_python_type(kind.value_type))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(values, kind.list_size)
    makers = {pa.types.is_list: pa.list_, pa.types.is_large_list: pa.large_list}
    return next((make(values) for is_one, make in makers.items() if is_one(kind)), kind)


_encoder = msgspec.json.Encoder(enc_hook=str)
