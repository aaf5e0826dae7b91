"""A model's input_schema, of any kind, as one pair of functions that turn text into checked records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from model_mapreduce_job.exceptions import ConfigurationError, ModelContractError

Decode: TypeAlias = Callable[[bytes], Any]
Convert: TypeAlias = Callable[[dict[str, Any]], Any]

_decode_any = msgspec.json.Decoder().decode


@dataclass(frozen=True)
class RecordSchema:
    """How text becomes a record that the model's schema accepts.

    decode takes the JSON text of a record. convert takes the cells of a table's row by column name, all
    of them text, and turns them into the numbers that the schema asks for. Both return the record in the
    shape that the model's predict expects, and raise whatever the schema's library raises.
    """

    decode: Decode
    convert: Convert


def record_schema(input_schema: Any) -> RecordSchema:
    """Return the functions for an input_schema: None, a JSON Schema dict, pydantic, `schema`, or msgspec's kinds.

    Raises ModelContractError for anything else.
    """
    if input_schema is None:
        return RecordSchema(_decode_any, dict)
    if isinstance(input_schema, Mapping):
        return _json_schema(input_schema)
    if hasattr(input_schema, "model_validate_json"):
        return _with_empty_cells(input_schema.model_validate_json, input_schema.model_validate)
    if callable(getattr(input_schema, "validate", None)):
        return _schema_library(input_schema)
    return _msgspec(input_schema)


def field_names(schema: Any) -> list[str]:
    """Return the names of a schema's fields in their order, none for a schema that has no fields."""
    if isinstance(schema, Mapping):
        return list(schema.get("properties", ()))
    for attribute in ("model_fields", "schema", "__struct_fields__", "__annotations__"):
        fields = getattr(schema, attribute, None)
        if isinstance(fields, Mapping | tuple):
            return list(map(str, fields))
    return []


def required_names(schema: Any) -> list[str]:
    """Return the names of the fields that a record can't lack, as far as the schema's kind tells them."""
    if isinstance(schema, Mapping):
        return list(schema.get("required", ()))
    if hasattr(schema, "model_fields"):
        return [name for name, part in schema.model_fields.items() if part.is_required()]
    try:
        fields = getattr(msgspec.inspect.type_info(schema), "fields", ())
    except TypeError:
        return []
    return [field.encode_name for field in fields if field.required]


def _msgspec(input_schema: Any) -> RecordSchema:
    try:
        decode = msgspec.json.Decoder(input_schema).decode
    except TypeError as error:
        raise ModelContractError(
            f"input_schema {input_schema!r} is of no known kind: {error}. It may be a TypedDict, dataclass or "
            "Struct, a pydantic model, a schema.Schema, a JSON Schema as a dict, or None."
        ) from error
    return _with_empty_cells(decode, lambda cells: msgspec.convert(cells, input_schema, strict=False))


def _schema_library(input_schema: Any) -> RecordSchema:
    fields = getattr(input_schema, "schema", None)
    kinds = {str(name): kind for name, kind in fields.items()} if isinstance(fields, Mapping) else {}

    def decode(text: bytes) -> Any:
        return input_schema.validate(_decode_any(text))

    def convert(cells: dict[str, Any]) -> Any:
        return input_schema.validate(_cast(cells, kinds))

    return _with_empty_cells(decode, convert)


def _json_schema(input_schema: Mapping[str, Any]) -> RecordSchema:
    try:
        from jsonschema.validators import validator_for  # noqa: PLC0415 - only models with a JSON Schema need it
    except ImportError as error:
        raise ConfigurationError(
            "The model's input_schema is a JSON Schema, and jsonschema is not installed. "
            "Install it: pip install 'model_mapreduce_job[jsonschema]'."
        ) from error
    validate = validator_for(input_schema)(input_schema).validate
    kinds = {name: _JSON_TYPES.get(str(part.get("type")), str) for name, part in _properties(input_schema)}

    def decode(text: bytes) -> Any:
        return _checked(validate, _decode_any(text))

    def convert(cells: dict[str, Any]) -> Any:
        return _checked(validate, _cast(cells, kinds))

    return _with_empty_cells(decode, convert)


_JSON_TYPES: dict[str, type] = {"number": float, "integer": int, "boolean": bool}


def _properties(input_schema: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    found = input_schema.get("properties", {}).items()
    return [(name, part) for name, part in found if isinstance(part, Mapping)]


def _checked(validate: Callable[[Any], None], record: Any) -> Any:
    validate(record)
    return record


def _cast(cells: dict[str, Any], kinds: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _cast_cell(text, kinds.get(name)) for name, text in cells.items()}


def _cast_cell(text: str, kind: Any) -> Any:
    if kind not in (float, int, bool):
        return text
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError:
        return text  # the schema's own library says what is wrong with it


def _with_empty_cells(decode: Decode, convert: Convert) -> RecordSchema:
    """Read an empty cell as a field that is missing, or as empty text where the schema insists on the field."""

    def convert_present(cells: dict[str, Any]) -> Any:
        present = {name: text for name, text in cells.items() if text != ""}  # noqa: PLC1901 - cells are text
        if len(present) == len(cells):
            return convert(cells)
        try:
            return convert(present)
        except Exception as missing:
            try:
                return convert(cells)
            except Exception:  # noqa: BLE001 - a schema's library raises errors of its own
                raise missing from None

    return RecordSchema(decode, convert_present)
