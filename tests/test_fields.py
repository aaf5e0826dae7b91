"""The fields of a schema, whatever its library."""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, NotRequired, TypedDict

import msgspec
import pydantic
import pytest
import schema
from pydantic import v1

from model_mapreduce_job.models.fields import Field, fields_of


class Colour(Enum):
    RED = "red"


class Typed(TypedDict):
    number: float
    whole: int
    flag: bool
    text: str
    colour: Literal["red", "blue"]
    maybe: float | None
    absent: NotRequired[int]


@dataclass
class Base:
    number: float


@dataclass
class Derived(Base):
    text: str = ""


class Renamed(msgspec.Struct, rename="camel"):
    sepal_length: float
    inner: Derived | None = None


class Modelled(pydantic.BaseModel):
    number: float = pydantic.Field(alias="a number")
    colour: Colour
    level: Literal[1, 2]
    inner: Derived
    maybe: int | None
    absent: int | None = None


class Older(v1.BaseModel):
    number: float
    absent: str | None


LIBRARY = schema.Schema(
    {
        "number": schema.And(float, lambda n: n > 0),
        "maybe": schema.Or(int, None),
        "anything": schema.Use(float),
        schema.Optional("absent"): str,
        schema.Literal("described", description="a flag"): bool,
    }
)

JSON_SCHEMA = {
    "$defs": {"length": {"type": "number"}},
    "properties": {
        "number": {"$ref": "#/$defs/length"},
        "maybe": {"type": ["integer", "null"]},
        "constant": {"const": 5},
        "values": {"enum": ["a", 1, 1.5, None, True, []]},
        "all": {"allOf": [{"type": "string"}]},
        "one": {"oneOf": [{"type": "string"}, {"type": "number"}]},
        "anything": True,
        "lost": {"$ref": "#/$defs/lost"},
    },
    "required": ["number", "maybe"],
}


def shown(fields: list[Field]) -> dict[str, tuple[str, bool]]:
    return {field.name: (" ".join(sorted(field.types)), field.required) for field in fields}


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        (
            Typed,
            {
                "number": ("number", True),
                "whole": ("integer", True),
                "flag": ("boolean", True),
                "text": ("string", True),
                "colour": ("string", True),
                "maybe": ("null number", True),
                "absent": ("integer", False),
            },
        ),
        (Derived, {"number": ("number", True), "text": ("string", False)}),
        (Renamed, {"sepalLength": ("number", True), "inner": ("null object", False)}),
        (
            Modelled,
            {
                "a number": ("number", True),
                "colour": ("string", True),
                "level": ("integer", True),
                "inner": ("object", True),
                "maybe": ("integer null", True),
                "absent": ("integer null", False),
            },
        ),
        (Older, {"number": ("number", True), "absent": ("string", False)}),
        (
            LIBRARY,
            {
                "number": ("number", True),
                "maybe": ("integer null", True),
                "anything": ("", True),
                "absent": ("string", False),
                "described": ("boolean", True),
            },
        ),
        (
            JSON_SCHEMA,
            {
                "number": ("number", True),
                "maybe": ("integer null", True),
                "constant": ("integer", False),
                "values": ("boolean integer null number string", False),
                "all": ("string", False),
                "one": ("number string", False),
                "anything": ("", False),
                "lost": ("", False),
            },
        ),
    ],
)
def test_the_fields_are_in_order_with_their_types_and_whether_they_are_required(
    given: Any, fields: Any
) -> None:
    found = shown(fields_of(given))
    assert found == fields
    assert list(found) == list(fields)


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {"properties": []},
        {"properties": {"a": {"type": 5}}},
        {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}, "properties": {"b": {"$ref": "#/$defs/a"}}},
        dict,
        int,
        list[Typed],
        object,
        object(),
        Any,
    ],
)
def test_a_schema_that_can_not_tell_has_no_fields(given: Any) -> None:
    assert fields_of(given) == []
