"""How far fields are from a baseline: the formulas against exact computation, and runs that end for it."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from local_jobs import LocalJob
from pyarrow import parquet
from scipy import special, stats
from scipy.spatial import distance

from model_mapreduce_job.profiles.answers import Answers
from model_mapreduce_job.profiles.fields import Fields
from model_mapreduce_job.profiles.number_rows import NumberRows
from model_mapreduce_job.profiles.numbers import Numbers
from model_mapreduce_job.profiles.picking import Picked, Picker
from model_mapreduce_job.profiles.profile import Profile
from model_mapreduce_job.profiles.values import Values
from model_mapreduce_job.report.__main__ import main
from model_mapreduce_job.report.drift import (
    drift_of,
    in_bins,
    jensen_shannon_distance,
    kolmogorov_smirnov,
    not_compared,
    population_stability_index,
    worst_in_words,
)
from model_mapreduce_job.report.page import page_of
from model_mapreduce_job.report.profile_of_data import profile_of_data

if TYPE_CHECKING:
    from pathlib import Path

    from model_mapreduce_job.profiles.numbers import Points

SOME = np.random.default_rng(1).normal(0, 1, 100_000)
OTHERS = np.random.default_rng(2).normal(0.5, 1.3, 100_000)


def points_of(values: np.ndarray) -> Points:
    numbers = Numbers()
    numbers.add(values, Picked())
    return numbers.points()


def profile_of(**columns: list[object]) -> Profile:
    fields = Fields()
    for name, values in columns.items():
        fields.add(name, Values(values, Picked()))
    return Profile(records=len(next(iter(columns.values()))), inputs=fields)


def exact_shares(values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    return np.diff([0, *(np.searchsorted(np.sort(values), ends, side="right") / len(values)), 1])


def test_psi_is_the_relative_entropy_of_shares_both_ways() -> None:
    one, other = np.array([0.2, 0.3, 0.5]), np.array([0.1, 0.6, 0.3])
    both = special.rel_entr(one, other).sum() + special.rel_entr(other, one).sum()
    assert population_stability_index(one, other) == pytest.approx(both)
    by_hand = -0.1 * math.log(0.5) + 0.3 * math.log(2) - 0.2 * math.log(0.6)
    assert population_stability_index(one, other) == pytest.approx(by_hand)
    assert math.isfinite(population_stability_index(np.array([0.0, 1.0]), np.array([1.0, 0.0])))


def test_jensen_shannon_is_scipys_distance_in_bits() -> None:
    one, other = np.array([0.2, 0.0, 0.8]), np.array([0.1, 0.6, 0.3])
    assert jensen_shannon_distance(one, other) == pytest.approx(distance.jensenshannon(one, other, base=2))
    assert jensen_shannon_distance(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 1


def test_kolmogorov_smirnov_is_scipys_statistic_of_few_numbers() -> None:
    found = kolmogorov_smirnov(points_of(SOME[:300]), points_of(OTHERS[:200]))
    assert found == pytest.approx(stats.ks_2samp(SOME[:300], OTHERS[:200]).statistic)


def test_drift_of_sketches_is_near_that_of_all_numbers() -> None:
    one, other = points_of(SOME), points_of(OTHERS)
    assert kolmogorov_smirnov(one, other) == pytest.approx(stats.ks_2samp(SOME, OTHERS).statistic, abs=0.02)
    ends = np.quantile(SOME, np.arange(1, 10) / 10)
    exact = population_stability_index(exact_shares(SOME, ends), exact_shares(OTHERS, ends))
    assert population_stability_index(*in_bins(one, other)) == pytest.approx(exact, abs=0.03)
    assert population_stability_index(*in_bins(one, points_of(SOME[::-1].copy()))) < 0.01


def test_the_field_that_moved_most_comes_first_and_texts_come_and_go() -> None:
    before = profile_of(a=[1, 2, 3, 4], b=["x", "x", "y", None], gone=[1, 1, 1, 1])
    now = profile_of(a=[1, 2, 3, 4], b=["x", "z", "z", "z"], kept=[1, 1, 1, 1])
    found = drift_of(before, now)
    assert [each.name for each in found] == ["gone", "kept", "b", "a"]
    text = found[2]
    assert (text.new, text.vanished, text.missing_before, text.missing) == (("z",), ("y",), 0.25, 0)
    assert found[3].psi == found[3].kolmogorov_smirnov == found[3].jensen_shannon == 0
    assert worst_in_words(found).startswith("drift        most: input gone, whose kind")
    assert worst_in_words(found[2:]).startswith("drift        most: input b, PSI ")


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ([5.0] * 20, [3.0] * 20),
        ([5.0] * 20, [7.0] * 20),
        ([0, 1] * 10, [-1, 1] * 10),
        ([0] * 19 + [1], [0.5] * 19 + [1]),
        ([0] * 19 + [1], [-0.5] * 19 + [1]),
    ],
)
def test_a_value_that_many_records_had_is_missed_where_it_moves_up_or_down(
    before: list[object], now: list[object]
) -> None:
    (found,) = drift_of(profile_of(n=before), profile_of(n=now))
    assert found.psi is not None
    assert found.psi > 1
    assert found.jensen_shannon is not None
    assert found.jensen_shannon > 0.5
    (same,) = drift_of(profile_of(n=before), profile_of(n=before))
    assert same.most == 0


@pytest.mark.parametrize("other", [None, math.nan, math.inf, "x", True, [1.0]])
def test_values_that_become_missing_odd_or_of_another_kind_are_drift(other: object) -> None:
    before, now = [1.0, 2.0] * 10, [1.0, 2.0, 1.0, 2.0, other] * 4
    (found,) = drift_of(profile_of(n=before), profile_of(n=now))
    assert found.psi == pytest.approx(0)
    by_hand = population_stability_index(np.array([1.0, 0.0]), np.array([0.8, 0.2]))
    assert found.kinds_psi == found.most == pytest.approx(by_hand)
    assert "missing, NaN, infinite or of another kind" in worst_in_words([found])


def test_what_was_not_picked_is_not_missing() -> None:
    """Of 6,000 different predictions 4,096 and about half of the others are looked at; each has a value."""
    profile = Profile(inputs=Fields())
    answers, picker = Answers(profile), Picker()
    for part, picked in picker.parts(6000):
        texts = [b'{"score":%d}' % number for number in range(part.start, part.stop)]
        answers.add(texts, picked, NumberRows.none(), has_failures=False)
    answers.flush()
    assert profile.predicted == 6000
    assert profile.predictions.kept["score"].present != 6000
    again = Profile.from_json(profile.to_json())
    assert [each.missing for each in drift_of(again, profile)] == [0]
    again.merge(profile)
    assert [each.missing_before for each in drift_of(again, profile)] == [0]
    assert "0.0&nbsp;% missing" in page_of(again)


@pytest.mark.parametrize("values", [[None, None], [{"a": 1}, {"a": 1}], [math.nan, math.nan]])
def test_fields_without_a_distribution_in_both_have_not_moved(values: list[object]) -> None:
    found = drift_of(profile_of(n=values), profile_of(n=values, optional=[None] * 2))
    assert {(each.psi, each.most) for each in found} == {(0, 0)}


@pytest.mark.measured
def test_a_label_of_the_training_data_is_not_compared_with_a_run_whose_model_does_not_take_it(
    tmp_path: Path,
) -> None:
    """What it takes is compared: a column that is gone is drift, and so is any where no schema names them."""
    data = profile_of(n=[1.0, 2.0], label=["a", "b"], inner=[{"x": 1}, {"x": 1}])
    run = profile_of(n=[1.0, 2.0])
    assert {each.name for each in drift_of(data, run) if each.psi is None} == {"label", "inner", "inner.x"}
    run.takes = ["n", "inner"]
    found = drift_of(data, run)
    assert {each.name for each in found if each.psi is None} == {"inner", "inner.x"}
    assert not_compared(data, run) == ["label"]
    assert "label" in page_of(run, data)
    rows = "\n".join(f"{n % 7},{n % 5},2.0,1.0,x" for n in range(50))
    (tmp_path / "a.csv").write_text(f"sepal_length,sepal_width,petal_length,petal_width,species\n{rows}\n")
    assert main(["profile", str(tmp_path / "a.csv"), "-o", str(tmp_path / "p.json")]) == 0
    job = LocalJob(
        tmp_path, ("--model_qualified_name", "iris_model"), environment={"APP_SETTINGS": "ProdConfig"}
    )
    ran = job.run("--baseline", "p.json", "--max_drift", "0.1", "a.csv")
    assert (ran.code, "not compared: species" in ran.errors) == (0, True)


def test_data_is_read_as_a_run_reads_it(tmp_path: Path) -> None:
    """Times are their own texts and empty cells of csv no values: a run of the same data has not moved."""
    times = ["2024-01-01 10:00:00", "2024-01-01", "2024-01-01T10:00:00Z"]
    (tmp_path / "a.csv").write_text("a,b,c,d\n" + ",".join(times) + ",x\n" + ",".join(times) + ",\n")
    record = {"a": times[0], "b": {"c": [times[1]], "d": times[2]}}
    (tmp_path / "a.ldjson").write_text(f"{json.dumps(record)}\n" * 2)
    rows = profile_of_data(tmp_path / "a.csv").inputs.kept
    assert [list(rows[name].texts.counts()) for name in "abc"] == [[time] for time in times]  # type: ignore[union-attr]
    assert (rows["d"].present, rows["d"].distinct.estimate) == (1, 1)
    lines = profile_of_data(tmp_path / "a.ldjson")
    asked = Fields()
    asked.add("", Values([record, record], Picked()))
    assert [each.most for each in drift_of(Profile(records=2, inputs=asked), lines)] == [0] * 4


def test_values_that_python_has_no_room_for_are_in_a_profile_of_data(tmp_path: Path) -> None:
    """Times of far years, as some writers leave them, and texts that are no UTF-8."""
    times = pa.array([2**60, 0], pa.timestamp("ms"))
    texts = pa.Array.from_buffers(pa.string(), 2, pa.array([b"\xff", b"a"]).buffers())
    parquet.write_table(pa.table({"when": times, "text": texts}), tmp_path / "a.parquet")
    kept = profile_of_data(tmp_path / "a.parquet").inputs.kept
    assert {name: (field.present, field.kind) for name, field in kept.items()} == {
        "when": (2, "texts"),
        "text": (2, "texts"),
    }
    assert kept["text"].texts.counts() == {"\\xff": 1, "a": 1}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a,a\n1,2\n", "several columns called 'a'. Rename them.\n"),
        (b"a,b\n1,\xff\n", "its column b is not UTF-8. Write it in UTF-8.\n"),
    ],
)
def test_data_that_has_no_profile_is_refused_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, reason: str
) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    assert main(["profile", str(tmp_path / "a.csv"), "-o", str(tmp_path / "p.json")]) == 1
    assert capsys.readouterr().err.endswith(reason)
    assert not (tmp_path / "p.json").exists()


@pytest.mark.measured
def test_an_input_without_records_has_a_profile_and_a_page(tmp_path: Path) -> None:
    (tmp_path / "none.ldjson").write_text("")
    job = LocalJob(tmp_path, ("--model_qualified_name", "obedient"))
    assert job.run("--profile", "p.json", "--report", "p.html", "none.ldjson").code == 0
    assert Profile.from_json((tmp_path / "p.json").read_bytes()).records == 0
    assert "<h1>" in (tmp_path / "p.html").read_text()


def test_profiles_are_made_of_data_merged_and_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pa.table({"n": [1.0, 2.0, None], "name": ["a", "b", "b"]})
    parquet.write_table(table, tmp_path / "data.parquet")
    (tmp_path / "data.csv").write_text("n,name\n1,a\n2,b\n,b\n")
    (tmp_path / "data.ldjson").write_text('{"n": 1, "name": "a"}\n{"n": 2, "name": "b"}\n{"name": "b"}\n')
    made = []
    for ending in ("parquet", "csv", "ldjson"):
        made.append(str(tmp_path / f"{ending}.json"))
        assert main(["profile", str(tmp_path / f"data.{ending}"), "-o", made[-1]]) == 0
    whole = str(tmp_path / "whole.json")
    assert main(["merge", *made, "-o", whole]) == 0
    profile = Profile.from_json((tmp_path / "whole.json").read_bytes())
    assert profile.records == 9
    assert (profile.inputs.kept["n"].present, profile.inputs.kept["name"].distinct.estimate) == (6, 2)
    assert main(["drift", whole, "--baseline", made[0]]) == 0
    assert [each["psi"] for each in json.loads(capsys.readouterr().out)] == pytest.approx([0, 0], abs=1e-9)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such"), ("{}", "it is ''"), ('{"format": "other"}', "it is 'other'"), ("[", "can't be")],
)
def test_what_is_no_profile_is_refused_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, reason: str
) -> None:
    path = tmp_path / "p.json"
    if content is not None:
        path.write_text(content)
    assert main(["merge", str(path), "-o", str(tmp_path / "out.json")]) == 1
    shown = capsys.readouterr().err
    assert reason in shown
    assert shown.count("\n") == 1


@pytest.mark.measured
def test_a_run_that_drifts_ends_with_4_after_its_output_or_before(tmp_path: Path) -> None:
    (tmp_path / "before.ldjson").write_text("\n".join(f'{{"n": {n % 10}}}' for n in range(500)))
    (tmp_path / "now.ldjson").write_text("\n".join(f'{{"n": {n % 10 + 7}}}' for n in range(500)))
    job = LocalJob(tmp_path, ("--model_qualified_name", "obedient"))
    assert job.run("--profile", "last.json", "before.ldjson").code == 0
    same = job.run("--baseline", "last.json", "--max_drift", "0.1", "before.ldjson")
    assert (same.code, same.output.count(b"\n")) == (0, 500)
    assert "PSI 0.000" in same.errors
    moved = job.run(
        "--baseline",
        "last.json",
        "--max_drift",
        "0.1",
        "--summary_file",
        "s.json",
        "--report",
        "r.html",
        "now.ldjson",
    )
    assert (moved.code, moved.output.count(b"\n")) == (4, 500)
    assert "drift        most: input n, PSI " in moved.errors
    assert "The output is published." in moved.errors
    assert "<h2>Drift</h2>" in (tmp_path / "r.html").read_text()
    summary = json.loads((tmp_path / "s.json").read_text())
    assert [each["side"] for each in summary["drift"]] == ["input", "prediction"]
    stopped = job.run("--baseline", "last.json", "--max_drift", "0.1", "--drift_stops", "now.ldjson")
    assert (stopped.code, stopped.output) == (4, b"")
    assert "Nothing was published." in stopped.errors
    assert job.run("--max_drift", "0.1", "now.ldjson").code == 1
