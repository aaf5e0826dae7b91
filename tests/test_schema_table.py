"""The table of docs/models.md that says what each kind of schema does, tried cell by cell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, NotRequired, TypedDict

import attrs
import msgspec
import pydantic
import pytest
import schema
from documents import PROJECT
from pydantic import v1

from model_mapreduce_job.models.schemas import record_schema

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE = "| kind, and what a record may have |"


def table() -> dict[tuple[str, str], str]:
    """Return what each cell of the table says, by kind and feature."""
    lines = (PROJECT / "docs" / "models.md").read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(TABLE))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start:]]
    ends = next(number for number, row in enumerate(rows) if len(row) == 1)
    features = rows[0][1:]
    return {
        (row[0].strip("`"), feature): cell
        for row in rows[2:ends]
        for feature, cell in zip(features, row[1:], strict=True)
    }


def cerberus_schema() -> Any:
    cerberus = pytest.importorskip("cerberus")
    inner = {"type": "dict", "schema": {"x": {"type": "float"}}}
    return cerberus.Validator(
        {
            "x": {"type": "float", "required": True, "max": 100},
            "maybe": {"type": "float", "nullable": True},
            "default": {"type": "float", "default": 7.0},
            "größe": {"type": "float"},
            "inner": inner,
            "day": {"type": "date", "coerce": date.fromisoformat},
        }
    )


def marshmallow_schema() -> Any:
    marshmallow = pytest.importorskip("marshmallow")
    fields = marshmallow.fields
    inner = marshmallow.Schema.from_dict({"x": fields.Float()})
    return marshmallow.Schema.from_dict(
        {
            "x": fields.Float(required=True, validate=marshmallow.validate.Range(max=100)),
            "maybe": fields.Float(allow_none=True),
            "default": fields.Float(load_default=7.0),
            "größe": fields.Float(),
            "inner": fields.Nested(inner),
            "day": fields.Date(),
            "aliased": fields.Float(data_key="Alias"),
        }
    )


def voluptuous_schema() -> Any:
    v = pytest.importorskip("voluptuous")
    number = v.Coerce(float)
    optional = {
        v.Optional("maybe"): v.Maybe(number),
        v.Optional("default", default=7.0): number,
        v.Optional("größe"): number,
        v.Optional("inner"): {"x": number},
        v.Optional("day"): v.Coerce(date.fromisoformat),
    }
    return v.Schema({v.Required("x"): v.All(number, v.Range(max=100)), **optional})


class Inner(TypedDict):
    x: float


class Typed(TypedDict):
    x: Annotated[float, msgspec.Meta(le=100)]
    maybe: NotRequired[float | None]
    größe: NotRequired[float]
    inner: NotRequired[Inner]
    day: NotRequired[date]


@dataclass
class Data:
    x: Annotated[float, msgspec.Meta(le=100)]
    maybe: float | None = None
    default: float = 7.0
    größe: float = 0.0
    inner: Inner | None = None
    day: date | None = None


@attrs.define
class Attributes:
    x: float = attrs.field(validator=attrs.validators.le(100))
    maybe: float | None = None
    default: float = 7.0
    größe: float = 0.0
    inner: Inner | None = None
    day: date | None = None


class Structured(msgspec.Struct):
    x: Annotated[float, msgspec.Meta(le=100)]
    maybe: float | None = None
    default: float = 7.0
    größe: float = 0.0
    inner: Inner | None = None
    day: date | None = None
    aliased: float = msgspec.field(default=0.0, name="Alias")


class InnerModel(pydantic.BaseModel):
    x: float


class Modelled(pydantic.BaseModel):
    x: float = pydantic.Field(le=100)
    maybe: float | None = None
    default: float = 7.0
    größe: float = 0.0
    inner: InnerModel | None = None
    day: date | None = None
    aliased: float = pydantic.Field(0.0, alias="Alias")


@pydantic.dataclasses.dataclass
class OfPydantic:
    x: Annotated[float, pydantic.Field(le=100)]
    maybe: float | None = None
    default: float = 7.0
    größe: float = 0.0
    inner: InnerModel | None = None
    day: date | None = None
    aliased: Annotated[float, pydantic.Field(alias="Alias")] = 0.0


class OlderInner(v1.BaseModel):
    x: float


class Older(v1.BaseModel):
    x: float = v1.Field(le=100)
    maybe: float | None = None
    default: float = 7.0
    größe: float = 0.0
    inner: OlderInner | None = None
    day: date | None = None
    aliased: float = v1.Field(0.0, alias="Alias")


NUMBER = schema.Or(float, int)
LIBRARY = schema.Schema(
    {
        "x": schema.And(NUMBER, lambda number: number <= 100),
        schema.Optional("maybe"): schema.Or(NUMBER, None),
        schema.Optional("default", default=7.0): NUMBER,
        schema.Optional("größe"): NUMBER,
        schema.Optional("inner"): {"x": NUMBER},
        schema.Optional("day"): schema.Use(date.fromisoformat),
    }
)
JSON_SCHEMA = {
    "type": "object",
    "required": ["x"],
    "properties": {
        "x": {"type": "number", "maximum": 100},
        "maybe": {"type": ["number", "null"]},
        "default": {"type": "number", "default": 7.0},
        "größe": {"type": "number"},
        "inner": {"type": "object", "properties": {"x": {"type": "number"}}},
        "day": {"type": "string", "format": "date"},
    },
}
KINDS: dict[str, Callable[[], Any]] = {
    "TypedDict": lambda: Typed,
    "dataclass": lambda: Data,
    "attrs class": lambda: Attributes,
    "msgspec.Struct": lambda: Structured,
    "pydantic model": lambda: Modelled,
    "pydantic dataclass": lambda: OfPydantic,
    "pydantic 1 model": lambda: Older,
    "schema.Schema": lambda: LIBRARY,
    "JSON Schema": lambda: JSON_SCHEMA,
    "cerberus.Validator": cerberus_schema,
    "marshmallow.Schema": marshmallow_schema,
    "voluptuous.Schema": voluptuous_schema,
}


class Tried:
    """What a kind of schema makes of records, in the words of the table."""

    def __init__(self, kind: Any) -> None:
        self._decode = record_schema(kind).decode

    def record(self, text: str) -> Any:
        return self._decode(text.encode())

    def fails(self, text: str) -> bool:
        try:
            self.record(text)
        except Exception:  # noqa: BLE001 - of any library
            return True
        return False

    def value(self, text: str, name: str) -> Any:
        record = self.record(text)
        return record.get(name) if isinstance(record, dict) else getattr(record, name, None)


def required(tried: Tried) -> str:
    return "fails without" if tried.fails('{"maybe": 1}') and not tried.fails('{"x": 1}') else "-"


def optional(tried: Tried) -> str:
    return "may be null or absent" if tried.value('{"x": 1, "maybe": null}', "maybe") is None else "-"


def default(tried: Tried) -> str:
    return "filled in" if tried.value('{"x": 1}', "default") == 7.0 else "-"


def constraints(tried: Tried) -> str:
    return "checked" if tried.fails('{"x": 101}') else "-"


def formats(tried: Tried) -> str:
    assert tried.fails('{"x": 1, "day": "2012-13-01"}')
    is_date = tried.value('{"x": 1, "day": "2012-01-01"}', "day") == date(2012, 1, 1)
    return "decoded" if is_date else "checked"


def aliases(tried: Tried) -> str:
    try:
        return "followed" if tried.value('{"x": 1, "Alias": 3}', "aliased") == 3.0 else "-"
    except Exception:  # noqa: BLE001 - of any library
        return "-"


def non_ascii(tried: Tried) -> str:
    return "found" if tried.value('{"x": 1, "größe": 3}', "größe") == 3.0 else "-"


def extra(tried: Tried) -> str:
    if tried.fails('{"x": 1, "extra": 1}'):
        return "fail"
    return "left out" if tried.value('{"x": 1, "extra": 1}', "extra") is None else "kept"


def nested(tried: Tried) -> str:
    assert not tried.fails('{"x": 1, "inner": {"x": 1}}')
    return "checked" if tried.fails('{"x": 1, "inner": {"x": "a"}}') else "-"


FEATURES = {
    "required": required,
    "optional": optional,
    "default": default,
    "constraints": constraints,
    "formats (a date)": formats,
    "aliases": aliases,
    "names that are no ASCII": non_ascii,
    "extra fields": extra,
    "nested": nested,
}


def test_the_table_has_every_kind_and_every_feature() -> None:
    assert set(table()) == {(kind, feature) for kind in KINDS for feature in FEATURES}


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_schema_does_what_its_cell_says(kind: str, feature: str) -> None:
    assert FEATURES[feature](Tried(KINDS[kind]())) == table()[kind, feature]
