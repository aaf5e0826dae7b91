"""The same model in each of the shapes that people have: one schema library each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import msgspec
import schema
from fakes import Doubler, Number, as_model, twice
from pydantic import BaseModel


class MLBaseModel(ABC):
    """The shape of ml_base.MLModel: abstract properties, and pydantic in and out."""

    @property
    @abstractmethod
    def display_name(self) -> str: ...

    @property
    @abstractmethod
    def input_schema(self) -> type[BaseModel]: ...

    @abstractmethod
    def predict(self, data: BaseModel) -> BaseModel: ...


class PydanticNumber(BaseModel):
    x: float


class PydanticTwice(BaseModel):
    twice: float


class PydanticDoubler(MLBaseModel):
    """Is written for ml_base: properties, a version in one text, pydantic objects."""

    @property
    def display_name(self) -> str:
        return "Doubler"

    @property
    def qualified_name(self) -> str:
        return "pydantic_doubler"

    @property
    def description(self) -> str:
        return "Doubles."

    @property
    def version(self) -> str:
        return "1.2.3"

    @property
    def input_schema(self) -> type[BaseModel]:
        return PydanticNumber

    @property
    def output_schema(self) -> type[BaseModel]:
        return PydanticTwice

    def predict(self, data: BaseModel) -> BaseModel:
        assert isinstance(data, PydanticNumber)
        return PydanticTwice(twice=2 * data.x)


@as_model
class SchemaLibraryDoubler:
    """Is written for ml_model_abc: `schema` objects, dicts, and a predict that validates for itself."""

    input_schema = schema.Schema({"x": schema.Or(float, int)})
    output_schema = schema.Schema({"twice": float})

    def predict(self, data: dict[str, Any]) -> dict[str, Any]:
        self.input_schema.validate(data)
        return {"twice": 2.0 * data["x"]}


JSON_SCHEMA = {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]}


@as_model
class JsonSchemaDoubler:
    """Says what it takes in JSON Schema."""

    input_schema = JSON_SCHEMA

    def predict(self, data: dict[str, Any]) -> dict[str, Any]:
        return {"twice": 2.0 * data["x"]}


@dataclass
class DataclassNumber:
    x: float


@as_model
class DataclassDoubler:
    """Takes a dataclass."""

    input_schema = DataclassNumber

    def predict(self, data: DataclassNumber) -> dict[str, Any]:
        return {"twice": 2 * data.x}


class StructNumber(msgspec.Struct):
    x: float


@as_model
class StructDoubler:
    """Takes a Struct."""

    input_schema = StructNumber

    def predict(self, data: StructNumber) -> dict[str, Any]:
        return {"twice": 2 * data.x}


@as_model
class SchemalessDoubler:
    """Says nothing of what it takes, and raises for itself."""

    input_schema = None

    def predict(self, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("x"), float | int):
            raise TypeError("a record is an object with a number x")
        return twice(Number(x=float(data["x"])))


EVERY_SHAPE = (
    Doubler,
    PydanticDoubler,
    SchemaLibraryDoubler,
    JsonSchemaDoubler,
    DataclassDoubler,
    StructDoubler,
    SchemalessDoubler,
)
