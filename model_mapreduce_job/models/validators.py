"""Turns validator objects of several libraries into functions that check a record and return it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from model_mapreduce_job.exceptions import ConfigurationError, ModelContractError

# Returns the record that predict gets, or raises.
Check: TypeAlias = Callable[[Any], Any]

_SHOWN_CHARACTERS = 300
_NAMED_SCHEMAS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_NO_SCHEMAS = frozenset({"const", "enum", "default", "examples"})


class ValidationError(ValueError):
    """Raised when a record does not fit its schema; says where, and what was expected there."""


def validator_check(schema: Any) -> Check | None:
    """Return a function that checks a record by an object of a known library; None for any other object."""
    kinds = schema.__mro__ if isinstance(schema, type) else type(schema).__mro__
    packages = {kind.__module__.partition(".")[0] for kind in kinds}
    for library, (own_name, check) in _LIBRARIES.items():
        # a user may have a module of the same name, such as schema.py
        if library in packages and hasattr(sys.modules.get(library), own_name):
            return check(schema)
    return None


def validate_check(schema: Any) -> Check:
    """Return a function that checks a record by the validate() of an object of an unknown library.

    What validate() returns must be clear: the record itself, None or True mean that it is valid, False is a
    failure. Anything else may be a record or a list of errors, and raises.
    """

    def check(record: Any) -> Any:
        answer = schema.validate(record)
        if answer is None or answer is True or answer is record or _is_same(answer, record):
            return record if answer is None or answer is True else answer
        if answer is False:
            raise ValidationError("The input_schema's validate() returned False")
        raise ModelContractError(
            f"The input_schema's validate() returned a {type(answer).__name__}, which may be a record or its "
            "errors: it has to return the record that it was given, None or True, or to raise."
        )

    return check


def json_schema_check(schema: Mapping[str, Any]) -> Check:
    """Return a function that checks a record by a JSON Schema, with formats, and raises the first problem.

    Raises ModelContractError for an invalid schema, ConfigurationError when jsonschema is not installed.
    """
    try:
        from jsonschema import SchemaError  # noqa: PLC0415 - only models with a JSON Schema need it
        from jsonschema.validators import validator_for  # noqa: PLC0415 - same
    except ImportError as error:
        raise ConfigurationError(
            "The model's input_schema is a JSON Schema, and jsonschema is not installed. "
            "Install it: pip install 'model_mapreduce_job[jsonschema]'."
        ) from error
    kind = validator_for(schema)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise ModelContractError(
            f"The model's input_schema is not a valid JSON Schema: {error.message} - at `{error.json_path}`."
        ) from error
    _check_formats(schema, kind.FORMAT_CHECKER)
    return _first_problem(_lazy(kind)(schema, format_checker=kind.FORMAT_CHECKER))


def problem(message: str, path: Any, count: int = 1) -> ValidationError:
    """Return the error for the first of a record's problems, worded like msgspec's."""
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    more = f" (and {count - 1:,} more)" if count > 1 else ""
    return ValidationError(f"{message[:_SHOWN_CHARACTERS]} - at `${place[:_SHOWN_CHARACTERS]}`{more}")


def _first_problem(validator: Any) -> Check:
    def check(record: Any) -> Any:
        found = next(validator.iter_errors(record), None)
        if found is not None:
            raise problem(found.message, found.absolute_path)
        return record

    return check


def _lazy(kind: Any) -> Any:
    """Return a jsonschema validator class that doesn't collect errors, which may be millions."""
    from jsonschema.validators import extend  # noqa: PLC0415 - only models with a JSON Schema need it

    own = {"anyOf": _any_of, "oneOf": _one_of}
    return extend(kind, {name: own[name] for name in own.keys() & kind.VALIDATORS.keys()})


def _any_of(validator: Any, choices: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    if next(_fitting(validator, choices, instance), None) is None:
        yield _fits_none(instance)


def _one_of(validator: Any, choices: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError as Found  # noqa: PLC0415 - only models with a JSON Schema need it

    fitting = _fitting(validator, choices, instance)
    if next(fitting, None) is None:
        yield _fits_none(instance)
    elif next(fitting, None) is not None:
        yield Found(f"{instance!r} is valid under more than one of the given schemas")


def _fitting(validator: Any, choices: Any, instance: Any) -> Iterator[int]:
    for place, choice in enumerate(choices):
        if next(validator.descend(instance, choice, schema_path=place), None) is None:
            yield place


def _fits_none(instance: Any) -> Any:
    from jsonschema import ValidationError as Found  # noqa: PLC0415 - only models with a JSON Schema need it

    return Found(f"{instance!r} is not valid under any of the given schemas")


def _check_formats(schema: Any, checker: Any) -> None:
    """Raise ModelContractError for a standard format that no installed package checks."""
    for name in _formats(schema):
        if name in _KNOWN_FORMATS and name not in checker.checkers:
            raise ModelContractError(
                f"The model's input_schema has the format {name!r}, whose package is missing. "
                "Install it: pip install 'jsonschema[format-nongpl]', or leave the format out."
            )


def _formats(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for part in schema:
            yield from _formats(part)
    if not isinstance(schema, Mapping):
        return
    if isinstance(schema.get("format"), str):
        yield schema["format"]
    for name, part in schema.items():
        if name in _NAMED_SCHEMAS and isinstance(part, Mapping):
            yield from _formats(list(part.values()))
        elif name not in _NO_SCHEMAS:
            yield from _formats(part)


_KNOWN_FORMATS = frozenset(
    {
        *("date", "date-time", "time", "duration", "email", "idn-email", "hostname", "idn-hostname"),
        *("ipv4", "ipv6", "uri", "uri-reference", "iri", "iri-reference", "uri-template", "uuid"),
        *("json-pointer", "relative-json-pointer", "regex"),
    }
)


def _jsonschema(validator: Any) -> Check:
    if isinstance(validator, type):
        raise ModelContractError(
            f"The model's input_schema is {validator.__name__}, the class. Give the JSON Schema itself."
        )
    return _first_problem(validator)


def _schema(schema: Any) -> Check:
    check: Check = schema.validate
    return check


def _cerberus(validator: Any) -> Check:
    if isinstance(validator, type):
        raise ModelContractError(
            "The model's input_schema is cerberus' class. Give an object of it: Validator({...})."
        )

    def check(record: Any) -> Any:
        if not isinstance(record, Mapping):
            raise ValidationError(f"Expected an object, got {type(record).__name__}")
        if validator.validate(record):
            return validator.document
        raise _first_of(validator.errors)

    return check


def _marshmallow(schema: Any) -> Check:
    from marshmallow import Schema  # noqa: PLC0415 - only models that use it need it
    from marshmallow import ValidationError as Refused  # noqa: PLC0415 - same

    if not isinstance(schema, Schema) and not (isinstance(schema, type) and issubclass(schema, Schema)):
        raise ModelContractError(f"input_schema {schema!r} is not a Schema of marshmallow. Give one.")
    load = (schema() if isinstance(schema, type) else schema).load

    def check(record: Any) -> Any:
        try:
            return load(record)
        except Refused as error:
            raise _first_of(error.messages) from None

    return check


def _voluptuous(schema: Any) -> Check:
    from voluptuous import MultipleInvalid  # noqa: PLC0415 - only models that use it need it

    def check(record: Any) -> Any:
        try:
            return schema(record)
        except MultipleInvalid as error:
            first = error.errors[0]
            raise problem(first.msg, first.path, len(error.errors)) from None

    return check


def _first_of(errors: Any) -> ValidationError:
    """Return the first of a library's errors, which are in nested dicts and lists."""
    path: list[Any] = []
    while isinstance(errors, Mapping | list) and errors:
        if isinstance(errors, list):
            errors = errors[0]
        else:
            step, errors = next(iter(errors.items()))
            path.append(step)
    return problem(str(errors), path)


def _is_same(answer: Any, record: Any) -> bool:
    return type(answer) is type(record) and bool(answer == record)


# Libraries of validators, by a name that each has and no module of a user's: how their objects check.
_LIBRARIES: Mapping[str, tuple[str, Callable[[Any], Check]]] = {
    "jsonschema": ("validators", _jsonschema),
    "schema": ("SchemaError", _schema),
    "cerberus": ("Validator", _cerberus),
    "marshmallow": ("Schema", _marshmallow),
    "voluptuous": ("MultipleInvalid", _voluptuous),
}
