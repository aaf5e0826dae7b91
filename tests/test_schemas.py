"""Schemas: JSON text into records, checked by whichever library the model uses."""

import subprocess
import sys
from dataclasses import dataclass
from typing import Any, TypedDict

import msgspec
import pydantic
import pytest
import schema
from fakes import Number
from pydantic import v1
from schema_fakes import DataclassNumber, JsonSchemaDoubler, PydanticNumber, StructNumber

from model_mapreduce_job.exceptions import ModelContractError
from model_mapreduce_job.models.schemas import ValidationError, field_names, record_schema, required_names

NO_NUMBER = "Input should be a valid number, unable to parse string as a number"


class OlderNumber(v1.BaseModel):
    x: float


class Nested(pydantic.BaseModel):
    points: list[PydanticNumber]


KINDS = {
    "TypedDict": Number,
    "dataclass": DataclassNumber,
    "Struct": StructNumber,
    "pydantic": PydanticNumber,
    "pydantic 1": OlderNumber,
    "schema": schema.Schema({"x": schema.Or(float, int)}),
    "JSON Schema": JsonSchemaDoubler.input_schema,
    "none": None,
}
CHECKING = {name: kind for name, kind in KINDS.items() if name != "none"}


def decode(kind: Any, text: bytes) -> Any:
    return record_schema(kind).decode(text)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_record_comes_in_the_shape_that_the_model_expects(kind: Any) -> None:
    record = decode(kind, b'{"x": 1.5}')
    assert (record["x"] if isinstance(record, dict) else record.x) == 1.5
    if isinstance(kind, type) and not issubclass(kind, dict):
        assert isinstance(record, kind)


@pytest.mark.parametrize("kind", CHECKING.values(), ids=CHECKING)
@pytest.mark.parametrize(
    "text", [b'{"x": "asd"}', b"{}", b"[]", b"5", b"null", b'{"x": null}', b'{"x": [1]}']
)
def test_a_record_that_does_not_fit_raises(kind: Any, text: bytes) -> None:
    with pytest.raises(Exception, match=r"."):
        decode(kind, text)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"x",
        b'{"x": 1',
        b'{"x": 1} {"x": 2}',
        b'{"x": NaN}',
        b'{"x": Infinity}',
        b'{"x": -Infinity}',
        b'{"x": 1, "y": NaN}',
        b"[" * 100_000,
        b'{"x": 1, "y": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"x": 01}',
        b'{"x": 1,}',
    ],
)
def test_what_is_no_json_document_raises_whatever_the_schema(kind: Any, text: bytes) -> None:
    with pytest.raises(Exception, match=r"."):
        decode(kind, text)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_words_of_json_that_stand_in_a_text_are_no_numbers(kind: Any) -> None:
    if kind is not KINDS["schema"]:  # it knows the field x alone
        assert decode(kind, b'{"x": 1, "y": "NaN and Infinity"}')


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (Number, b'{"x": "asd"}', "Expected `float`, got `str` - at `$.x`"),
        (
            PydanticNumber,
            b'{"x": "asd"}',
            NO_NUMBER + " - at `$.x`",
        ),
        (PydanticNumber, b"{}", "Field required - at `$.x`"),
        (
            Nested,
            b'{"points": [{"x": 1}, {"x": "a"}, {"x": "b"}]}',
            NO_NUMBER + " - at `$.points[1].x` (and 1 more)",
        ),
        (JsonSchemaDoubler.input_schema, b'{"x": "asd"}', "'asd' is not of type 'number' - at `$.x`"),
        (JsonSchemaDoubler.input_schema, b"{}", "'x' is a required property - at `$`"),
        (
            {"items": {"type": "number"}, "maxItems": 1},
            b'["a", "b"]',
            "'a' is not of type 'number' - at `$[0]`",
        ),
    ],
)
def test_a_record_that_does_not_fit_is_told_in_one_line_that_says_where(
    kind: Any, text: bytes, message: str
) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        decode(kind, text)
    assert str(raised.value) == message
    assert type(raised.value).__name__ == "ValidationError"


def test_the_message_of_a_large_record_is_short() -> None:
    text = msgspec.json.encode({"x": {str(n): n for n in range(10_000)}})
    with pytest.raises(ValidationError) as raised:
        decode(JsonSchemaDoubler.input_schema, text)
    assert len(str(raised.value)) < 400
    assert str(raised.value).endswith(" - at `$.x`")


def test_an_error_of_a_models_own_validator_is_told() -> None:
    class Picky(pydantic.BaseModel):
        x: float

        @pydantic.field_validator("x")
        @classmethod
        def check(cls, x: float) -> float:
            if x > 1:
                raise ValueError(f"{x} is over 1")
            return x

    with pytest.raises(ValidationError, match=r"Value error, 2.0 is over 1 - at `\$\.x`"):
        decode(Picky, b'{"x": 2}')


@pytest.mark.parametrize("kind", [5, object(), "Number", lambda record: record])
def test_what_is_no_schema_is_a_model_contract_error_that_lists_the_kinds(kind: Any) -> None:
    with pytest.raises(ModelContractError, match="TypedDict, dataclass or Struct, a pydantic model"):
        record_schema(kind)


def test_a_json_schema_that_is_none_is_a_model_contract_error() -> None:
    with pytest.raises(
        ModelContractError, match=r"not a valid JSON Schema: 'strin' .* at `\$\.properties\.x\.type`"
    ):
        record_schema({"properties": {"x": {"type": "strin"}}})


def test_a_missing_jsonschema_is_one_line_that_says_how_to_install_it() -> None:
    code = (
        "import sys; sys.modules['jsonschema'] = None\n"
        "from model_mapreduce_job.models.schemas import record_schema\n"
        "from model_mapreduce_job.exceptions import ConfigurationError\n"
        "try: record_schema({'type': 'object'})\n"
        "except ConfigurationError as error: print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told == (
        "The model's input_schema is a JSON Schema, and jsonschema is not installed. "
        "Install it: pip install 'model_mapreduce_job[jsonschema]'.\n"
    )


def test_no_schema_library_is_imported_for_a_schema_that_needs_none() -> None:
    code = (
        "import sys, fakes\n"
        "from model_mapreduce_job.models.schemas import record_schema\n"
        "record_schema(fakes.Number); record_schema(None)\n"
        "print(sorted({'pydantic', 'schema', 'jsonschema'} & set(sys.modules)))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="tests"
    )
    assert ran.stdout == "[]\n"


def test_the_largest_integers_keep_their_value() -> None:
    assert decode(None, b'{"x": 18446744073709551617}') == {"x": 2**64 + 1}


def test_a_number_over_the_largest_float_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="Number out of range"):
        decode(Number, b'{"x": 1e400}')


def test_names_and_required_names_are_those_of_the_fields() -> None:
    class Two(TypedDict, total=False):
        b: float
        a: float

    @dataclass
    class Defaulted:
        b: float
        a: float = 0.0

    assert field_names(Two) == ["b", "a"]
    assert required_names(Two) == []
    assert field_names(Defaulted) == ["b", "a"]
    assert required_names(Defaulted) == ["b"]
    assert field_names(None) == required_names(None) == []
