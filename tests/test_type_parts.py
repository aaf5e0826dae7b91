"""Types as schemas: names that are no ASCII, constraints of several libraries, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, NotRequired, TypedDict, TypeVar

import annotated_types
import attrs
import msgspec
import pydantic
import pytest
from pydantic import v1

from model_mapreduce_job.exceptions import ModelContractError
from model_mapreduce_job.models.schemas import ValidationError, field_names, record_schema

Positive = Annotated[int, pydantic.Field(gt=0)]


def decode(schema: Any, text: str) -> Any:
    return record_schema(schema).decode(text.encode())


class Größe(TypedDict):
    länge: float
    breite: NotRequired[float]


class Innen(TypedDict):
    größen: list[Größe]
    年齢: NotRequired[int]


@dataclass
class Daten:
    höhe: float
    größe: Größe | None = None
    größe_in_m: float = -1.0


@attrs.define
class Attribute:
    höhe: float
    größe: float = -1.0


class Struktur(msgspec.Struct, tag="ä", tag_field="ärt", rename={"hoehe": "höhe"}):
    hoehe: float


class Andere(msgspec.Struct, tag="ö", tag_field="ärt"):
    höhe: float


class Paar(NamedTuple):
    größe: Größe


class Farbe(Enum):
    GRÜN = "grün"


T = TypeVar("T")


class Kiste(msgspec.Struct, Generic[T]):
    größe: T


Maß = NewType("Maß", Größe)
MADE = TypedDict("MADE", {"größe in cm": float, "é": NotRequired[Literal["ü"]], "farbe": NotRequired[Farbe]})


@pytest.mark.parametrize(
    ("schema", "text", "record"),
    [
        (Größe, '{"länge": 1, "breite": 2}', {"länge": 1.0, "breite": 2.0}),
        (Größe, '{"l\\u00e4nge": 1}', {"länge": 1.0}),
        (Innen, '{"größen": [{"länge": 1}], "年齢": 3}', {"größen": [{"länge": 1.0}], "年齢": 3}),
        (Daten, '{"höhe": 1, "größe": {"länge": 2}, "größe_in_m": 3}', Daten(1.0, {"länge": 2.0}, 3.0)),
        (Attribute, '{"höhe": 1, "größe": 2}', Attribute(1.0, 2.0)),
        (Struktur | Andere, '{"ärt": "ö", "höhe": 1}', Andere(1.0)),
        (Struktur, '{"ärt": "ä", "höhe": 1}', Struktur(1.0)),
        (Kiste[Größe], '{"größe": {"länge": 1}}', Kiste({"länge": 1.0})),
        (dict[str, Maß], '{"é": {"länge": 1}}', {"é": {"länge": 1.0}}),
        (list[Paar], '[[{"länge": 1}]]', [Paar({"länge": 1.0})]),
        (
            MADE,
            '{"größe in cm": 1, "é": "ü", "farbe": "grün"}',
            {"größe in cm": 1.0, "é": "ü", "farbe": Farbe.GRÜN},
        ),
    ],
)
def test_a_name_that_is_no_ascii_is_found_at_any_depth(schema: Any, text: str, record: Any) -> None:
    assert decode(schema, text) == record


class InTypedDict(TypedDict):
    age: Positive


class Nested(TypedDict):
    people: NotRequired[list[InTypedDict | None]]
    age: NotRequired[Annotated[int, annotated_types.Gt(0)]]


@dataclass
class InDataclass:
    age: Annotated[int, annotated_types.Interval(gt=0, lt=150)]


@dataclass
class AsDefault:
    age: int = pydantic.Field(gt=0)


@pydantic.dataclasses.dataclass
class OfPydantic:
    age: Positive
    name: str = "x"

    @pydantic.field_validator("name")
    @classmethod
    def upper(cls, name: str) -> str:
        return name.upper()


class Modelled(pydantic.BaseModel):
    age: Positive


class HoldsModels(TypedDict):
    people: list[Modelled]


class WithConfig(TypedDict):
    __pydantic_config__ = pydantic.ConfigDict(extra="forbid")  # type: ignore[misc] # as pydantic has it
    age: Positive


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (InTypedDict, '{"age": 5}', '{"age": -5}'),
        (Nested, '{"people": [{"age": 5}, null], "age": 1}', '{"people": [{"age": -5}]}'),
        (Nested, "{}", '{"age": 0}'),
        (InDataclass, '{"age": 5}', '{"age": 200}'),
        (AsDefault, '{"age": 5}', '{"age": -5}'),
        (OfPydantic, '{"age": 5}', '{"age": -5}'),
        (HoldsModels, '{"people": [{"age": 5}]}', '{"people": [{"age": -5}]}'),
        (WithConfig, '{"age": 5}', '{"age": 5, "more": 1}'),
        (list[Positive], "[1]", "[0]"),
        (dict[str, Positive] | None, '{"é": 1}', '{"é": 0}'),
        (pydantic.TypeAdapter(InDataclass), '{"age": 5}', '{"age": -5}'),
        (pydantic.RootModel[list[Positive]], "[1]", "[0]"),
    ],
)
def test_pydantics_constraints_hold_wherever_they_stand(schema: Any, good: str, bad: str) -> None:
    assert decode(schema, good) is not None
    with pytest.raises(ValidationError):
        decode(schema, bad)


def test_a_dataclass_of_pydantics_is_validated_and_made_by_pydantic() -> None:
    assert decode(OfPydantic, '{"age": 5, "name": "bob"}') == OfPydantic(5, "BOB")
    assert field_names(OfPydantic) == ["age", "name"]


def test_a_dataclass_of_pydantic_before_its_version_2_is_validated_by_it() -> None:
    @v1.dataclasses.dataclass
    class Older:
        age: v1.PositiveInt

    assert decode(Older, '{"age": 5}').age == 5
    with pytest.raises(v1.ValidationError):
        decode(Older, '{"age": -5}')


def test_msgspecs_own_constraints_hold() -> None:
    class Bounded(TypedDict):
        age: Annotated[int, msgspec.Meta(gt=0), "in years", 5]

    assert decode(Bounded, '{"age": 5}') == {"age": 5}
    with pytest.raises(msgspec.ValidationError, match="Expected `int` >= 1"):
        decode(Bounded, '{"age": 0}')


class InStruct(msgspec.Struct):
    age: Positive


class BothKinds(TypedDict):
    age: Positive
    size: Annotated[int, msgspec.Meta(gt=0)]


class Unknown(TypedDict):
    age: Annotated[int, object()]


@attrs.define
class Converts:
    age: int = attrs.field(converter=abs)


@dataclass
class OwnInit:
    age: int

    def __init__(self, age: int) -> None:
        self.age = abs(age)


@dataclass
class Holds:
    inner: OwnInit = field(default_factory=lambda: OwnInit(1))


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (InStruct, "and pydantic can't check it"),
        (BothKinds, "neither library checks the other's"),
        (Unknown, "is not a constraint that msgspec or pydantic knows"),
        (Converts, "Converts has converters"),
        (OwnInit, "OwnInit has an __init__ of its own"),
        (Holds, "OwnInit has an __init__ of its own"),
    ],
)
def test_what_no_library_would_check_is_refused_with_the_reason(schema: Any, reason: str) -> None:
    with pytest.raises(ModelContractError, match="input_schema") as refused:
        record_schema(schema)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)
