"""Predictions that are columns reach a table's columns with no text between: the rows that texts give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import pyarrow as pa
import pytest
from column_models import SCHEMA, DoublesColumns
from fakes import as_model
from hypothesis import given, settings
from hypothesis import strategies as st

from model_mapreduce_job.formats.column_answers import ColumnAnswer
from model_mapreduce_job.formats.fitted_answers import AnswerFit, FittedAnswer
from model_mapreduce_job.formats.prediction_columns import (
    SINGLE,
    PredictionReader,
    is_single,
    prediction_schema,
)
from model_mapreduce_job.formats.records import Failure
from model_mapreduce_job.formats.table_reader import TableColumns, TableReader
from model_mapreduce_job.formats.table_writer import OutputShape, TableWriter
from model_mapreduce_job.models.schemas import record_schema
from model_mapreduce_job.pipeline.batch_sizing import BatchSizer
from model_mapreduce_job.pipeline.pipeline import Pipeline
from model_mapreduce_job.pipeline.predictors import predictor_for
from model_mapreduce_job.task.lanes import lane_of

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBERS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(2**53 - 1, 2**53 + 2), st.integers(-3, 300))
TEXTS = st.text(max_size=4) | st.sampled_from(["\0", '"', "é\u2028", "=1"])
# A type of column that a model may answer, and the values that it may have there.
ANSWERED: dict[str, tuple[Callable[[list[Any]], Any], st.SearchStrategy[Any]]] = {
    "float64": (lambda values: pa.array(values, pa.float64()), st.floats() | st.none()),
    "float32": (lambda values: pa.array(values, pa.float32()), st.floats(width=32)),
    "float16": (lambda values: pa.array(np.array(values, np.float16)), st.floats(width=16)),
    "numpy": (np.array, st.floats(allow_nan=False)),
    "int64": (lambda values: pa.array(values, pa.int64()), NUMBERS | st.none()),
    "uint64": (lambda values: pa.array(values, pa.uint64()), st.integers(0, 2**64 - 1)),
    "int8": (lambda values: pa.array(values, pa.int8()), st.integers(-128, 127)),
    "bool": (lambda values: pa.array(values, pa.bool_()), st.booleans() | st.none()),
    "string": (lambda values: pa.array(values, pa.string()), TEXTS | st.none()),
    "large string": (lambda values: pa.array(values, pa.large_string()), TEXTS),
    "categories": (lambda values: pa.array(values, pa.string()).dictionary_encode(), TEXTS | st.none()),
    "objects": (lambda values: np.array(values, object), TEXTS),
    "list": (list, st.integers() | st.text(max_size=2) | st.none()),
    "lists": (lambda values: pa.array(values, pa.list_(pa.float64())), st.lists(st.floats(), max_size=2)),
}
TYPES = [pa.float64(), pa.float32(), pa.int64(), pa.int8(), pa.uint64(), pa.bool_(), pa.string()]


@st.composite
def answers(draw: st.DrawFn) -> tuple[Any, pa.Schema]:
    """Return what a model may answer, and the columns of an output, which it may fit or not."""
    rows = draw(st.integers(1, 6))

    def column() -> Any:
        make, values = ANSWERED[draw(st.sampled_from(sorted(ANSWERED)))]
        return make(draw(st.lists(values, min_size=rows, max_size=rows)))

    def field(name: str) -> pa.Field:
        return pa.field(name, draw(st.sampled_from(TYPES)), draw(st.booleans()))

    if draw(st.booleans()):
        return column(), pa.schema([field(SINGLE)])
    names = draw(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, unique=True))
    wanted = draw(st.permutations(names)) + draw(st.sampled_from([[], ["d"]]))
    return {name: column() for name in names}, pa.schema(map(field, wanted))


@given(answers())
@settings(deadline=None)
def test_columns_are_those_that_the_texts_give_or_are_left_to_them(answered: tuple[Any, pa.Schema]) -> None:
    answer, schema = ColumnAnswer.of(answered[0]), answered[1]
    assert answer is not None
    fitted = AnswerFit(schema, is_single=is_single(schema)).fitted(answer)
    if fitted is None:
        return
    texts = list(answer.texts())
    assert (list(fitted), [fitted[place] for place in range(len(fitted))]) == (texts, texts)
    reader = PredictionReader(schema)
    assert reader.checked(texts) == texts
    given_by_texts = [
        column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        for column in reader.columns(texts)
    ]
    assert [str(column.type) for column in fitted.columns] == [str(kind) for kind in schema.types]
    assert list(map(repr, map(pa.Array.to_pylist, fitted.columns))) == list(
        map(repr, map(pa.Array.to_pylist, given_by_texts))
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, pa.float64()) for name in ("float64", "float32", "float16", "numpy", "int8")),
        *((name, pa.int64()) for name in ("int64", "uint64", "int8")),
        *((name, pa.string()) for name in ("string", "large string", "categories", "objects")),
        ("bool", pa.bool_()),
    ],
)
def test_most_answers_need_no_texts(name: str, kind: pa.DataType) -> None:
    values = [True, False] if name == "bool" else ["a", "b"] if kind == pa.string() else [1, 2]
    answer = ColumnAnswer.of({"x": ANSWERED[name][0](values)})
    assert answer is not None
    fitted = AnswerFit(pa.schema([("x", kind)]), is_single=False).fitted(answer)
    assert fitted is not None
    assert fitted.columns[0].to_pylist() == values


def test_a_time_of_an_answer_keeps_its_nanoseconds() -> None:
    answer = ColumnAnswer.of(pa.array([1, 1000, None, 0], pa.time64("ns")))
    assert answer is not None
    assert list(answer.texts()) == [b'"00:00:00.000000001"', b'"00:00:00.000001"', b"null", b'"00:00:00"']


def test_a_model_may_use_the_memory_of_its_answer_again() -> None:
    numbers = np.array([1.0, 2.0])
    answer = ColumnAnswer.of(numbers)
    assert answer is not None
    fitted = AnswerFit(pa.schema([(SINGLE, pa.float64())]), is_single=True).fitted(answer)
    numbers[:] = 7.0
    assert fitted is not None
    assert fitted.columns[0].to_pylist() == [1.0, 2.0]


@as_model
class RaisesOnSeven:
    """Answers twice x, and raises on 7."""

    input_schema = SCHEMA
    output_schema = pa.schema([pa.field("twice", pa.float64(), nullable=False)])

    def predict_columns(self, batch: pa.RecordBatch) -> Any:
        numbers = np.from_dlpack(batch.column("x"))
        if 7 in numbers:
            raise ValueError("7 is bad")
        return {"twice": numbers * 2}


def rows_of(model: Any, batch: pa.RecordBatch, size: int, *, fit: bool, explain: bool) -> tuple[Any, Any]:
    """Return the rows that a task writes, and its counters."""
    prediction = prediction_schema(model.output_schema)
    assert prediction is not None
    writer = TableWriter(OutputShape.of(batch.schema, prediction, "model", explain=explain))
    lane = lane_of(model)
    schema = record_schema(model.input_schema)
    names = tuple(batch.schema.names)
    sizer = BatchSizer(size)
    task = Pipeline(
        TableReader(schema, TableColumns(names, names), lane.to_columns, as_texts=False),
        predictor_for(model, sizer, columns=True, fit=writer.fit if fit else None),
        writer,
        sizer,
        fail_fast=False,
    )
    table = pa.Table.from_batches(task.predict_lines([batch]))
    counters = task.report.counters
    return table, (counters.predicted, counters.reasons, task.report.examples)


@given(
    st.lists(st.sampled_from([1.0, 2.5, 7.0, None]), min_size=1, max_size=20),
    st.integers(1, 9),
    st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_a_task_writes_the_same_rows_with_and_without_texts(
    values: list[float | None], size: int, explain: bool
) -> None:
    batch = pa.record_batch({"x": pa.array(values, pa.float64()), "note": pa.array(["n"] * len(values))})
    (found, counted), (by_texts, counted_by_texts) = (
        rows_of(RaisesOnSeven(), batch, size, fit=fit, explain=explain) for fit in (True, False)
    )
    assert (found.to_pylist(), counted) == (by_texts.to_pylist(), counted_by_texts)
    assert found.schema == by_texts.schema
    assert [row["twice"] for row in found.to_pylist()] == [
        None if value in (None, 7.0) else 2 * value for value in values
    ]


class OneField(TypedDict):
    prediction: float


@pytest.mark.parametrize("fit", [True, False])
def test_a_prediction_may_have_one_field_called_prediction(fit: bool) -> None:
    model = DoublesColumns(lambda x: {"prediction": np.asarray(x) * 2})
    model.output_schema = OneField
    batch = pa.record_batch({"x": pa.array([0.75, 1.25]), "note": pa.array(["n", "n"])})
    table, _ = rows_of(model, batch, 2, fit=fit, explain=True)
    assert (table["prediction"].to_pylist(), table["error_type"].null_count) == ([1.5, 2.5], 2)


def test_failures_stand_among_the_columns_where_their_records_are() -> None:
    answer = ColumnAnswer.of({"x": pa.array(["a", "b"])})
    assert answer is not None
    failure = Failure("ValueError", "no")
    found = FittedAnswer(answer, answer.columns).with_failures({0: failure, 2: failure})
    assert found.columns[0].to_pylist() == [None, "a", None, "b"]
    assert list(found) == [failure, b'{"x": "a"}', failure, b'{"x": "b"}']
    assert found[3] == b'{"x": "b"}'
