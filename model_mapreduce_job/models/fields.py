"""The fields of a schema of any kind, from the JSON Schema that its library writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias, get_args, is_typeddict

import msgspec
from msgspec.structs import replace

from model_mapreduce_job.models.arrow_types import is_arrow_schema, record_type
from model_mapreduce_job.models.type_parts import (
    for_pydantic,
    hints_of,
    is_record_class,
    keeps_its_fields,
    parts_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

NUMBERS = frozenset({"number", "integer"})
# What JSON Schema calls the types of Python's that JSON has for single values.
JSON_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
_CERBERUS = {"float": "number", "dict": "object", "list": "array"}
_MARSHMALLOW = {
    "Integer": "integer",
    "Float": "number",
    "Decimal": "string",
    "Number": "number",
    "Boolean": "boolean",
    "List": "array",
    "Nested": "object",
    "Dict": "object",
}


class Field(msgspec.Struct, frozen=True):
    """A field of a record. types has the JSON Schema names of its types, none when they are not known.

    others has further names that the field may have in a record, such as pydantic's aliases.
    """

    name: str
    types: frozenset[str] = frozenset()
    required: bool = False
    others: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return every name that the field may have in a record, its main name first."""
        return (self.name, *self.others)


def fields_of(schema: Any) -> list[Field]:
    """Return a schema's fields in their order; none for a schema whose fields are not known."""
    return list(_fields_of_class(schema) if keeps_its_fields(schema) else _fields_of(schema))


def _fields_of(schema: Any) -> list[Field]:
    try:
        whole = json_schema_of(schema)
        record = resolved(whole, whole)
        required = frozenset(record.get("required", ()))
        properties = record.get("properties", {})
        # msgspec sorts a TypedDict's fields by name
        names = schema.__annotations__ if is_typeddict(schema) else properties
        plain = [Field(name, _types(properties[name], whole), name in required) for name in names]
        return list({field.name: field for field in _as_the_record_has_them(schema, plain)}.values())
    except Exception:  # noqa: BLE001 - a schema that can't be written as JSON Schema still checks records
        return []


def json_schema_of(schema: Any) -> Mapping[str, Any]:
    """Return the JSON Schema of a schema of any kind, empty for None; raises what its library raises.

    The fields of a pydantic model have their own names in it, not their aliases.
    """
    return _json_schema_of_class(schema) if keeps_its_fields(schema) else _json_schema_of(schema)


def _json_schema_of(schema: Any) -> Mapping[str, Any]:
    if schema is None or isinstance(schema, Mapping):
        return schema or {}
    if is_arrow_schema(schema):
        schema = record_type(schema)
    for belongs, write in _WRITERS:
        if belongs(schema):
            return dict(write(schema))
    return msgspec.json.schema(schema, schema_hook=lambda _: {})


# A run asks a dozen times, and each look at thousands of fields takes a while.
_fields_of_class = lru_cache(maxsize=32)(_fields_of)
_json_schema_of_class = lru_cache(maxsize=32)(_json_schema_of)


def may_be_null(whole: Mapping[str, Any], path: Iterable[str | int]) -> bool:
    """Return whether the value at this path may be null by a JSON Schema."""
    parts = [whole]
    for step in path:
        parts = [
            below for part in parts for choice in _choices(part, whole) for below in _below(choice, step)
        ]
    return any("null" in _types(part, whole) for part in parts)


def _as_the_record_has_them(schema: Any, fields: Sequence[Field]) -> Iterator[Field]:
    """Yield fields under the names that pydantic looks for in a record, and Decimals as text."""
    infos = getattr(schema, "__pydantic_fields__", None)
    older = getattr(schema, "__fields__", {}) if infos is None else {}
    infos = infos or {}
    decimals = set(_decimals(schema))
    for field in fields:
        if field.name in decimals and "string" in field.types:
            field = replace(field, types=field.types - NUMBERS)  # noqa: PLW2901 - the same field, better known
        if field.name in infos:
            yield from _aliased(field, infos[field.name], _validates_by_name(schema))
        elif hasattr(older.get(field.name), "alias"):
            by_name = older[field.name].alias != field.name and _validates_by_name(schema)
            yield replace(field, name=older[field.name].alias, others=(field.name,) if by_name else ())
        else:
            yield field


def _aliased(field: Field, info: Any, by_name: bool) -> Iterator[Field]:
    alias = info.validation_alias
    choices = getattr(alias, "choices", [alias or field.name])
    paths = [getattr(choice, "path", [choice]) for choice in choices]
    names = [path[0] for path in paths if len(path) == 1]
    if by_name and field.name not in names:
        names.append(field.name)
    if names:
        # whether a nested one is there can't be seen from a record's outermost names
        is_alone = all(len(path) == 1 for path in paths)
        yield replace(field, name=names[0], others=tuple(names[1:]), required=field.required and is_alone)
    for path in paths:
        if len(path) > 1:
            kind = "array" if isinstance(path[1], int) else "object"
            yield Field(path[0], frozenset({kind}), field.required and not names)


def _validates_by_name(schema: Any) -> bool:
    config = getattr(schema, "model_config", None) or getattr(schema, "__pydantic_config__", None) or {}
    if not isinstance(config, Mapping):
        config = {}
    older = getattr(getattr(schema, "__config__", None), "allow_population_by_field_name", False)
    return bool(config.get("populate_by_name") or config.get("validate_by_name") or older)


def _decimals(schema: Any) -> Iterator[str]:
    if isinstance(schema, type):
        for name, hint in hints_of(schema).items():
            if hint is Decimal or Decimal in get_args(hint):
                yield name


def _of_pydantics_type(schema: Any) -> dict[str, Any]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - only models that use it need it

    by_alias = not hasattr(schema, "__pydantic_fields__")
    adapter = TypeAdapter(for_pydantic(schema))
    return dict(adapter.json_schema(by_alias=by_alias, schema_generator=_lenient()))


def _of_cerberus(validator: Any) -> dict[str, Any]:
    rules = {str(name): rule for name, rule in validator.schema.items()}
    return {
        "properties": {name: {"type": _cerberus_types(rule)} for name, rule in rules.items()},
        "required": [name for name, rule in rules.items() if rule.get("required", validator.require_all)],
    }


def _of_marshmallow(schema: Any) -> dict[str, Any]:
    fields = (schema() if isinstance(schema, type) else schema).fields
    named = {field.data_key or name: field for name, field in fields.items() if not field.dump_only}
    return {
        "properties": {name: {"type": _marshmallow_types(field)} for name, field in named.items()},
        "required": [name for name, field in named.items() if field.required],
    }


def _cerberus_types(rule: Mapping[str, Any]) -> list[str]:
    named = rule.get("type", [])
    types = [named] if isinstance(named, str) else list(named)
    known = [_CERBERUS.get(name, name) for name in types]
    return [*known, "null"] if rule.get("nullable") and known else known


def _marshmallow_types(field: Any) -> list[str]:
    found = next(
        (_MARSHMALLOW[kind.__name__] for kind in type(field).__mro__ if kind.__name__ in _MARSHMALLOW), ""
    )
    if type(field).__name__ in {"Raw", "Field"}:
        return []
    return [found or "string", *(["null"] if field.allow_none else [])]


def _lenient() -> Any:
    """Return a writer of pydantic's JSON Schema, with an empty one for what JSON Schema can't express."""
    from pydantic.json_schema import GenerateJsonSchema  # noqa: PLC0415 - only models that use it need it

    class Lenient(GenerateJsonSchema):
        def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> dict[str, Any]:  # noqa: ARG002
            return {}

    return Lenient


_Writer: TypeAlias = tuple[Callable[[Any], bool], Callable[[Any], Mapping[str, Any]]]
# How to recognise each library's schemas, and how to write them as JSON Schema.
_WRITERS: tuple[_Writer, ...] = (
    (
        lambda schema: hasattr(schema, "model_json_schema"),
        lambda schema: schema.model_json_schema(by_alias=False, schema_generator=_lenient()),
    ),
    (
        lambda schema: hasattr(schema, "validate_json"),  # a TypeAdapter
        lambda schema: schema.json_schema(schema_generator=_lenient()),
    ),
    (
        lambda schema: hasattr(schema, "json_schema"),  # the library `schema`
        lambda schema: schema.json_schema("record"),
    ),
    (
        lambda schema: hasattr(schema, "schema_json"),  # pydantic before its version 2
        lambda schema: schema.schema(by_alias=False),
    ),
    (
        lambda schema: not isinstance(schema, type) and hasattr(schema, "iter_errors"),  # jsonschema's
        lambda schema: schema.schema,
    ),
    (lambda schema: hasattr(schema, "document_error_tree"), _of_cerberus),
    (lambda schema: hasattr(schema, "_declared_fields"), _of_marshmallow),
    (
        lambda schema: is_record_class(schema) and parts_of(schema).pydantic is not None,
        _of_pydantics_type,
    ),
)


def resolved(part: Any, whole: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a part of a schema, with a reference resolved."""
    if isinstance(part, Mapping) and "$ref" in part:
        definitions = whole.get("$defs") or whole.get("definitions") or {}
        part = definitions.get(part["$ref"].rpartition("/")[2])
    return part if isinstance(part, Mapping) else {}


def _choices(part: Any, whole: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    part = resolved(part, whole)
    yield part
    for choices in ("anyOf", "oneOf", "allOf"):
        for choice in part.get(choices, ()):
            yield from _choices(choice, whole)


def _below(part: Mapping[str, Any], step: str | int) -> Iterator[Any]:
    if isinstance(step, str):
        yield part.get("properties", {}).get(step, part.get("additionalProperties"))
    else:
        places = part.get("prefixItems", ())
        yield places[step] if step < len(places) else part.get("items")


def _types(part: Any, whole: Mapping[str, Any]) -> frozenset[str]:
    part = resolved(part, whole)
    named = part.get("type", [])
    types = {named} if isinstance(named, str) else set(named)
    values = part.get("enum", [part["const"]] if "const" in part else [])
    types.update(JSON_TYPES[type(value)] for value in values if type(value) in JSON_TYPES)
    for choices in ("anyOf", "oneOf", "allOf"):
        types.update(*(_types(choice, whole) for choice in part.get(choices, ())))
    return frozenset(types)
