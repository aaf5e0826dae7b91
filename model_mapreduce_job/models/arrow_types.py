"""A pyarrow.Schema as the type of records that text is decoded to: msgspec checks what a column can hold."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, NotRequired, TypedDict

import msgspec

from model_mapreduce_job.exceptions import ModelContractError

if TYPE_CHECKING:
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

    kind, types = field.type, pa.types
    if types.is_dictionary(kind):
        return _python_type(pa.field(field.name, kind.value_type))
    if types.is_integer(kind):
        return _integer(kind)
    if types.is_floating(kind) and kind.bit_width in _LARGEST:
        largest = _LARGEST[kind.bit_width]
        return Annotated[float, msgspec.Meta(ge=-largest, le=largest)]
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        inner = _python_type(kind.value_field)
        return list[inner | None] if kind.value_field.nullable else list[inner]  # type: ignore[valid-type]  # made here
    if types.is_struct(kind):
        return _dict("Struct", [kind.field(place) for place in range(kind.num_fields)])
    for fits, python in _TYPES:
        if getattr(types, fits)(kind):
            return python
    raise ModelContractError(
        f"input_schema has the column {field.name} of {kind}, which text can't hold. Give it another type."
    )


def _integer(kind: pa.DataType) -> Any:
    is_unsigned = str(kind).startswith("u")
    bits = kind.bit_width - (not is_unsigned)
    if kind.bit_width == 64:  # noqa: PLR2004 - msgspec takes no limit of more bits; Arrow checks it
        return Annotated[int, msgspec.Meta(ge=0)] if is_unsigned else int
    return Annotated[int, msgspec.Meta(ge=0 if is_unsigned else -(2**bits), le=2**bits - 1)]


_TYPES: tuple[tuple[str, Any], ...] = (
    ("is_boolean", bool),
    ("is_floating", float),
    ("is_string", str),
    ("is_large_string", str),
    ("is_decimal", Decimal),
    ("is_timestamp", dt.datetime),
    ("is_date", dt.date),
    ("is_time", dt.time),
    ("is_duration", dt.timedelta),
    ("is_binary", bytes),
    ("is_large_binary", bytes),
)
