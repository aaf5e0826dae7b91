"""What a profile holds of records and predictions: counts of all, distributions within the stated error."""

from __future__ import annotations

import json
import math
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING

import fakes
import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from local_jobs import LocalJob
from pipelines import output_of, pipeline_of

from model_mapreduce_job.driver.profile_file import check_profile
from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.models.schemas import record_schema
from model_mapreduce_job.profiles.arrow_columns import add_array, add_batch
from model_mapreduce_job.profiles.classes import add_by_class, class_in
from model_mapreduce_job.profiles.distinct import Distinct, hashes_of
from model_mapreduce_job.profiles.field import Field
from model_mapreduce_job.profiles.fields import MOST_FIELDS, Fields
from model_mapreduce_job.profiles.list_columns import ListColumns
from model_mapreduce_job.profiles.number_rows import NumberRows
from model_mapreduce_job.profiles.numbers import Numbers
from model_mapreduce_job.profiles.observer import ProfileObserver
from model_mapreduce_job.profiles.picked_texts import PickedTexts
from model_mapreduce_job.profiles.picking import ALL_OF_FIRST, HIGHEST_RATE, Picked, Picker, rate_at
from model_mapreduce_job.profiles.profile import Mean, Profile
from model_mapreduce_job.profiles.values import Values, add_values
from model_mapreduce_job.task.run_options import RunOptions

if TYPE_CHECKING:
    from pathlib import Path

ALL = Picked()
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def profile_of(model: object, records: list[object], size: int = 100) -> Profile:
    observer = ProfileObserver(record_schema(model.input_schema).fields)  # type: ignore[attr-defined]  # a model
    pipeline = pipeline_of(model, size, observer=observer)
    output_of(pipeline, [json.dumps(record).encode() for record in records])
    assert pipeline.report.warnings == []
    return Profile.from_bytes(pipeline.report.built().profile or b"")


def numbers_of(values: np.ndarray) -> Numbers:
    numbers = Numbers()
    numbers.add(np.asarray(values, np.float64), ALL)
    return numbers


def test_numbers_have_their_counts_least_greatest_and_mean() -> None:
    found = numbers_of(np.array([3.0, -1.0, math.nan, math.inf, 7.0]))
    assert (found.count, found.nan, found.infinite) == (3, 1, 1)
    assert (found.least, found.greatest, found.mean) == (-1, 7, 3)
    assert found.points().values.tolist() == [-1, 3, 7]


def test_quantiles_are_within_the_stated_rank_error_of_all_parts_together() -> None:
    """Also where a part of the numbers was picked by chance."""
    values = np.random.default_rng(3).lognormal(size=300_000)
    whole, picker = Numbers(), Picker()
    for start in range(0, len(values), 50_000):
        part = Numbers()
        chunk = values[start : start + 50_000]
        for places, picked in picker.parts(len(chunk)):
            part.add(chunk[places], picked)
        whole.merge(part)
    assert whole.count == len(values)
    ranks = np.linspace(0.01, 0.99, 99)
    exact = np.searchsorted(np.sort(values), whole.points().quantiles(ranks)) / len(values)
    assert np.abs(exact - ranks).max() < 0.02


def test_few_numbers_are_kept_as_they_are() -> None:
    points = numbers_of(np.arange(100)).points()
    assert points.values.tolist() == list(range(100))
    assert points.up_to(np.array([-1.0, 0.0, 49.0, 99.0])).tolist() == pytest.approx([0, 0.01, 0.5, 1])


@given(st.lists(st.text()), st.lists(st.text()))
def test_different_texts_are_counted_whatever_order_and_parts_they_come_in(
    some: list[str], others: list[str]
) -> None:
    whole, one, other = Distinct(), Distinct(), Distinct()
    whole.add_texts(some + others)
    one.add_texts(others)
    other.add_texts(some)
    one.merge(other)
    assert one.hashes.tolist() == whole.hashes.tolist()
    assert one.estimate == len({*some, *others})


def test_many_different_numbers_are_estimated() -> None:
    found = Distinct()
    for start in range(0, 1_000_000, 5000):
        found.add_hashes(hashes_of(np.arange(start, start + 10_000, dtype=np.float64)))
    assert found.estimate == pytest.approx(1_005_000, rel=0.1)
    assert not found.is_exact


def test_what_is_picked_does_not_depend_on_batches() -> None:
    count = 3 * ALL_OF_FIRST
    places = np.arange(count)
    at_once = np.concatenate([picked.of(places[part]) for part, picked in Picker().parts(count)])
    picker, found = Picker(), []
    for start in range(0, count, 7777):
        batch = places[start : start + 7777]
        found += [picked.of(batch[part]) for part, picked in picker.parts(len(batch))]
    assert np.concatenate(found).tolist() == at_once.tolist()
    assert len(at_once) == pytest.approx(4096 + 2048 + 1024, rel=0.05)
    assert (rate_at(0), rate_at(ALL_OF_FIRST), rate_at(10**9)) == (1, 2, HIGHEST_RATE)


@settings(max_examples=50)
@given(st.lists(ANY))
def test_values_of_any_kind_are_counted(values: list[object]) -> None:
    fields = Fields()
    fields.add("", Values([{"x": value} for value in values], ALL))
    there = sum(value is not None for value in values)
    assert (fields.kept["x"].present if "x" in fields.kept else 0) == there
    profile = Profile(inputs=fields)
    again = Profile.from_json(profile.to_json()).inputs.kept
    assert list(again) == list(fields.kept)
    for name, field in fields.kept.items():
        assert (again[name].present, again[name].kind) == (field.present, field.kind)
        texts, same = field.texts, again[name].texts
        assert (texts and texts.counts()) == (same and same.counts())


def test_columns_give_the_same_as_rows() -> None:
    columns = {
        "number": [1.5, None, 3.0, math.nan],
        "whole": [1, 2, 3, None],
        "text": ["a", "b", "a", None],
        "flag": [True, False, None, True],
        "list": [[1], [], [1, 2, 3], None],
        "inner": [{"a": 1}, {"a": 2}, {"a": None}, {"a": 4}],
    }
    rows, arrays = Fields(), Fields()
    for name, values in columns.items():
        rows.add(name, Values(values, ALL))
        add_array(arrays, name, pa.array(values), ALL)
    assert Profile(inputs=rows).to_json() == Profile(inputs=arrays).to_json()


def test_a_name_with_a_dot_is_another_field_than_one_of_an_object() -> None:
    """Whether a schema names it or not, and of columns too; so are one with a quote and one without any."""
    record = {"a.b": 1.0, "a": {"b": 2.0, 'c"': 3.0}, "": 4.0}
    properties = {"a.b": {"type": "number"}, "a": {"type": "object"}, "": {"type": "number"}}
    known, unknown, columns = Fields(), Fields(), Fields()
    schema = record_schema({"type": "object", "properties": properties})
    ListColumns(schema.fields).add_to(known, [record], ALL, PickedTexts(known))
    unknown.add("", Values([record], ALL))
    add_batch(columns, pa.RecordBatch.from_pylist([record]), ALL)
    means = {'"a.b"': 1, "a": None, "a.b": 2, r'a."c\""': 3, '""': 4}
    for fields in (known, unknown, columns):
        assert {name: each.numbers and each.numbers.mean for name, each in fields.kept.items()} == means


def test_a_failure_counts_for_the_field_whose_name_has_a_dot() -> None:
    properties = {"a.b": {"type": "number"}, "a": {"type": "object"}}

    class Dotted(fakes.Doubler):
        input_schema = {"type": "object", "properties": properties}  # noqa: RUF012 - the contract's
        output_schema = None

        def predict_batch(self, data: list[object]) -> list[object]:
            return [1] * len(data)

    found = profile_of(Dotted(), [{"a.b": "x"}, {"a": 1}, {"a.b": 1}])
    assert {name: field.failed for name, field in found.inputs.kept.items()} == {'"a.b"': 1, "a": 1}
    assert found.takes == ['"a.b"', "a"]


@pytest.mark.parametrize(("kind", "far"), [(pa.date32(), 10_000_000), (pa.timestamp("s"), 2**60)])
def test_a_time_that_python_has_no_room_for_costs_no_profile(kind: pa.DataType, far: int) -> None:
    found = Fields()
    add_array(found, "x", pa.array([1, far], kind), ALL)
    assert found.kept["x"].present == 2


@given(st.lists(st.none() | st.integers(-(2**31), 2**31) | st.just(math.nan)), st.integers(0, 9))
def test_numbers_of_a_part_of_a_batch_are_those_of_its_records(
    values: list[float | None], start: int
) -> None:
    batch = pa.record_batch({"x": pa.array(values, pa.float64()), "n": pa.nulls(len(values), pa.int32())})
    found = Fields()
    add_batch(found, batch.slice(start), ALL)
    left = [value for value in values[start:] if value is not None]
    numbers = [value for value in left if not math.isnan(value)]
    field = found.kept["x"]
    assert field.present == len(left)
    assert field.distinct.estimate == len(set(numbers))
    if field.numbers is not None:
        assert (field.numbers.count, field.numbers.nan) == (len(numbers), len(left) - len(numbers))
        assert field.numbers.least == (min(numbers) if numbers else None)
    assert found.kept["n"].present == 0


@pytest.mark.parametrize("rate", [1, 4])
def test_records_of_a_list_have_their_missing_values_counted(rate: int) -> None:
    """Null, UNSET and a number that no float holds among them; texts are picked, and stand for others."""

    class Record(msgspec.Struct):
        x: float | int | None = None
        y: int | msgspec.UnsetType = msgspec.UNSET
        word: str | None = None
        flag: bool | None = None

    values = [1.5, None, 3, 10**400] * 4
    records = [Record(value, word=f"w{n % 2}", flag=n > 2) for n, value in enumerate(values)] + [Record()]
    fields = Fields()
    texts = PickedTexts(fields)
    texts.begin(rate)
    picked = ALL if rate == 1 else Picked(np.arange(0, 17, rate), rate)
    ListColumns(record_schema(Record).fields).add_to(fields, records, picked, texts)
    texts.flush()
    assert {name: field.present for name, field in fields.kept.items()} == {
        "x": 12,
        "y": 0,
        "word": 16,
        "flag": 16,
    }
    words = fields.kept["word"].texts
    assert words is not None
    assert sum(words.counts().values()) == 16


@pytest.mark.parametrize(
    ("prediction", "name"),
    [
        ("setosa", "setosa"),
        ({"score": 0.5, "species": "setosa"}, "setosa"),
        (True, "true"),
        ({"label": 3}, "3"),
        (0.5, None),
        (None, None),
        ("", None),
        ("x" * 100, f"{'x' * 80}…"),
    ],
)
def test_a_predictions_class_is_its_first_text_boolean_or_whole_number(
    prediction: object, name: str | None
) -> None:
    assert class_in(prediction) == name


def test_each_class_has_the_means_of_the_fields_of_numbers() -> None:
    """A prediction that names no class, or a number without an end, is in none of them."""
    profile, other = Profile(), Profile()
    numbers = NumberRows(("n",), np.array([[1.0, 5, 7, 2, math.inf]]))
    add_by_class(profile, [b'"a"', b'"b"', b"0.5", b'"a"', b'"a"'], numbers, rate=1)
    add_by_class(profile, [b'"a"'], NumberRows.none(), rate=1)
    assert profile.classes == {"a": {"n": Mean(2, 3.0)}, "b": {"n": Mean(1, 5.0)}}
    add_by_class(other, [b'"a"', b'"c"'], NumberRows(("n",), np.array([[9.0, 4]])), rate=2)
    profile.merge(other)
    assert profile.classes == {
        "a": {"n": Mean(4, 21.0)},
        "b": {"n": Mean(1, 5.0)},
        "c": {"n": Mean(2, 8.0)},
    }


def test_kinds_of_values_that_json_has_not_are_counted_for_what_they_are() -> None:
    """Values of a batch that come again are given once, with how often."""
    counts = np.array([2, 1, 3])

    class Color(Enum):
        RED = "red"

    field = Field()
    add_values(field, Values([Color.RED, date(2026, 1, 2), 10**400], ALL, counts), [Color, date, int])
    assert field.texts is not None
    assert field.texts.counts() == {"red": 2, "2026-01-02": 1}
    assert field.numbers is not None
    assert (field.numbers.count, field.numbers.infinite) == (0, 3)
    add_values(field, Values([-(10**400), object(), b"x"], ALL), [int, object, bytes])
    assert (field.numbers.infinite, field.others) == (4, 2)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pa.array(["a", None, "b"], pa.string_view()), "texts"),
        (pa.array([b"a", None, b"b"], pa.binary_view()), "objects"),
        (pa.DictionaryArray.from_arrays([0, None, 0], [{"a": 1}]), "objects"),
        (pa.array([1, None, 2**60], pa.timestamp("s")), "texts"),
    ],
)
def test_a_column_of_any_type_has_a_profile(column: pa.Array, kind: str) -> None:
    fields = Fields()
    add_array(fields, "x", column, ALL)
    assert (fields.kept["x"].present, fields.kept["x"].kind) == (2, kind)


def test_fields_over_200_are_named() -> None:
    fields = Fields()
    fields.add("", Values([{f"f{n}": n for n in range(MOST_FIELDS + 3)}], ALL))
    assert len(fields.kept) == MOST_FIELDS
    assert fields.left_out == ["f200", "f201", "f202"]


def test_a_profile_counts_records_predictions_and_failures_by_field() -> None:
    records: list[object] = [{"x": n} for n in range(250)]
    records[7] = {"x": "seven"}
    records[8] = {}
    found = profile_of(fakes.DoublesOneByOne(), [*records, {"x": -1}])
    assert (found.records, found.predicted, found.failed) == (249, 248, 3)
    assert found.inputs.kept["x"].failed == 2
    assert found.predictions.kept["twice"].numbers.greatest == 498  # type: ignore[union-attr]  # there are some


def test_a_prediction_that_is_no_unicode_costs_no_profile() -> None:
    """Half a surrogate pair, which JSON can write: the class, and the name of a field."""
    half = "\ud83d"
    found = profile_of(
        fakes.Answers(lambda data: [{"kind": half, half: 1}] * len(data)), [{"x": 1}, {"x": 2}]
    )
    assert found.predicted == 2
    assert found.predictions.kept.keys() == {"kind", "\\ud83d"}
    assert found.classes == {"\\ud83d": {"x": Mean(2, 3.0)}}


@pytest.mark.parametrize("size", [1, 64, 5000])
def test_counts_are_exact_in_whatever_batches_records_come(size: int) -> None:
    records: list[object] = [{"x": n % 50} for n in range(2 * ALL_OF_FIRST)]
    found = profile_of(fakes.Doubler(), records if size > 1 else records[:500], size)
    field = found.inputs.kept["x"]
    assert field.present == found.records == found.predicted
    assert field.distinct.estimate == 50


def test_an_error_of_the_profile_costs_no_run_and_is_reported() -> None:
    class Breaks:
        def look(self) -> list[object]:
            raise RuntimeError("no look")

    class Warned:
        warnings: list[str]

        def add_warning(self, warning: str) -> None:
            self.warnings = [warning]

    observer, report = ProfileObserver(), Warned()
    observer.look(Breaks())  # type: ignore[arg-type]  # no records at all
    observer.add_to(report)  # type: ignore[arg-type]  # no profile comes
    assert report.warnings == ["The profile lacks a task, which failed at it with RuntimeError: no look"]


def test_a_run_writes_its_profile_with_the_same_counts_for_any_splits(tmp_path: Path) -> None:
    lines = [{"n": n % 7, "name": f"name {n % 3}"} for n in range(3000)]
    (tmp_path / "input.ldjson").write_text("\n".join(map(json.dumps, [*lines, {"n": None}, {}])))
    job = LocalJob(tmp_path, ("--model_qualified_name", "obedient", "--quiet"))
    found = []
    for runner in ("inline", "local"):
        ended = job.run("-r", runner, "--profile", f"{runner}.json", "input.ldjson")
        assert (ended.code, ended.errors) == (0, "")
        profile = Profile.from_json((tmp_path / f"{runner}.json").read_bytes())
        assert profile.about["model"]["qualified_name"] == "obedient"
        workers = profile.about["throughput"]["workers"]
        assert sum(sum(worker["records"]) for worker in workers) == profile.records
        assert {worker["name"] for worker in workers} <= {"worker 1", "worker 2"}
        texts = profile.inputs.kept["name"].texts
        fields = [*profile.inputs.kept.items(), *profile.predictions.kept.items()]
        kept = {name: (it.present, it.distinct.estimate) for name, it in fields}
        found.append((profile.records, profile.predicted, profile.failed, texts and texts.counts(), kept))
    assert found[0] == found[1]
    assert found[0][:3] == (3002, 3001, 1)


def test_a_profile_where_none_comes_home_is_refused_before_the_run() -> None:
    options = RunOptions(profile="p.json", runner="dataproc")
    with pytest.raises(InputError, match="is not for -r dataproc, whose tasks bring home no profiles"):
        check_profile(options, [])
