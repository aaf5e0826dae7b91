"""Turns a model's input_schema, of any kind, into functions from JSON text, or values, to checked records."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import msgspec

from model_mapreduce_job.exceptions import ModelContractError
from model_mapreduce_job.models.arrow_types import is_arrow_schema, record_type
from model_mapreduce_job.models.fields import fields_of, json_schema_of, may_be_null
from model_mapreduce_job.models.json_text import (
    decode_any,
    first_constant,
    holds_infinity,
    may_be_out_of_range,
    without_constants,
)
from model_mapreduce_job.models.type_parts import TypeParts, for_pydantic, is_record_class, parts_of
from model_mapreduce_job.models.validators import (
    ValidationError,
    json_schema_check,
    problem,
    validate_check,
    validator_check,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.models.fields import Field
    from model_mapreduce_job.models.validators import Check

__all__ = ["RecordSchema", "ValidationError", "field_names", "record_schema", "required_names"]

Decode: TypeAlias = Callable[[bytes], Any]

_MOST_ERRORS = 1000


class RecordSchema(msgspec.Struct, frozen=True):
    """How to decode and check a model's records.

    decode takes the JSON text of a record and returns it in the shape that the model's predict expects; it
    raises what the schema's library raises. decode_nan also takes NaN and Infinity as Python writes them: NaN
    is null where the schema takes null, else NaN. convert takes a record whose values are Python's own, as a
    table has them. fields has the record's fields, as far as they are known. shows_values says that the
    message of a failure may have the value that doesn't fit.
    """

    decode: Decode
    fields: Sequence[Field] = ()
    decode_nan: Decode = decode_any
    convert: Check = lambda record: record
    shows_values: bool = False


class _Kind(msgspec.Struct, frozen=True):
    """How a kind of schema decodes JSON text, JSON text with NaN in it, and Python's own values."""

    decode: Decode
    decode_nan: Decode
    convert: Check


def record_schema(input_schema: Any) -> RecordSchema:
    """Return how to read the records of an input_schema, of any kind that models may have.

    Raises ModelContractError for an unknown kind, and for constraints that no library would check;
    ConfigurationError when the kind's library is not installed.
    """
    if is_arrow_schema(input_schema):
        return record_schema(record_type(input_schema))
    kind = _kind(input_schema)
    try:
        whole = json_schema_of(input_schema)
    except Exception:  # noqa: BLE001 - a schema that can't be written as JSON Schema still checks records
        whole = {}

    def decode_nan(text: bytes) -> Any:
        if first_constant(text) is None:
            return kind.decode(text)
        return kind.decode_nan(without_constants(text, lambda path: not may_be_null(whole, path)))

    return RecordSchema(kind.decode, fields_of(input_schema), decode_nan, kind.convert)


def field_names(schema: Any) -> list[str]:
    """Return the names of a schema's fields in their order, none for a schema that has no fields."""
    return [field.name for field in fields_of(schema)]


def required_names(schema: Any) -> list[str]:
    """Return the names of the required fields, as far as they are known."""
    return [field.name for field in fields_of(schema) if field.required]


def _kind(schema: Any) -> _Kind:
    if schema is None:
        return _Kind(decode_any, json.loads, lambda record: record)
    if hasattr(schema, "model_validate_json"):
        return _pydantic(schema.model_validate_json, schema.model_validate)
    if hasattr(schema, "validate_json"):  # a TypeAdapter
        return _pydantic(schema.validate_json, schema.validate_python)
    check = _check(schema)
    if check is None:
        return _type(schema)
    # JSON Schema has words for what JSON has, and none for Python's times, bytes and decimals
    is_of_json = isinstance(schema, Mapping) or hasattr(schema, "iter_errors")
    return _checked(check, msgspec.to_builtins if is_of_json else None)


def _check(schema: Any) -> Check | None:
    """Return a function that checks decoded records; None for a type that msgspec or pydantic decodes to."""
    if isinstance(schema, Mapping):
        return json_schema_check(schema)
    if hasattr(schema, "__pydantic_model__"):  # a dataclass of pydantic before its version 2
        (validate,) = schema.__get_validators__()
        return cast("Check", validate)
    if hasattr(schema, "parse_obj"):  # a model of pydantic before its version 2
        return cast("Check", schema.validate)
    if is_record_class(schema) or not callable(getattr(schema, "validate", None)):
        return validator_check(schema)
    return validator_check(schema) or validate_check(schema)


def _checked(check: Check, plain: Check | None) -> _Kind:
    return _Kind(
        lambda text: check(decode_any(text)),
        lambda text: check(json.loads(text)),
        (lambda record: check(plain(record))) if plain else check,
    )


def _type(schema: Any) -> _Kind:
    parts = parts_of(schema)
    if parts.pydantic is None:
        return _msgspec(schema, parts)
    if parts.meta is not None:
        raise ModelContractError(
            f"input_schema {_name(schema)} has constraints of msgspec ({parts.meta!r}) and of pydantic "
            f"({parts.pydantic!r}), and neither library checks the other's. Write all of them in one way."
        )
    adapter = _adapter(schema, parts)
    return _pydantic(adapter.validate_json, adapter.validate_python)


def _msgspec(schema: Any, parts: TypeParts) -> _Kind:
    if parts.problems:
        raise ModelContractError(f"input_schema {_name(schema)} can't be checked: {parts.problems[0]}.")
    # msgspec only finds a non-ASCII name after its UTF-8 was cached in the string, which encoding it does
    msgspec.json.encode(parts.names)
    try:
        decode = msgspec.json.Decoder(schema).decode
    except (TypeError, NameError, AttributeError) as error:
        raise ModelContractError(
            f"input_schema {schema!r} is of no known kind: {error}. It may be a TypedDict, dataclass "
            "or Struct, a pydantic model, a schema.Schema, a JSON Schema as a dict, or None."
        ) from error
    return _Kind(
        decode, lambda text: msgspec.convert(json.loads(text), schema), partial(msgspec.convert, type=schema)
    )


def _adapter(schema: Any, parts: TypeParts) -> Any:
    constraint = f"input_schema {_name(schema)} has {parts.pydantic!r} in it"
    try:
        from pydantic import PydanticUserError, TypeAdapter  # noqa: PLC0415 - only models that use it need it
    except ImportError as error:
        raise ModelContractError(
            f"{constraint}, which pydantic from version 2 on checks, and that is not installed. Install it: "
            "pip install pydantic; or write the constraint as a msgspec.Meta."
        ) from error
    try:
        return TypeAdapter(for_pydantic(schema))
    except (PydanticUserError, NameError, TypeError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise ModelContractError(
            f"{constraint}, and pydantic can't check it: {reason}. Use a pydantic model, or msgspec.Meta."
        ) from error


def _pydantic(validate: Callable[[bytes], Any], validate_python: Check) -> _Kind:
    from pydantic import ValidationError as PydanticError  # noqa: PLC0415 - only models that use it need it

    def raising_first(check: Check) -> Check:
        def checked(value: Any) -> Any:
            try:
                return check(value)
            except PydanticError as error:
                raise _first_of(error) from None

        return checked

    decode_nan = raising_first(validate)

    def decode(text: bytes) -> Any:
        if b"NaN" in text or b"Infinity" in text:
            decode_any(text)  # raises where they stand outside of strings, which pydantic accepts
        record = decode_nan(text)
        if may_be_out_of_range(text) and holds_infinity(record):
            raise ValidationError("Number out of range")
        return record

    return _Kind(decode, decode_nan, raising_first(validate_python))


def _first_of(error: Any) -> ValidationError:
    count = error.error_count()
    if count > _MOST_ERRORS:  # it can't give one of them alone
        return ValidationError(f"The record has {count:,} errors")
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return problem(first["msg"], first["loc"], count)


def _name(schema: Any) -> str:
    return getattr(schema, "__name__", None) or repr(schema)
