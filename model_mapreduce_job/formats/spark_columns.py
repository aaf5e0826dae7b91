"""Arrow's types of columns as Spark has them: which it reads, and which it writes unchanged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from model_mapreduce_job.exceptions import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SAME: Final = {
    pa.bool_(): "boolean",
    pa.int8(): "byte",
    pa.int16(): "short",
    pa.int32(): "integer",
    pa.int64(): "long",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.string(): "string",
    pa.binary(): "binary",
    pa.date32(): "date",
}
# Arrow's other ways to hold the same texts and bytes: a file has one type for all of them.
_ALIKE: Final = {
    pa.large_string(): "string",
    pa.string_view(): "string",
    pa.large_binary(): "binary",
    pa.binary_view(): "binary",
}
# What Spark reads as a type that has each of their values, and would write as that one.
_WIDER: Final = {
    pa.uint8(): "short",
    pa.uint16(): "integer",
    pa.uint32(): "long",
    pa.uint64(): "decimal(20,0)",
}
_LEAVES: Final = {**_SAME, **_ALIKE, **_WIDER}
_MOST_DIGITS: Final = 38


def read_columns(columns: Iterable[pa.Field]) -> str:
    """Return columns of files as Spark's JSON has them, for its readers.

    Raises InputError, which names column and type, for one that Spark does not read.
    """
    return _as_json(columns, "can't read this")


def written_columns(schema: pa.Schema, table: str) -> str:
    """Return the columns of an output in this format as Spark's JSON has them, for its writers.

    Raises InputError for one that a reader of its files would get as another type than where the job itself
    writes them.
    """
    for field in schema:
        if not all(_is_kept(kind, table) for kind in _leaves(field.type)):
            raise _refusal(field, f"writes another type in {table}")
    return _as_json(schema, "can't write this")


def spark_arrow_schema(schema: pa.Schema) -> pa.Schema:
    """Return the types that Spark takes columns of an output in."""
    return pa.schema([field.with_type(_plain(field.type)) for field in schema])


def as_type(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return a column as a type that has each of its values."""
    if column.type == kind:
        return column
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type).dictionary_encode().cast(kind)
    return _nested_as(column, kind) if pa.types.is_nested(kind) else column.cast(kind)


def _nested_as(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return a nested column as another type; a cast refuses null structs whose fields have no nulls."""
    if column.offset:
        column = pa.concat_arrays([column, column.slice(0, 0)])
    if pa.types.is_struct(kind):
        children = [as_type(column.field(number), field.type) for number, field in enumerate(kind)]
        return pa.Array.from_buffers(kind, len(column), column.buffers()[:1], children=children)
    if pa.types.is_map(kind):
        entries = pa.struct([kind.key_field, kind.item_field])
        pairs = [as_type(column.keys, kind.key_type), as_type(column.items, kind.item_type)]
        children = [pa.StructArray.from_arrays(pairs, fields=list(entries))]
    else:
        children = [as_type(column.values, kind.value_type)]
    offsets = column.offsets.cast(pa.int64() if pa.types.is_large_list(kind) else pa.int32())
    buffers = [column.buffers()[0], offsets.buffers()[1]]
    return pa.Array.from_buffers(kind, len(column), buffers, children=children)


def _as_json(columns: Iterable[pa.Field], what: str) -> str:
    fields = []
    for field in columns:
        try:
            fields.append(_field(field.name, field.type, nullable=True))
        except KeyError:
            raise _refusal(field, what) from None
    return json.dumps({"type": "struct", "fields": fields})


def _refusal(field: pa.Field, what: str) -> InputError:
    return InputError(
        f"Spark {what}: the column {field.name} is {field.type}. Leave it out with --key and the model's "
        "schema, write text, or run with -r local."
    )


def _field(name: str, kind: pa.DataType, *, nullable: bool) -> dict[str, Any]:
    return {"name": name, "type": _spark_type(kind), "nullable": nullable, "metadata": {}}


def _spark_type(kind: pa.DataType) -> Any:
    """Return Spark's type, as its JSON has it; raises KeyError for a type that it has none for."""
    types = pa.types
    if types.is_dictionary(kind):
        return _spark_type(kind.value_type)
    if types.is_decimal128(kind) and 0 <= kind.scale <= kind.precision <= _MOST_DIGITS:
        return f"decimal({kind.precision},{kind.scale})"
    if types.is_timestamp(kind) and kind.unit != "ns":
        return "timestamp" if kind.tz else "timestamp_ntz"
    if types.is_fixed_size_binary(kind):
        return "binary"
    return _nested(kind) if types.is_nested(kind) else _LEAVES[kind]


def _nested(kind: pa.DataType) -> dict[str, Any]:
    types = pa.types
    if types.is_list(kind) or types.is_large_list(kind):
        element = {"elementType": _spark_type(kind.value_type), "containsNull": kind.value_field.nullable}
        return {"type": "array", **element}
    if types.is_map(kind):
        value = {"valueType": _spark_type(kind.item_type), "valueContainsNull": kind.item_field.nullable}
        return {"type": "map", "keyType": _spark_type(kind.key_type), **value}
    if types.is_struct(kind) and kind.num_fields:
        fields = [_field(field.name, field.type, nullable=field.nullable) for field in kind]
        return {"type": "struct", "fields": fields}
    raise KeyError(str(kind))


def _leaves(kind: pa.DataType) -> Iterator[pa.DataType]:
    """Yield the types within a type that are made of no others."""
    if pa.types.is_nested(kind):
        for number in range(kind.num_fields):
            yield from _leaves(kind.field(number).type)
    else:
        yield kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_kept(kind: pa.DataType, table: str) -> bool:
    """Return whether what Spark writes of a type is read as the same type again."""
    if pa.types.is_timestamp(kind):
        return table == "parquet" and kind.unit == "us" and kind.tz in {None, "UTC"}
    return kind in _SAME or kind in _ALIKE or pa.types.is_decimal128(kind)


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return the type that Spark takes values of a type in."""
    types = pa.types
    if types.is_dictionary(kind):
        return _plain(kind.value_type)
    if types.is_list(kind) or types.is_large_list(kind):
        return pa.list_(kind.value_field.with_type(_plain(kind.value_type)))
    if types.is_map(kind):
        return pa.map_(_plain(kind.key_type), kind.item_field.with_type(_plain(kind.item_type)))
    if types.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type)) for field in kind])
    return {"string": pa.string(), "binary": pa.binary()}.get(_ALIKE.get(kind, ""), kind)
