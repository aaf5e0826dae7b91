"""Fakes that take columns, each named for what it does, and what they may answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from fakes import as_model

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMA = pa.schema([pa.field("x", pa.float64(), nullable=False), pa.field("note", pa.string())])
BLANK_SCHEMA = {"type": "object", "properties": {"x": {"type": "number"}}}


def _pandas() -> Any:
    import pandas as pd  # noqa: PLC0415 - one of the answers alone needs it

    return pd


# Each answers twice x, in one of the ways that a model of columns may.
ARRAYS: dict[str, Callable[[Any], Any]] = {
    "numpy array": lambda x: np.asarray(x) * 2,
    "arrow array": lambda x: pc.multiply(x, 2.0),
    "chunked array": lambda x: pa.chunked_array([pc.multiply(x, 2.0)]),
    "list": lambda x: [2 * value for value in x.to_pylist()],
    "pandas series": lambda x: _pandas().Series(x.to_pylist()) * 2,
}
TABLES: dict[str, Callable[[Any], Any]] = {
    "mapping of numpy arrays": lambda x: {"twice": np.asarray(x) * 2},
    "mapping of lists": lambda x: {"twice": [2 * value for value in x.to_pylist()]},
    "record batch": lambda x: pa.RecordBatch.from_arrays([pc.multiply(x, 2.0)], ["twice"]),
    "table": lambda x: pa.table({"twice": pc.multiply(x, 2.0)}),
    "struct array": lambda x: pa.StructArray.from_arrays([pc.multiply(x, 2.0)], ["twice"]),
    "pandas dataframe": lambda x: _pandas().DataFrame({"twice": np.asarray(x) * 2}),
    "list of dicts": lambda x: [{"twice": 2 * value} for value in x.to_pylist()],
}


@as_model
class DoublesColumns:
    """Answers twice x, in the way that it is given."""

    input_schema = SCHEMA
    output_schema = None

    def __init__(self, answer: Callable[[Any], Any] = TABLES["record batch"]) -> None:
        self.answer = answer
        self.batch_sizes: list[int] = []

    def predict_columns(self, batch: pa.RecordBatch) -> Any:
        self.batch_sizes.append(batch.num_rows)
        return self.answer(batch.column("x"))


@as_model
class RaisesOnColumns:
    """Raises where x is one of the bad values."""

    input_schema = SCHEMA

    def __init__(self, *bad: float) -> None:
        self._bad = pa.array(bad, pa.float64())

    def predict_columns(self, batch: pa.RecordBatch) -> Any:
        found = batch.column("x").filter(pc.is_in(batch.column("x"), value_set=self._bad))
        if len(found):
            raise ValueError(f"{found[0].as_py():g} is bad")
        return {"twice": pc.multiply(batch.column("x"), 2.0)}


@as_model
class OutOfMemoryOverColumns:
    """Has memory for so many records."""

    input_schema = SCHEMA

    def __init__(self, most: int) -> None:
        self._most = most

    def predict_columns(self, batch: pa.RecordBatch) -> Any:
        if batch.num_rows > self._most:
            raise MemoryError
        return {"twice": pc.multiply(batch.column("x"), 2.0)}


@as_model
class AnswersColumns:
    """Answers the same, whatever it is asked."""

    input_schema = SCHEMA

    def __init__(self, answer: Any, output_schema: Any = None) -> None:
        self._answer = answer
        self.output_schema = output_schema

    def predict_columns(self, _batch: pa.RecordBatch) -> Any:
        return self._answer


@as_model
class ReversesItsColumns:
    """Answers the last record first."""

    input_schema = SCHEMA
    output_schema = None

    def predict_columns(self, batch: pa.RecordBatch) -> Any:
        return np.asarray(batch.column("x"))[::-1] * 2


@as_model
class ShowsItsColumns:
    """Answers what it was given, and of which types."""

    output_schema = None

    def __init__(self, input_schema: Any) -> None:
        self.input_schema = input_schema

    def predict_columns(self, batch: pa.RecordBatch) -> Any:
        types = [str(field.type) for field in batch.schema]
        return [{"types": types, "values": list(row.values())} for row in batch.to_pylist()]
