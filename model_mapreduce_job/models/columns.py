"""The columns that a model is given: one Arrow schema for the whole run, known before the first record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from model_mapreduce_job.exceptions import ModelContractError
from model_mapreduce_job.models.arrow_types import is_arrow_schema
from model_mapreduce_job.models.fields import JSON_TYPES, NUMBERS, fields_of, json_schema_of, resolved

# The columns of single values, by what JSON Schema calls their type.
ARROW_TYPES = {"number": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_(), "string": pa.string()}
_PLAIN = {NUMBERS: pa.float64(), **{frozenset({name}): kind for name, kind in ARROW_TYPES.items()}}


def column_schema(input_schema: Any, name: str) -> pa.Schema:
    """Return the columns that records of an input_schema have.

    Its own types where it is a pyarrow.Schema; else float64 for numbers, int64 for integers, bool and string,
    lists and structs of these. A field that may be null or missing is nullable. name is how messages call the
    model. Raises ModelContractError where a field's type is not known.
    """
    if is_arrow_schema(input_schema):
        return input_schema
    try:
        whole = json_schema_of(input_schema)
        record = resolved(whole, whole)
        fields = [
            _field(field.name, record, whole, required=field.required) for field in fields_of(input_schema)
        ]
    except TypeError as error:
        raise ModelContractError(
            f"{name} has predict_columns, and its input_schema doesn't say which type {error}. Give each "
            "field one type, or make input_schema a pyarrow.Schema."
        ) from None
    if not fields:
        raise ModelContractError(
            f"{name} has predict_columns, and its input_schema names no fields. Give it one that does, such "
            "as a pyarrow.Schema."
        )
    return pa.schema(fields)


def _field(name: str, record: Any, whole: Any, *, required: bool) -> pa.Field:
    part = record.get("properties", {}).get(name, {})
    kind, nullable = _arrow_type(name, part, whole)
    return pa.field(name, kind, nullable=nullable or not required)


def _arrow_type(name: str, part: Any, whole: Any) -> tuple[pa.DataType, bool]:
    """Return the type of a part of a JSON Schema, and whether it may be null; raises TypeError."""
    part = resolved(part, whole)
    choices = [resolved(choice, whole) for choice in part.get("anyOf", part.get("oneOf", ()))] or [part]
    named = [kind for choice in choices for kind in _type_names(choice)]
    kinds = frozenset(named) - {"null"}
    if kinds == {"string"} and any("contentEncoding" in choice for choice in choices):
        return pa.binary(), "null" in named
    if kinds in _PLAIN:
        return _PLAIN[kinds], "null" in named
    (choice,) = [choice for choice in choices if kinds & set(_type_names(choice))][:1] or [{}]
    if kinds == {"array"} and isinstance(choice.get("items"), Mapping):
        return pa.list_(_arrow_type(f"{name}[...]", choice["items"], whole)[0]), "null" in named
    if kinds == {"object"} and choice.get("properties"):
        inner = [
            pa.field(key, _arrow_type(f"{name}.{key}", below, whole)[0])
            for key, below in choice["properties"].items()
        ]
        return pa.struct(inner), "null" in named
    raise TypeError(f"{name} has" if not kinds else f"{name} has ({' or '.join(sorted(kinds))})")


def _type_names(part: Mapping[str, Any]) -> list[str]:
    named = part.get("type", [])
    if isinstance(named, str):
        named = [named]
    if not named and ("enum" in part or "const" in part):
        values = part.get("enum", [part.get("const")])
        named = sorted({JSON_TYPES.get(type(value), "object") for value in values})
    return list(named)
