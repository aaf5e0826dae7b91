"""A pyarrow.Schema as the type of records that text is decoded to: msgspec checks what a column can hold."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, NotRequired, TypedDict

import msgspec

from model_mapreduce_job.exceptions import ModelContractError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

# The largest floats of 16 and of 32 bits: a larger number would become infinite in a column of them.
_LARGEST = {16: 65504.0, 32: (2 - 2**-23) * 2.0**127}


def is_arrow_schema(schema: Any) -> bool:
    """Return whether a schema is a pyarrow.Schema; imports nothing."""
    kind = type(schema)
    return kind.__module__.partition(".")[0] == "pyarrow" and kind.__name__ == "Schema"


def record_type(schema: pa.Schema) -> type:
    """Return the type of a record of these columns, a dict; one that is nullable may be null or missing.

    Raises ModelContractError for a type that JSON has no values for.
    """
    return _dict("Record", list(schema))


def _dict(name: str, fields: list[pa.Field]) -> type:
    make: Any = TypedDict
    kind: type = make(name, {field.name: _hint(field) for field in fields})
    return kind


def _hint(field: pa.Field) -> Any:
    kind = _python_type(field)
    return NotRequired[kind | None] if field.nullable else kind


def _python_type(field: pa.Field) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - a schema of its types is there, so it is

    kind = field.type
    made = next((make(kind) for fits, make in _MAKERS if getattr(pa.types, fits)(kind)), None)
    python = made or next((python for fits, python in _TYPES if getattr(pa.types, fits)(kind)), None)
    if python is None:
        raise ModelContractError(
            f"input_schema has the column {field.name} of {kind}, which text can't hold. Give it another "
            "type."
        )
    return python


def _optional(field: pa.Field) -> Any:
    kind = _python_type(field)
    return kind | None if field.nullable else kind


def _integer(kind: pa.DataType) -> Any:
    is_unsigned = str(kind).startswith("u")
    bits = kind.bit_width - (not is_unsigned)
    if kind.bit_width == 64:  # noqa: PLR2004 - msgspec takes no limit of more bits; Arrow checks it
        return Annotated[int, msgspec.Meta(ge=0)] if is_unsigned else int
    return Annotated[int, msgspec.Meta(ge=0 if is_unsigned else -(2**bits), le=2**bits - 1)]


def _float(kind: pa.DataType) -> Any:
    largest = _LARGEST.get(kind.bit_width)
    return Annotated[float, msgspec.Meta(ge=-largest, le=largest)] if largest else float


def _list(kind: pa.DataType) -> Any:
    return list[_optional(kind.value_field)]  # type: ignore[misc]  # made here


def _map(kind: pa.DataType) -> Any:
    """Return the type of a map; None where its keys are none that JSON can write as names."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    if pa.types.is_nested(kind.key_type) or pa.types.is_boolean(kind.key_type):
        return None
    return dict[_python_type(kind.key_field), _optional(kind.item_field)]  # type: ignore[misc]  # made here


def _struct(kind: pa.DataType) -> Any:
    return _dict("Struct", [kind.field(place) for place in range(kind.num_fields)])


def _fixed_size_binary(kind: pa.DataType) -> Any:
    return Annotated[bytes, msgspec.Meta(min_length=kind.byte_width, max_length=kind.byte_width)]


def _value_type(kind: pa.DataType) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above

    return _python_type(pa.field("values", kind.value_type))


_MAKERS: tuple[tuple[str, Callable[[pa.DataType], Any]], ...] = (
    ("is_dictionary", _value_type),
    ("is_integer", _integer),
    ("is_floating", _float),
    ("is_list", _list),
    ("is_large_list", _list),
    ("is_fixed_size_list", _list),
    ("is_map", _map),
    ("is_struct", _struct),
    ("is_fixed_size_binary", _fixed_size_binary),
)
_TYPES: tuple[tuple[str, Any], ...] = (
    ("is_boolean", bool),
    ("is_string", str),
    ("is_large_string", str),
    ("is_string_view", str),
    ("is_decimal", Decimal),
    ("is_timestamp", dt.datetime),
    ("is_date", dt.date),
    ("is_time", dt.time),
    ("is_duration", dt.timedelta),
    ("is_binary", bytes),
    ("is_large_binary", bytes),
    ("is_binary_view", bytes),
)
