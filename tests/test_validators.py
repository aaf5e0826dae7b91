"""Schemas that are objects with a validate(), of the libraries that have such, and of none that is known."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import jsonschema
import pytest

from model_mapreduce_job.exceptions import ModelContractError
from model_mapreduce_job.models.fields import Field, fields_of
from model_mapreduce_job.models.schemas import record_schema
from model_mapreduce_job.models.validators import ValidationError

NUMBER = {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]}
X = Field("x", frozenset({"number"}), required=True)


def decode(schema: Any, text: bytes) -> Any:
    return record_schema(schema).decode(text)


def refusal(schema: Any, text: bytes) -> str:
    with pytest.raises((ValidationError, ModelContractError)) as refused:
        decode(schema, text)
    return str(refused.value)


class Answers:
    """Validates with an answer of any kind."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def validate(self, record: Any) -> Any:
        return self.answer(record)


def test_a_jsonschema_validator_checks_and_gives_the_record() -> None:
    validator = jsonschema.Draft202012Validator(NUMBER)
    assert decode(validator, b'{"x": 1}') == {"x": 1}
    assert refusal(validator, b'{"x": "a"}') == "'a' is not of type 'number' - at `$.x`"
    assert fields_of(validator) == [X]
    with pytest.raises(ModelContractError, match="Draft202012Validator, the class"):
        record_schema(jsonschema.Draft202012Validator)


def test_a_cerberus_validator_gives_its_normalised_document() -> None:
    cerberus = pytest.importorskip("cerberus")
    validator = cerberus.Validator(
        {"x": {"type": "float", "required": True, "coerce": float}, "n": {"type": "integer", "default": 3}}
    )
    assert decode(validator, b'{"x": 1}') == {"x": 1.0, "n": 3}
    assert refusal(validator, b'{"x": 1, "n": "a"}') == "must be of integer type - at `$.n`"
    assert refusal(validator, b'{"x": 1, "y": 2}') == "unknown field - at `$.y`"
    assert refusal(validator, b"[]") == "Expected an object, got list"
    assert fields_of(validator) == [X, Field("n", frozenset({"integer"}))]
    with pytest.raises(ModelContractError, match="cerberus' class"):
        record_schema(cerberus.Validator)


def test_a_marshmallow_schema_gives_what_it_loads() -> None:
    marshmallow = pytest.importorskip("marshmallow")

    class Record(marshmallow.Schema):
        x = marshmallow.fields.Float(required=True)
        many = marshmallow.fields.List(marshmallow.fields.Integer(), data_key="Many")

    for schema in (Record, Record()):
        assert decode(schema, b'{"x": "1.5", "Many": [1]}') == {"x": 1.5, "many": [1]}
        assert refusal(schema, b'{"x": 1, "Many": [1, "a"]}') == "Not a valid integer. - at `$.Many[1]`"
        assert refusal(schema, b"{}") == "Missing data for required field. - at `$.x`"
        assert fields_of(schema) == [X, Field("Many", frozenset({"array"}))]


def test_a_voluptuous_schema_gives_what_it_returns() -> None:
    voluptuous = pytest.importorskip("voluptuous")
    schema = voluptuous.Schema({"x": voluptuous.Coerce(float)}, required=True)
    assert decode(schema, b'{"x": "1.5"}') == {"x": 1.5}
    assert refusal(schema, b'{"x": "a"}') == "expected float - at `$.x`"


@pytest.mark.parametrize("answer", [lambda _: None, lambda _: True, lambda r: r, dict])
def test_a_validate_that_leaves_no_doubt_gives_the_record(answer: Any) -> None:
    assert decode(Answers(answer), b'{"x": 1}') == {"x": 1}


@pytest.mark.parametrize("answer", [lambda _: {}, lambda _: {"x": ["bad"]}, lambda _: [], lambda _: 1])
def test_a_validate_that_may_have_returned_errors_is_a_failure_that_says_so(answer: Any) -> None:
    assert "which may be a record or its errors" in refusal(Answers(answer), b'{"x": 1}')


def test_a_validate_that_returns_false_is_a_failure() -> None:
    assert refusal(Answers(lambda _: False), b'{"x": 1}') == "The input_schema's validate() returned False"


def test_a_module_that_is_named_like_a_library_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "schema", ModuleType("schema"))
    own = type("Own", (Answers,), {"__module__": "schema"})
    assert decode(own(lambda _: None), b'{"x": 1}') == {"x": 1}


def test_a_record_class_with_a_method_validate_is_no_validator() -> None:
    @dataclass
    class Record:
        x: float

        def validate(self) -> bool:
            return False

    assert decode(Record, b'{"x": 1}') == Record(1.0)


def test_the_formats_of_a_json_schema_are_checked() -> None:
    schema = {"properties": {"day": {"format": "date"}, "format": {"type": "string"}}}
    assert decode(schema, b'{"day": "2012-01-01", "format": "x"}')
    assert refusal(schema, b'{"day": "2012-13-01"}') == "'2012-13-01' is not a 'date' - at `$.day`"
    assert decode({"format": "int32", "enum": [{"format": "iri"}]}, b'{"format": "iri"}')


def test_a_format_that_nothing_here_can_check_is_refused() -> None:
    schema = {"anyOf": [{"items": {"format": "iri"}}]}
    if "iri" in jsonschema.Draft202012Validator.FORMAT_CHECKER.checkers:
        pytest.skip("a package that checks it is installed")
    with pytest.raises(ModelContractError, match="the format 'iri', whose package is missing"):
        record_schema(schema)


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf", "allOf"])
def test_of_a_records_errors_only_the_first_is_made(keyword: str) -> None:
    schema = {keyword: [{"type": "array", "items": {"type": "number"}}]}
    assert len(refusal(schema, b"[" + b'"",' * 50_000 + b'""]')) < 400
    assert decode(schema, b"[1]") == [1]


def test_one_of_takes_exactly_one() -> None:
    schema = {"oneOf": [{"type": "number"}, {"minimum": 2}]}
    assert decode(schema, b"1") == 1
    assert refusal(schema, b"3") == "3 is valid under more than one of the given schemas - at `$`"
    assert refusal({"anyOf": [{"type": "null"}]}, b"3").startswith("3 is not valid under any")
