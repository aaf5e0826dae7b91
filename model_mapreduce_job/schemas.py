"""A model's input_schema, of any kind, as one function that turns JSON text into checked records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from model_mapreduce_job.exceptions import ConfigurationError, ModelContractError
from model_mapreduce_job.fields import fields_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.fields import Field

Decode: TypeAlias = Callable[[bytes], Any]

_SHOWN_CHARACTERS = 300
_decode_any = msgspec.json.Decoder().decode


class ValidationError(ValueError):
    """Raised when a record is not what its schema asks for; says where, and what was expected there."""


@dataclass(frozen=True)
class RecordSchema:
    """How text becomes a record that the model's schema accepts.

    decode takes the JSON text of a record and returns it in the shape that the model's predict expects; it
    raises whatever the schema's library raises. fields has the record's, as far as the schema tells them.
    """

    decode: Decode
    fields: Sequence[Field] = ()


def record_schema(input_schema: Any) -> RecordSchema:
    """Return how to read the records of an input_schema, of any kind that models may have.

    Raises ModelContractError for anything else, ConfigurationError when the kind's library is not installed.
    """
    return RecordSchema(_decoder(input_schema), fields_of(input_schema))


def field_names(schema: Any) -> list[str]:
    """Return the names of a schema's fields in their order, none for a schema that has no fields."""
    return [field.name for field in fields_of(schema)]


def required_names(schema: Any) -> list[str]:
    """Return the names of the fields that a record can't lack, as far as the schema tells them."""
    return [field.name for field in fields_of(schema) if field.required]


def _decoder(input_schema: Any) -> Decode:
    if input_schema is None:
        return _decode_any
    if isinstance(input_schema, Mapping):
        return _json_schema(input_schema)
    if hasattr(input_schema, "model_validate_json"):
        return _pydantic(input_schema)
    if callable(getattr(input_schema, "validate", None)):  # `schema`'s, and pydantic's before its version 2
        return lambda text: input_schema.validate(_decode_any(text))
    return _msgspec(input_schema)


def _msgspec(input_schema: Any) -> Decode:
    try:
        return msgspec.json.Decoder(input_schema).decode
    except TypeError as error:
        raise ModelContractError(
            f"input_schema {input_schema!r} is of no known kind: {error}. It may be a TypedDict, dataclass "
            "or Struct, a pydantic model, a schema.Schema, a JSON Schema as a dict, or None."
        ) from error


def _pydantic(input_schema: Any) -> Decode:
    from pydantic import ValidationError as PydanticError  # noqa: PLC0415 - only models that use it need it

    validate = input_schema.model_validate_json

    def decode(text: bytes) -> Any:
        if b"NaN" in text or b"Infinity" in text:
            _decode_any(text)  # raises where they are bare, which pydantic takes for JSON
        try:
            return validate(text)
        except PydanticError as error:
            problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
            raise _problem(problem["msg"], problem["loc"], error.error_count()) from None

    return decode


def _json_schema(input_schema: Mapping[str, Any]) -> Decode:
    validator = _validator(input_schema)

    def decode(text: bytes) -> Any:
        record = _decode_any(text)
        problems = list(validator.iter_errors(record))
        if problems:
            raise _problem(problems[0].message, problems[0].absolute_path, len(problems))
        return record

    return decode


def _validator(input_schema: Mapping[str, Any]) -> Any:
    try:
        from jsonschema import SchemaError  # noqa: PLC0415 - only models with a JSON Schema need it
        from jsonschema.validators import validator_for  # noqa: PLC0415 - same
    except ImportError as error:
        raise ConfigurationError(
            "The model's input_schema is a JSON Schema, and jsonschema is not installed. "
            "Install it: pip install 'model_mapreduce_job[jsonschema]'."
        ) from error
    validator = validator_for(input_schema)
    try:
        validator.check_schema(input_schema)
    except SchemaError as error:
        raise ModelContractError(
            f"The model's input_schema is no valid JSON Schema: {error.message} - at `{error.json_path}`."
        ) from error
    return validator(input_schema)


def _problem(message: str, path: Any, count: int) -> ValidationError:
    """Return the error that names the first of a record's problems in the words that msgspec has for it."""
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    more = f" (and {count - 1} more)" if count > 1 else ""
    return ValidationError(f"{message[:_SHOWN_CHARACTERS]} - at `${place}`{more}")
