"""Several models in one pass: each answers as it does alone, and what it fails is its own."""

from __future__ import annotations

import csv
import json
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from model_mapreduce_job.exceptions import InputError, TooManyFailuresError
from model_mapreduce_job.formats.protocols import JsonLineReader
from model_mapreduce_job.formats.records import Failure
from model_mapreduce_job.formats.rows import join_row
from model_mapreduce_job.formats.several_reading import SeveralReader
from model_mapreduce_job.formats.text_format import TextReader
from model_mapreduce_job.models.schemas import record_schema
from model_mapreduce_job.pipeline.agreement import FieldAgreement, agreement_of
from model_mapreduce_job.pipeline.counters import Counters
from model_mapreduce_job.pipeline.several_counters import groups_of, report_of_groups
from model_mapreduce_job.pipeline.summary import RunSummary
from model_mapreduce_job.pipeline.task_report import ReportBuilder, TaskReport
from model_mapreduce_job.task.factory import TaskFactory
from model_mapreduce_job.task.keeper import Page
from model_mapreduce_job.task.messages import Begin
from model_mapreduce_job.task.task_options import MOST_MODELS, TaskOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGEST = sys.float_info.max
SETTINGS = "models.settings.TestModels"
REAL_MODELS = "models.settings.RealModels"
# of lists and of columns, of two schemas and of none; the first one spoils what it is given
MODELS = ("spoiling", "obedient", "tabular", "by_columns")
# one of the models waits so long
moments = st.none() | st.integers(-5, 0) | st.sampled_from([1e-6, -0.5, "1", "x", ""])
values = st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats() | st.sampled_from(["1", "x", ""])
good = st.fixed_dictionaries({"n": st.integers(-9, 9)}, optional={"more": values})
records = good | st.fixed_dictionaries(
    {"n": values}, optional={"do": st.none() | st.sampled_from(["refuse", "no"]), "seconds": moments}
)
lines = st.lists(
    st.one_of(
        good.map(lambda record: json.dumps(record).encode()),
        records.map(lambda record: json.dumps(record).encode()),
        st.sampled_from(
            [b"", b"  ", b"{", b"[]", b"7", b'{"n": 1, "n": 2}', b'\xef\xbb\xbf{"n": 3}\r', b"\xff"]
        ),
    ),
    max_size=40,
)
rows = st.lists(
    st.one_of(
        st.tuples(st.integers(-9, 9)).map(lambda cells: b"%d,,x" % cells),
        st.sampled_from(
            [b"1,refuse,", b"n,do,more", b"", b",,", b"1.5,,2", b'"7",,"a,b"', b"1,2", b"x,,", b"1,no,7"]
        ),
    ),
    max_size=40,
)


def task(models: Sequence[str], **options: Any) -> Any:
    """Return the prediction of a task with these models, in this process."""
    configuration = REAL_MODELS if "iris_model" in models or "wide_model" in models else SETTINGS
    given = {"model_qualified_name": list(models), "no_fail_fast": True, "isolate": "never", **options}
    return TaskFactory(Begin(TaskOptions.of(given)), Page(), configuration).make(0)


def predicted(models: Sequence[str], given: list[bytes], **options: Any) -> list[bytes]:
    return [line for lines in task(models, **options).predict_lines([given]) for line in lines]


def parts(line: bytes) -> tuple[bytes, dict[str, bytes]]:
    key, _, prediction = line.partition(b"\t")
    found = msgspec.json.decode(prediction, type=dict[str, msgspec.Raw])
    return key, {name: bytes(text) for name, text in found.items()}


def check_as_alone(given: list[bytes], **options: Any) -> None:
    together = list(map(parts, predicted(MODELS, given, **options)))
    for name in MODELS:
        alone = [tuple(line.split(b"\t", 1)) for line in predicted([name], given, **options)]
        assert [(key, texts[name]) for key, texts in together] == alone
    assert all(tuple(texts) == MODELS for _, texts in together)


@settings(max_examples=60)
@given(lines, st.sampled_from([1, 3, 1000]), st.sampled_from(["null", "explain"]))
def test_each_model_answers_as_it_does_alone(given: list[bytes], size: int, on_error: str) -> None:
    """Byte for byte, whatever the records are: lines of JSON, blank, bad for some models or for all."""
    check_as_alone(given, batch_size=size, on_error=on_error)


@pytest.mark.parametrize("protocol", ["ldjson", "csv"])
def test_real_models_of_other_schemas_answer_the_same_records(protocol: str) -> None:
    """Each gets its own fields: four measures of a flower, some of twenty of a loan, by lists or columns."""
    records = [
        {
            "sepal_length": 5.1 + place % 3,
            "sepal_width": 3.5,
            "petal_length": 1.4 * (place % 4),
            "petal_width": 0.2,
        }
        | {"age": 20 + place, "income": 1e4 * place, "housing": ["owner", "tenant"][place % 2]}
        for place in range(50)
    ]
    records[7]["petal_width"] = "wide"
    records[9]["age"] = "old"
    columns = ",".join(records[0])
    given = [
        json.dumps(each) if protocol == "ldjson" else ",".join(map(str, each.values())) for each in records
    ]
    lines_of = [line.encode() for line in given]
    options = {"input_protocol": protocol, "on_error": "explain", "batch_size": 100}
    options |= {"columns": columns} if protocol == "csv" else {}
    together = list(map(parts, predicted(REAL, lines_of, **options)))
    for name in REAL:
        alone = [line.partition(b"\t")[2] for line in predicted([name], lines_of, **options)]
        assert [texts[name] for _, texts in together] == alone
    failed = [[b'"error"' in texts[name] for _, texts in together].index(True) for name in REAL]
    assert failed == [7, 9]


REAL = ("iris_model", "wide_model")


@settings(max_examples=40)
@given(rows, st.sampled_from([1, 1000]))
def test_each_model_adds_its_own_columns_to_a_row(given: list[bytes], size: int) -> None:
    """Of csv, which is read by the block for a model of columns: the cells that it adds alone."""
    options = {"input_protocol": "csv", "columns": "n,do,more", "batch_size": size, "output_protocol": "csv"}
    explained = {**options, "on_error": "explain"}
    alone = [predicted([name], given, **explained) for name in MODELS]
    keys = [row.removesuffix(last) for row, last in zip(alone[0], map(own_cells, alone[0]), strict=True)]
    for key, row, *others in zip(keys, predicted(MODELS, given, **explained), *alone, strict=True):
        assert all(other.startswith(key) for other in others)
        assert row == key + b"".join(other.removeprefix(key) for other in others)


def own_cells(row: bytes) -> bytes:
    """Return the last three cells of a row with what is before them: a prediction, and the error's two."""
    (cells,) = csv.reader([row.decode()])
    return b"," + join_row(cells[-3:], ",")


def test_the_header_names_each_column_by_its_model() -> None:
    options = {"input_protocol": "csv", "columns": "n,do", "output_protocol": "csv", "header": True}
    assert task(MODELS[2:], **options).header() == b"n,do,tabular,by_columns.n"
    with pytest.raises(InputError, match=r"a column by_columns\.n already"):
        task(MODELS[2:], **{**options, "columns": "n,by_columns.n"})


@settings(max_examples=30)
@example([b'{"n": 9223372036854775808}', b"[]"])
@given(lines)
def test_what_is_counted_of_each_model_is_what_it_counts_alone(given: list[bytes]) -> None:
    """Predicted and failed records, reasons and examples; a record fails for the run that any model fails."""
    together = task(MODELS)
    output = [line for block in together.predict_lines([given]) for line in block]
    report = together.report.built()
    for name in MODELS:
        alone = task([name])
        list(alone.predict_lines([given]))
        own, expected = report.models[name] if output else alone.report.built(), alone.report.built()
        counters = expected.counters
        assert (own.counters.predicted, own.counters.failed) == (counters.predicted, counters.failed)
        assert (own.counters.reasons, own.examples) == (counters.reasons, expected.examples)
    failed = sum(b"null" in {*texts.values()} for _, texts in map(parts, output))
    assert (report.counters.failed, report.counters.predicted) == (failed, len(output) - failed)


@pytest.mark.parametrize("protocol", ["csv", "ldjson"])
def test_a_blank_line_is_what_the_first_model_has_it_for(protocol: str) -> None:
    """So that there is one answer to it."""
    given = [b'{"n": 1}' if protocol == "ldjson" else b"1", b""]
    output = predicted(["spoiling", "tabular"], given, input_protocol=protocol, columns="n")
    assert len(output) == 1


def test_columns_are_made_once_for_models_of_one_schema_and_records_for_each_of_them() -> None:
    """What one of them spoils is decoded again for the next."""
    made: list[int] = []

    def to_columns(records: list[Any]) -> Any:
        made.append(len(records))
        return pa.RecordBatch.from_pylist(records)

    protocol = JsonLineReader(record_schema(None))
    reader = SeveralReader([TextReader(protocol, to_columns)], [0, 0])
    records: Any = reader.read([b'{"n": 1}', b'{"n": 2}']).records
    first, second = records.of_model(0), records.of_model(1)
    assert first.columns() is second.columns()
    assert made == [2]
    spoilt = first.rows()
    spoilt[0].clear()
    assert second.rows() == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("1", "1.0", {"prediction": FieldAgreement(1, 1, 1, 0.0, 0.0)}),
        ("1.5", "[1]", {"prediction": FieldAgreement(1, 0, 0)}),
        ('"a"', '{"label": "a"}', {"label": FieldAgreement(1, 1)}),
        ('{"value": 3}', "2.5", {"value": FieldAgreement(1, 0, 1, 0.5, 0.5)}),
        ('{"a": 1, "b": true}', '{"b": true, "c": 2}', {"b": FieldAgreement(1, 1)}),
        ('{"a": 1, "b": 2}', "3", {}),
        ("1e308", "-1e308", {"prediction": FieldAgreement(1, 0, 1, LARGEST, LARGEST)}),
        (str(10**400), "1.5", {"prediction": FieldAgreement(1, 0, 1, LARGEST, LARGEST)}),
        ("null", "1", {"prediction": FieldAgreement(1, 0)}),
    ],
)
def test_predictions_are_compared_field_by_field(one: str, other: str, expected: Any) -> None:
    """Where both have but one value, that one, whatever it is called."""
    failure = Failure("ValueError", "no")
    assert agreement_of([one.encode(), failure, b"1"], [other.encode(), b"2", failure]) == expected


@given(st.lists(st.tuples(st.integers(-99, 99), st.sampled_from([0.5, 1, 2.25, -3])), min_size=1))
def test_agreements_of_parts_are_that_of_the_whole(pairs: list[tuple[int, float]]) -> None:
    """However records are cut into batches and tasks; through counters all but the greatest difference."""
    ones, others = ([b'{"x": %b}' % str(each).encode() for each in side] for side in zip(*pairs, strict=True))
    whole, parts_of = ReportBuilder(), ReportBuilder()
    whole.add_agreement("b", agreement_of(ones, others))
    for place in range(len(pairs)):
        part = ReportBuilder()
        part.add_agreement("b", agreement_of(ones[place : place + 1], others[place : place + 1]))
        parts_of.add(part.built())
    assert parts_of.built() == whole.built()
    assert TaskReport.from_json(whole.built().to_json()) == whole.built()
    found = report_of_groups(groups_of(whole.built())).agreements["b"]["x"]
    assert found == msgspec.structs.replace(whole.agreements["b"]["x"], greatest=None)
    distances = [abs(one - other) for one, other in pairs]
    assert whole.agreements["b"]["x"].greatest == max(distances)


def test_counts_of_many_models_fit_into_the_counters_that_hadoop_gives_a_job() -> None:
    """Those of the models come first: their share of failures is judged."""
    report = ReportBuilder()
    names = [f"model {number}" for number in range(MOST_MODELS)]
    for name in names:
        report.of_model(name).counters.predicted = 1
        report.add_agreement(name, {f"field {place}": FieldAgreement(1) for place in range(20)})
    groups = groups_of(report.built())
    assert sum(map(len, groups.values())) <= 80
    found = report_of_groups(groups)
    assert [found.models[name].counters.predicted for name in names] == [1] * MOST_MODELS
    assert found.warnings[0].startswith("The counts of the models are incomplete")


def test_counts_that_all_fit_are_not_called_incomplete() -> None:
    report = ReportBuilder()
    report.of_model("a").counters.predicted = 1
    assert report_of_groups(groups_of(report.built())).warnings == ()


def test_each_model_has_to_keep_to_the_rate_of_errors() -> None:
    """By itself: what another one fails is not its own."""
    report = ReportBuilder(Counters(lines=10, predicted=8, failed=2))
    for name in ("a", "b"):
        report.of_model(name).counters = Counters(lines=10, predicted=9, failed=1, reasons={"ValueError": 1})
    summary = RunSummary(report.built(), 1.0)
    summary.check(0.1)
    with pytest.raises(
        TooManyFailuresError, match=r"^Of a, 1 of 10 records failed .* 0\.05 .*1 x ValueError"
    ):
        summary.check(0.05)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["a", "b", "a"], "Two of the models are called a"),
        ([str(number) for number in range(MOST_MODELS + 1)], "21 models are too many for one pass: name 20"),
    ],
)
def test_models_have_names_of_their_own_and_are_not_too_many(given: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TaskOptions.of({"model_qualified_name": given})
