"""Models that take columns: what they are given, what they may answer, and what goes wrong with them."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from column_models import (
    ARRAYS,
    SCHEMA,
    TABLES,
    AnswersColumns,
    DoublesColumns,
    OutOfMemoryOverColumns,
    RaisesOnColumns,
    ReversesItsColumns,
    ShowsItsColumns,
)
from fakes import Doubler
from hypothesis import given, settings
from hypothesis import strategies as st
from iris_model.iris_predict import IrisModel
from pipelines import output_of, pipeline_of
from test_model_contract import APPLICATIONS, BAD, FLOWERS
from wide_model.wide_predict import WideModel

from model_mapreduce_job.exceptions import ModelContractError
from model_mapreduce_job.formats.arrow_records import ArrowRecords
from model_mapreduce_job.models.columns import column_schema
from model_mapreduce_job.models.contract import missing_members
from model_mapreduce_job.pipeline.batch_sizing import BatchSizer
from model_mapreduce_job.pipeline.predictors import predictor_for

if TYPE_CHECKING:
    from model_mapreduce_job.pipeline.pipeline import Pipeline

NUMBERS = [b'{"x": %d.5}' % n for n in range(50)]


def run(
    model: Any, lines: list[bytes], size: int | None = None, *, check: bool = True
) -> tuple[list[Any], Pipeline]:
    task = pipeline_of(model, size, check_batches=check)
    return [json.loads(line.partition(b"\t")[2]) for line in output_of(task, lines)], task


def test_predict_columns_alone_makes_a_model() -> None:
    assert missing_members(DoublesColumns) == []


@pytest.mark.parametrize("way", [pytest.param(way, id=name) for name, way in {**ARRAYS, **TABLES}.items()])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_each_way_to_answer_gives_one_prediction_for_each_record(way: Any, size: int) -> None:
    output, task = run(DoublesColumns(way), NUMBERS, size)
    doubled = [2 * (n + 0.5) for n in range(50)]
    assert output == (doubled if way in ARRAYS.values() else [{"twice": value} for value in doubled])
    assert task.report.counters.predicted == 50


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (pa.array(["a", None]), ["a", None]),
        (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
        (pa.array([True, False]), [True, False]),
        (pa.array([[1.5], []]), [[1.5], []]),
        (pa.array([2**62, None]), [2**62, None]),
        (pa.array([0, 1], pa.timestamp("s")), ["1970-01-01T00:00:00", "1970-01-01T00:00:01"]),
        ({"a b": ["x", "y"], "né": np.array([1, 2])}, [{"a b": "x", "né": 1}, {"a b": "y", "né": 2}]),
        ({"label": pa.array(["x", "x"])}, [{"label": "x"}, {"label": "x"}]),
        ([1, ValueError("no")], [1, {"error": {"type": "ValueError", "message": "no"}}]),
        (pa.array([1, 10_000_000], pa.date32()), ["1970-01-02", "29349-01-26"]),
        (pa.array([[1], [1000]], pa.list_(pa.time64("ns"))), [["00:00:00.000000001"], ["00:00:00.000001"]]),
    ],
)
def test_answers_of_any_type_are_written(answer: Any, expected: Any) -> None:
    assert run(AnswersColumns(answer), NUMBERS[:2], 2, check=False)[0] == expected


def test_nan_is_no_prediction() -> None:
    output, task = run(AnswersColumns(np.array([1.0, np.nan])), NUMBERS[:2], 2)
    assert output[0] == 1.0
    assert task.report.counters.failed == 1


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (np.array([1.0]), "predict_columns answered 1 result for 2 records"),
        ({"a": [1, 2, 3]}, "predict_columns answered 3 results for 2 records"),
        ({"a": [1, 2], "b": [1]}, "predict_columns answered 1 result for 2 records"),
        ({"a": 3}, "predict_columns answered a dict whose column a is no array: it is a int"),
        ({"a": np.array([1, 2]), "b": "xy"}, "a dict whose column b is no array: it is a str"),
        ({}, "predict_columns answered a dict"),
        (3, "predict_columns answered a int"),
        ("ab", "predict_columns answered a str"),
    ],
)
def test_what_is_not_one_answer_for_each_record_ends_the_task(answer: Any, message: str) -> None:
    with pytest.raises(ModelContractError, match=message):
        run(AnswersColumns(answer), NUMBERS[:2], 2)


@given(st.lists(st.integers(0, 9), max_size=40), st.sets(st.integers(0, 9)))
@settings(deadline=None, max_examples=30)
def test_only_the_records_that_raise_fail_wherever_they_stand(values: list[int], bad: set[int]) -> None:
    output, _ = run(RaisesOnColumns(*bad), [b'{"x": %d}' % value for value in values])
    assert [answer.get("twice", answer.get("error", {}).get("message")) for answer in output] == [
        f"{value} is bad" if value in bad else 2.0 * value for value in values
    ]


def test_a_batch_that_memory_has_no_room_for_is_halved() -> None:
    output, task = run(OutOfMemoryOverColumns(7), NUMBERS)
    assert (len(output), task.report.counters.failed) == (50, 0)


def test_answers_in_another_order_end_the_task() -> None:
    with pytest.raises(ModelContractError, match="in another order"):
        run(ReversesItsColumns(), NUMBERS)


def test_a_record_that_does_not_fit_never_reaches_the_model() -> None:
    model = DoublesColumns()
    lines = [b'{"x": 1}', b'{"x": "a"}', b'{"x": null}', b'{"note": "b"}', b"[]", b'{"x": 2, "note": null}']
    output, task = run(model, lines, 100)
    assert (task.report.counters.predicted, task.report.counters.failed) == (2, 4)
    assert max(model.batch_sizes) == 2
    assert output[1]["error"]["message"] == "Expected `float`, got `str` - at `$.x`"


class Person(TypedDict):
    name: str
    age: int | None
    height: float
    is_member: bool
    tags: NotRequired[list[str]]


class Named(msgspec.Struct, rename={"name": "full name"}):
    name: str
    age: int | None = None


def test_columns_have_the_types_of_the_schema_and_null_for_what_is_missing() -> None:
    lines = [
        b'{"name": "a", "age": 1, "height": 2, "is_member": true, "tags": ["x"]}',
        b'{"name": "b", "age": null, "height": 2.5, "is_member": false}',
    ]
    output, _ = run(ShowsItsColumns(Person), lines, 10)
    assert output[0]["types"] == ["string", "int64", "double", "bool", "list<item: string>"]
    assert [row["values"] for row in output] == [["a", 1, 2.0, True, ["x"]], ["b", None, 2.5, False, None]]
    assert run(ShowsItsColumns(Person), lines[1:], 10)[0][0]["types"] == output[0]["types"]


def test_a_field_has_the_name_that_it_has_in_a_record() -> None:
    output, _ = run(ShowsItsColumns(Named), [b'{"full name": "a"}'], 10)
    assert output == [{"types": ["string", "int64"], "values": ["a", None]}]


def test_an_integer_that_no_column_has_room_for_fails_alone() -> None:
    lines = [b'{"name": "a", "age": %d, "height": 2, "is_member": true}' % age for age in (1, 2**64, 3)]
    output, task = run(ShowsItsColumns(Person), lines, 10)
    assert [row.get("values", [0, "failed"])[1] for row in output] == [1, "failed", 3]
    assert task.report.counters.failed == 1


@pytest.mark.parametrize(
    ("schema", "words"),
    [(dict[str, Any], "names no fields"), ({"properties": {"x": {}}}, "doesn't say which type x has")],
)
def test_a_schema_that_says_no_types_is_refused(schema: Any, words: str) -> None:
    with pytest.raises(ModelContractError, match=words):
        column_schema(schema, "Model")


def test_a_model_of_lists_and_columns_gets_columns_where_records_come_as_such() -> None:
    class Both(Doubler, DoublesColumns):  # type: ignore[misc]  # two fakes in one
        input_schema = SCHEMA

    assert predictor_for(Both(), BatchSizer(), columns=True)._asker.method == "predict_columns"
    assert predictor_for(Both(), BatchSizer())._asker.method == "predict_batch"


@pytest.mark.parametrize("model", [IrisModel(), WideModel()], ids=["IrisModel", "WideModel"])
def test_a_model_that_has_both_gives_the_same_bytes_in_both_lanes(model: Any) -> None:
    lines = FLOWERS if isinstance(model, IrisModel) else APPLICATIONS
    lines = [*lines, *BAD]
    assert output_of(pipeline_of(model, 7), lines) == output_of(pipeline_of(model, 7, lists=True), lines)


@pytest.mark.parametrize("places", [range(1, 3), [2, 0]])
def test_records_that_came_as_columns_are_columns_and_rows_of_the_same(places: Any) -> None:
    batch = pa.RecordBatch.from_pydict({"x": [1, 2, 3]})
    records = ArrowRecords(batch, lambda part, _: part.to_pylist())
    part = records.part(places)
    assert (len(records), len(part)) == (3, 2)
    assert part.rows() == part.columns().to_pylist() == [records.rows()[place] for place in places]
    assert part.rows() is not part.rows()


def test_a_model_of_lists_with_an_arrow_schema_gets_dicts_of_its_columns() -> None:
    class Shows(Doubler):
        input_schema = pa.schema(
            [
                pa.field('a "b"', pa.float32(), nullable=False),
                pa.field("day", pa.date32()),
                pa.field("inner", pa.struct([("n", pa.int8())])),
                pa.field("tags", pa.list_(pa.dictionary(pa.int8(), pa.string()))),
            ]
        )
        output_schema = None

        def predict_batch(self, data: list[Any]) -> list[Any]:
            return [repr(record) for record in data]

        def predict_columns(self, batch: pa.RecordBatch) -> Any:
            assert batch.schema == self.input_schema
            return [repr(record) for record in batch.to_pylist()]

    lines = [
        b'{"a \\"b\\"": 1.5, "day": "2026-01-31", "inner": {"n": 3}, "tags": ["x", null]}',
        b'{"a \\"b\\"": 1e39}',
        b'{"a \\"b\\"": 1, "inner": {"n": 128}}',
        b'{"a \\"b\\"": 1, "day": "tomorrow"}',
        b'{"day": null}',
    ]
    by_list, by_column = (output_of(pipeline_of(Shows(), lists=lists), lines) for lists in (True, False))
    expected = {'a "b"': 1.5, "day": dt.date(2026, 1, 31), "inner": {"n": 3}, "tags": ["x", None]}
    assert json.loads(by_list[0].partition(b"\t")[2]) == repr(expected)
    assert by_column == by_list
    assert [json.loads(line.partition(b"\t")[2])["error"]["message"] for line in by_list[1:]] == [
        'Expected `float` <= 3.4028234663852886e+38 - at `$.a "b"`',
        "Expected `int` <= 127 - at `$.inner.n`",
        "Invalid RFC3339 encoded date - at `$.day`",
        'Object missing required field `a "b"`',
    ]
