"""The fields of a schema whose JSON Schema says all that there is to check of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, is_typeddict

import msgspec

from model_mapreduce_job.models.fields import json_schema_of, resolved
from model_mapreduce_job.models.type_parts import is_record_class, parts_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

_RECORD_WORDS = frozenset({"type", "title", "description", "properties", "required", "$defs"})
_FIELD_WORDS = frozenset({"type", "title", "description", "default", "examples", "enum"})
_BOUNDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_ARROW_NAMES = {"number": "double", "integer": "int64", "boolean": "bool", "string": "string"}


class PlainField(msgspec.Struct, frozen=True):
    """A field of one type: number, integer, boolean or string.

    With nullable a missing value is null, with empty_is_text an empty one a text; else there is none, or a
    default. bounds has limits under JSON Schema's names; choices has the texts that it may be, None for any.
    """

    name: str
    kind: str
    nullable: bool = False
    empty_is_text: bool = False
    bounds: Mapping[str, float] = msgspec.field(default_factory=dict)
    choices: Sequence[str] | None = None


class PlainColumns(msgspec.Struct, frozen=True):
    """Fields that columns show all of, and the Arrow schema that the columns have."""

    fields: Sequence[PlainField]
    schema: pa.Schema


def plain_columns(input_schema: Any, schema: pa.Schema) -> PlainColumns | None:
    """Return the fields of an input_schema with these columns; None where columns can't show all of it."""
    fields = plain_fields(input_schema)
    if fields is None or [field.name for field in fields] != schema.names:
        return None
    types = [_ARROW_NAMES[field.kind] for field in fields]
    return PlainColumns(fields, schema) if types == list(map(str, schema.types)) else None


def plain_fields(schema: Any) -> list[PlainField] | None:
    """Return a schema's fields, in their order; None where columns can't show all that the schema checks.

    They can for a TypedDict, dataclass or Struct without code of its own, whose fields are single values.
    """
    try:
        if not is_record_class(schema) or hasattr(schema, "__post_init__") or parts_of(schema).pydantic:
            return None
        whole = json_schema_of(schema)
        record = resolved(whole, whole)
        if record.keys() - _RECORD_WORDS:
            return None
        required = record.get("required", ())
        properties = record.get("properties", {})
        order = schema.__annotations__ if is_typeddict(schema) else properties
        names = list(order if set(order) == set(properties) else properties)
        fields = [_field(name, properties[name], name in required) for name in names]
    except Exception:  # noqa: BLE001 - a schema that can't be written as JSON Schema proves nothing
        return None
    known = [field for field in fields if field is not None]
    return known if len(known) == len(properties) == len(fields) else None


def _field(name: str, part: Mapping[str, Any], required: bool) -> PlainField | None:
    choices = part.get("anyOf", [part])
    nulls = [choice for choice in choices if choice.get("type") == "null"]
    values = [choice for choice in choices if choice.get("type") != "null"]
    outer = part.keys() - {"anyOf"} if "anyOf" in part else set()
    if len(values) != 1 or outer - _FIELD_WORDS:
        return None
    value = values[0]
    kind = value.get("type") or ("string" if "enum" in value else None)
    texts = value.get("enum")
    if kind not in _ARROW_NAMES or value.keys() - _FIELD_WORDS - _BOUNDS or not _are_texts(texts, kind):
        return None
    bounds = {word: value[word] for word in _BOUNDS & value.keys()}
    nullable = bool(nulls) if required else part.get("default") is None
    empty_is_text = required and kind == "string" and not nulls
    return PlainField(name, kind, nullable, empty_is_text, bounds, texts)


def _are_texts(choices: Any, kind: str) -> bool:
    return choices is None or (kind == "string" and all(isinstance(choice, str) for choice in choices))
