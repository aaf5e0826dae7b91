"""The contract that holds in each lane: by the record, by the list, by the column, whatever a model does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from asyncio import CancelledError
from pathlib import Path
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from documents import PROJECT
from fakes import as_model
from hypothesis import given, settings
from hypothesis import strategies as st
from lanes import LANES, MODELS, AnswersFor, AnswersInOneList, HasNoMemoryFor, Raises, twice
from pipelines import output_of, pipeline_of

from model_mapreduce_job.exceptions import ModelContractError
from model_mapreduce_job.formats.column_answers import ColumnAnswer
from model_mapreduce_job.formats.encoding import prediction_texts
from model_mapreduce_job.models.schemas import record_schema
from model_mapreduce_job.models.struct_records import struct_of
from model_mapreduce_job.task.lanes import lane_of, lists_are_quicker

if TYPE_CHECKING:
    from local_jobs import LocalJob

LINES = [
    *(b'{"x": %d}' % number for number in range(20)),
    b'{"x": "a"}',
    b"",
    b'{"x": null, "y": 1}',
    b'{"x": NaN}',
    b"\xff",
    b"[1]",
    b'{"x": 1e400}',
    b'{"x": 3, "note": "\\ud83d"}',
    b'{"x": 2}\t ',
    b'{"x": 2',
]


@pytest.mark.parametrize(
    "behave",
    [
        twice,
        Raises(ValueError, 2),
        Raises(ValueError, *range(20)),
        Raises(SystemExit, 2, 3, 17),
        Raises(RecursionError, 0),
        Raises(StopIteration, 19),
        Raises(CancelledError, 5),
        AnswersFor(ValueError("refused")),
        AnswersFor(float("nan")),
        AnswersFor({"twice": float("inf")}),
        AnswersFor("\ud83d"),
        AnswersFor({1, 2, 3}),
        AnswersFor(object()),
        AnswersFor(None),
        AnswersFor(np.float32(0.1)),
        HasNoMemoryFor(3),
        AnswersInOneList(),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_each_lane_writes_the_same_bytes_whatever_the_model_does(behave: Any, size: int) -> None:
    outputs = {
        lane: output_of(pipeline_of(MODELS[lane](behave), size, fail_fast=False, check_batches=False), LINES)
        for lane in LANES
    }
    assert len(outputs["list"]) == len(LINES) - 1
    assert outputs["record"] == outputs["list"] == outputs["columns"]


@pytest.mark.parametrize("lane", ["list", "columns"])
@pytest.mark.parametrize(
    ("behave", "words"),
    [
        (lambda numbers: twice(numbers)[:-1], "answered 9 results for 10 records"),
        (lambda numbers: [*twice(numbers), None], "answered 11 results for 10 records"),
        (lambda numbers: np.zeros(len(numbers) + 1), "answered 11 results for 10 records"),
        (lambda _numbers: 1, "answered a int"),
        (lambda _numbers: None, "answered a NoneType"),
        (lambda numbers: (number for number in numbers), "answered a generator"),
        (lambda numbers: twice(numbers)[::-1], "answers in another order"),
    ],
)
def test_what_is_not_one_answer_for_each_record_in_order_ends_the_task(
    lane: str, behave: Any, words: str
) -> None:
    with pytest.raises(ModelContractError, match=words) as refused:
        output_of(pipeline_of(MODELS[lane](behave), 10), LINES[:10])
    assert "predict_columns" in str(refused.value) or lane == "list"


class Everything(TypedDict):
    number: float
    integer: NotRequired[int]
    text: str | None
    is_true: NotRequired[bool | None]
    numbers: NotRequired[list[float]]


@as_model
class EchoesFields:
    """Answers the fields of a record, null for what is missing."""

    input_schema = Everything
    output_schema = None

    def predict_batch(self, data: list[Everything]) -> list[Any]:
        return [{name: record.get(name) for name in Everything.__annotations__} for record in data]

    def predict_columns(self, batch: pa.RecordBatch) -> Any:
        return batch.select(list(Everything.__annotations__))


_values = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text()
)
_fitting = st.fixed_dictionaries(
    {"number": st.floats(allow_nan=False, allow_infinity=False), "text": st.none() | st.text()},
    optional={
        "integer": st.integers(-(2**63), 2**63 - 1),
        "is_true": st.none() | st.booleans(),
        "numbers": st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3),
        "more": _values,
    },
)
_any = st.dictionaries(st.sampled_from([*Everything.__annotations__, "more"]), _values)
_lines = st.one_of(
    st.builds(lambda value: json.dumps(value).encode(), _fitting),
    st.builds(lambda value: json.dumps(value, ensure_ascii=False).encode(errors="replace"), _fitting),
    st.builds(lambda value: json.dumps(value).encode(), _any),
    st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")),
)


@given(st.lists(_lines, max_size=20), st.integers(1, 9))
@settings(max_examples=150)
def test_any_lines_give_the_same_bytes_by_the_list_and_by_the_column(lines: list[bytes], size: int) -> None:
    by_column = pipeline_of(EchoesFields(), size, fail_fast=False)
    by_list = pipeline_of(EchoesFields(), size, fail_fast=False, lists=True)
    assert output_of(by_column, lines) == output_of(by_list, lines)
    assert by_column.report.counters.failed == by_list.report.counters.failed


@given(_lines)
def test_a_struct_is_decoded_with_the_checks_and_the_words_of_its_typed_dict(line: bytes) -> None:
    def read(schema: Any) -> Any:
        try:
            return msgspec.to_builtins(record_schema(schema).decode(line))
        except (ValueError, RecursionError) as error:
            return f"{type(error).__name__}: {error}"

    by_dict, by_struct = read(Everything), read(struct_of(Everything))
    if isinstance(by_dict, dict):
        by_dict = {name: by_dict.get(name) for name in Everything.__annotations__}
    assert by_struct == by_dict


_columns = st.one_of(
    st.lists(st.floats(), min_size=5, max_size=5).map(np.array),
    st.lists(st.floats(width=32), min_size=5, max_size=5).map(lambda values: np.array(values, np.float32)),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=5, max_size=5).map(pa.array),
    st.lists(st.none() | st.floats(), min_size=5, max_size=5).map(
        lambda values: pa.array(values, pa.float64())
    ),
    st.lists(st.none() | st.booleans(), min_size=5, max_size=5).map(
        lambda values: pa.array(values, pa.bool_())
    ),
    st.lists(st.none() | st.text(), min_size=5, max_size=5).map(lambda values: pa.array(values, pa.string())),
    st.lists(st.text(), min_size=5, max_size=5).map(lambda values: pa.array(values).dictionary_encode()),
    st.lists(st.text(), min_size=5, max_size=5).map(lambda values: np.array(values, object)),
    st.lists(st.none() | st.sampled_from("ab"), min_size=5, max_size=5).map(pd.Categorical).map(pd.Series),
)


@given(st.dictionaries(st.text(), _columns, min_size=1, max_size=3), st.booleans())
@settings(max_examples=300)
def test_texts_written_by_the_column_are_those_written_by_the_row(answers: Any, named: bool) -> None:
    answer = ColumnAnswer.of(answers if named else next(iter(answers.values())))
    assert answer is not None
    rows = answer.rows()
    plain = [msgspec.to_builtins(row) for row in rows] if named else rows
    assert list(answer.texts()) == prediction_texts(rows) == prediction_texts(plain)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pd.Series([1.5, float("nan")]), [b"1.5", "PredictionError"]),
        (pd.Series([1, None], dtype="Int64"), [b"1", b"null"]),
        (pd.Series(["a", None], dtype="string"), [b'"a"', b"null"]),
        (pd.Series(["a", None], dtype="category"), [b'"a"', b"null"]),
        (pd.Series([pd.Timestamp(0), pd.NaT]), [b'"1970-01-01T00:00:00"', b"null"]),
        (pd.Series([pd.Timestamp(1), pd.NaT]), [b'"1970-01-01T00:00:00.000000001"', b"null"]),
        (pd.Series([[1], [2.5]]), [b"[1]", b"[2.5]"]),
        (pd.Series([True, False], index=["x", "y"]), [b"true", b"false"]),
        (np.array([[1, 2], [3, 4]]), [b"[1, 2]", b"[3, 4]"]),
        (np.array(["a", "b"]), [b'"a"', b'"b"']),
        (np.array(["1970-01-01", "NaT"], "M8[D]"), [b'"1970-01-01"', b"null"]),
        (np.array([1, None], object), [b"1", b"null"]),
        (np.array([b"ab", b"c"], object), [b'"YWI="', b'"Yw=="']),
        (np.ma.masked_array([1, 2], [False, True]), [b"1", b"null"]),
        (pa.array([[1.5], None]), [b"[1.5]", b"null"]),
        (pa.array([{"a": 1}, None]), [b'{"a": 1}', b"null"]),
        (pa.array([1, None], pa.int8()), [b"1", b"null"]),
        (pa.array([1.5, None], pa.float16()), [b"1.5", b"null"]),
        (pa.nulls(2), [b"null", b"null"]),
        (pa.chunked_array([["a"], ["b"]]), [b'"a"', b'"b"']),
        (pa.array([2.5, 3.5]).dictionary_encode(), [b"2.5", b"3.5"]),
    ],
)
def test_a_column_of_any_library_is_written_as_its_values_are(column: Any, expected: list[Any]) -> None:
    answer = ColumnAnswer.of(column)
    assert answer is not None
    assert [text if isinstance(text, bytes) else text.kind for text in answer.texts()] == expected


def test_columns_that_output_schema_does_not_have_end_the_task() -> None:
    class Score(TypedDict):
        score: float
        label: NotRequired[str]

    def answers(answer: Any) -> Any:
        model = MODELS["columns"](lambda _: answer)
        model.output_schema = Score
        return [
            text.partition(b"\t")[2]
            for text in output_of(pipeline_of(model, 2, check_batches=False), LINES[:2])
        ]

    assert answers({"score": [1.0, 2.0]}) == [b'{"score": 1.0}', b'{"score": 2.0}']
    assert answers({"score": np.array([1, 2]), "label": ["a", "b"]})[1] == b'{"score": 2, "label": "b"}'
    assert answers([{"anything": 1}, None]) == [b'{"anything": 1}', b"null"]
    for answer, words in (
        ({"scores": np.ones(2)}, "the columns scores, and its output_schema has score, label"),
        ({"score": np.ones(2), "other": np.ones(2)}, "the columns score, other"),
        ({"label": np.array(["a", "b"])}, "the columns label"),
        (
            {"score": np.array(["a", "b"])},
            "the column score of string, and its output_schema has number there",
        ),
        (np.ones(2), "an array, and its output_schema has the fields score, label"),
    ):
        with pytest.raises(ModelContractError, match=words):
            answers(answer)


@pytest.mark.parametrize("job", ["local"], indirect=True)
def test_a_model_of_columns_loses_only_the_records_that_end_its_process_or_hang(job: LocalJob) -> None:
    lines = [
        {"n": 1},
        {"n": 2, "do": "be_killed"},
        {"n": 3, "do": "hang"},
        {"n": 4, "do": 5},
        {"n": 2**70},
        {"n": 6},
    ]
    (job.directory / "in.json").write_text("".join(json.dumps(line) + "\n" for line in lines))
    options = ("--model_qualified_name", "by_columns", "--on_error", "explain", "--predict_timeout", 2)
    ran = job.run("--isolate", "always", *options, "--quiet", "in.json")
    assert [value.get("n", value.get("error", {}).get("type")) for _, value in ran.pairs] == [
        1,
        "ProcessDied",
        "PredictTimeout",
        "ValidationError",
        "ValidationError",
        6,
    ]


def test_a_model_of_lists_runs_without_arrow(job: LocalJob) -> None:
    (job.directory / "in.json").write_text('{"imported": "pyarrow"}\n')
    ran = job.run("--model_qualified_name", "obedient", "--quiet", "in.json")
    assert [value for _, value in ran.pairs] == [False]


def test_columns_are_made_answered_and_written_without_pandas() -> None:
    """Which is not imported quickly, and by pyarrow without being asked."""
    script = """
import sys
import pyarrow as pa
from iris_model.iris_predict import IrisModel
from model_mapreduce_job.formats.table_writer import OutputShape, TableWriter
from pipelines import output_of, pipeline_of
from test_model_contract import APPLICATIONS, FLOWERS
from wide_model.wide_predict import WideModel

before = "pandas" in sys.modules
for model, lines in ((IrisModel(), FLOWERS), (WideModel(), APPLICATIONS)):
    assert len(output_of(pipeline_of(model), lines)) == len(lines)
shape = OutputShape.of(pa.schema([("x", pa.string())]), pa.schema([("y", pa.float64())]), "m", explain=True)
TableWriter(shape).write([b'{"x": "1"}'] * 3, [b'{"y": 1.5}', b'{"y": 1.5}', b'{"y": 2}'])
print(before, "pandas" in sys.modules)
"""
    examples = PROJECT / "examples"
    places = map(str, [Path(__file__).parent, examples / "iris_model", examples / "wide_model"])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    ran = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True)
    assert ran.stdout.split() == [b"False", b"False"]


@pytest.mark.parametrize(
    ("schema", "protocol", "method"),
    [
        (Everything, "ldjson", "predict_columns"),
        (Everything, "csv", "predict_columns"),
        (struct_of(Everything), "ldjson", "predict_batch"),
        (struct_of(Everything), "csv", "predict_columns"),
        (None, "ldjson", "predict_batch"),
    ],
)
def test_a_model_of_both_kinds_is_given_what_is_quickest(schema: Any, protocol: str, method: str) -> None:
    model = EchoesFields()
    model.input_schema = schema
    lane = lane_of(model, lists=lists_are_quicker(model, protocol))
    assert (lane.to_columns is None) == (method == "predict_batch")
