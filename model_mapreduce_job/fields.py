"""The fields of a schema of any kind, by way of the JSON Schema that its library writes for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, is_typeddict

import msgspec

NUMBERS = frozenset({"number", "integer"})
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


@dataclass(frozen=True)
class Field:
    """A field of a record. types has JSON Schema's names for what it may hold, none when that is not told."""

    name: str
    types: frozenset[str] = frozenset()
    required: bool = False


def fields_of(schema: Any) -> list[Field]:
    """Return a schema's fields in their order; none for a schema that has none or can't tell them."""
    try:
        whole = _as_json_schema(schema)
        record = _resolved(whole, whole)
        required = record.get("required", ())
        properties = record.get("properties", {})
        # msgspec has a TypedDict's fields in the order of the alphabet
        names = schema.__annotations__ if is_typeddict(schema) else properties
        return [Field(name, _types(properties[name], whole), name in required) for name in names]
    except Exception:  # noqa: BLE001 - a schema that can't be written as JSON Schema still checks records
        return []


def _as_json_schema(schema: Any) -> Mapping[str, Any]:
    if schema is None or isinstance(schema, Mapping):
        return schema or {}
    if hasattr(schema, "model_json_schema"):
        return dict(schema.model_json_schema())
    if hasattr(schema, "json_schema"):
        return dict(schema.json_schema("record"))  # the library `schema`
    if hasattr(schema, "schema_json"):
        return dict(schema.schema())  # pydantic before its version 2
    return msgspec.json.schema(schema)


def _resolved(part: Any, whole: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a part of a schema, or the definition elsewhere in it that the part refers to."""
    if isinstance(part, Mapping) and "$ref" in part:
        definitions = whole.get("$defs") or whole.get("definitions") or {}
        part = definitions.get(part["$ref"].rpartition("/")[2])
    return part if isinstance(part, Mapping) else {}


def _types(part: Any, whole: Mapping[str, Any]) -> frozenset[str]:
    part = _resolved(part, whole)
    named = part.get("type", [])
    types = {named} if isinstance(named, str) else set(named)
    values = part.get("enum", [part["const"]] if "const" in part else [])
    types.update(_TYPES[type(value)] for value in values if type(value) in _TYPES)
    for choices in ("anyOf", "oneOf", "allOf"):
        types.update(*(_types(choice, whole) for choice in part.get(choices, ())))
    return frozenset(types)
