"""The contract check that every model runs: the iris model, and one model in each shape that people have."""

import io
import json
from typing import Any

import pytest
from fakes import AnswersErrorsFor, AnswersNumpy, DoublesOneByOne, LeavesTheProcess, OutOfMemoryOver, RaisesOn
from iris_model.iris_predict import IrisModel
from pipelines import pipeline_of
from schema_fakes import EVERY_SHAPE
from wide_model.wide_predict import WideModel

from model_mapreduce_job.formats.lines import read_blocks
from model_mapreduce_job.models.contract import missing_members, version_of
from model_mapreduce_job.models.fields import fields_of
from model_mapreduce_job.models.schemas import record_schema
from model_mapreduce_job.pipeline.pipeline import Pipeline

DOUBLERS = [
    *(shape() for shape in EVERY_SHAPE),
    DoublesOneByOne(),
    RaisesOn(),
    AnswersErrorsFor(),
    OutOfMemoryOver(7),
    AnswersNumpy(),
    LeavesTheProcess(),
]
NUMBERS = [b'{"x": %d.5}' % n for n in range(50)]
FLOWERS = [
    b'{"sepal_length": %.1f, "sepal_width": 3.0, "petal_length": %.1f, "petal_width": %.1f}'
    % (4 + n / 20, 1 + n / 10, n / 25)
    for n in range(50)
]
APPLICATIONS = [b'{"age": %d, "income": %d.5, "region": "north"}' % (20 + n, 900 * n) for n in range(50)]
WRONG = b'{"x": "asd", "petal_width": "asd", "age": "asd"}'
BAD = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"?",
    b"\xff",
    WRONG,
    b'{"x": null, "age": false}',
    b'{"x": NaN}',
    b'{"x": [1], "age": [1]}',
    b'{"x": true, "age": true, "petal_width": true, "sepal_length": 1, "sepal_width": 1, "petal_length": 1}',
]
CASES = [
    pytest.param(IrisModel(), FLOWERS, id="IrisModel"),
    pytest.param(WideModel(), APPLICATIONS, id="WideModel"),
    *(pytest.param(model, NUMBERS, id=type(model).__name__) for model in DOUBLERS),
]
every_model = pytest.mark.parametrize(("model", "lines"), CASES)


def run(model: Any, lines: list[bytes], size: int | None = None) -> tuple[list[bytes], Pipeline]:
    task = pipeline_of(model, size)
    blocks = read_blocks(io.BytesIO(b"\n".join(lines)))
    return [line for batch in task.predict_lines(blocks) for line in batch], task


@every_model
def test_it_has_every_member_and_a_version(model: Any, lines: list[bytes]) -> None:
    assert missing_members(model) == []
    assert version_of(model)
    assert model.qualified_name
    assert lines


@every_model
def test_it_predicts_every_good_record(model: Any, lines: list[bytes]) -> None:
    output, task = run(model, lines)
    assert [line.split(b"\t")[0] for line in output] == lines
    assert (task.report.counters.predicted, task.report.counters.failed) == (len(lines), 0)
    assert all(json.loads(line.split(b"\t")[1]) is not None for line in output)


@every_model
def test_a_batch_gets_what_its_records_get_one_at_a_time(model: Any, lines: list[bytes]) -> None:
    assert run(model, lines, 1000)[0] == run(model, lines, 1)[0]


@every_model
def test_a_record_gets_the_same_from_predict_alone(model: Any, lines: list[bytes]) -> None:
    schema = record_schema(model.input_schema)
    output, _ = run(model, lines)
    for line, written in zip(lines, output, strict=True):
        prediction = model.predict(schema.decode(line))
        prediction = prediction.model_dump() if hasattr(prediction, "model_dump") else prediction
        assert json.loads(written.split(b"\t")[1]) == prediction


@every_model
def test_a_bad_record_costs_itself_and_changes_no_other(model: Any, lines: list[bytes]) -> None:
    alone, _ = run(model, lines)
    mixed, task = run(model, [line for pair in zip(lines, BAD * 5, strict=False) for line in pair])
    assert [line for line in mixed if line.split(b"\t")[0] in lines] == alone
    counters = task.report.counters
    assert counters.lines == counters.predicted + counters.failed + counters.blank
    assert counters.blank == 5
    assert counters.failed >= 5 * (len(BAD) - 3)


@every_model
def test_a_failure_is_explained_on_one_line(model: Any, lines: list[bytes]) -> None:
    output, _ = run(model, [lines[0], WRONG])
    error = json.loads(output[1].split(b"\t")[1])["error"]
    assert error["type"]
    assert error["message"]
    assert error["message"].isprintable()


@every_model
def test_its_schema_tells_its_fields(model: Any, lines: list[bytes]) -> None:
    fields = fields_of(model.input_schema)
    assert [field.name for field in fields if field.required] in ([], list(json.loads(lines[0])))
    assert bool(fields) == (model.input_schema is not None)
