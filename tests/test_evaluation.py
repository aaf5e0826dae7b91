"""Evaluation of predictions: the measures of scikit-learn, the same whatever the order and the splits."""

from __future__ import annotations

import gzip
import html
import json
import math
import re
import shutil
import subprocess
import sys
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from local_jobs import PROJECT, LocalJob
from sklearn import metrics
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression

from model_mapreduce_job.report.__main__ import main
from model_mapreduce_job.report.evaluation.exact_sums import exact_sum, merged_sums, square
from model_mapreduce_job.report.evaluation.judged import judged
from model_mapreduce_job.report.evaluation.questions import Questions
from model_mapreduce_job.report.evaluation.results import ALL, merged_json, result_of, sums_by_key
from model_mapreduce_job.report.evaluation.roc import area, bin_of, curve

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

SCRIPT = PROJECT / "examples" / "jobs" / "evaluate.py"
FLOWERS = PROJECT / "examples" / "jobs" / "flowers.ldjson"
IRIS = ("--model_qualified_name", "iris_model")
BROWSER = shutil.which("chromium")


def output(labels: Iterable[Any], predictions: Iterable[Any]) -> list[bytes]:
    """Return the job's output for records with a label y."""
    pairs = zip(labels, predictions, strict=True)
    return [f"{json.dumps({'y': label})}\t{json.dumps(prediction)}".encode() for label, prediction in pairs]


def evaluated(lines: Sequence[bytes], questions: Questions, split: int = 100) -> dict[str, Any]:
    """Return the result for all records, whose sums tasks of so many lines have sent as JSON."""
    tasks = [lines[start : start + split] for start in range(0, len(lines), split)]
    sums = [dict(sums_by_key([judged(line, questions) for line in task], questions)) for task in tasks]
    return result_of(ALL, merged_json([json.loads(json.dumps(own[ALL])) for own in sums]), questions)


def test_classes_are_measured_as_scikit_learn_measures_them() -> None:
    data = load_iris()
    model = LogisticRegression(max_iter=1000).fit(data.data[::3], data.target[::3])
    chances, predicted = model.predict_proba(data.data), model.predict(data.data)
    names = [str(name) for name in data.target_names]
    answers = [
        {"label": names[place], "chances": dict(zip(names, map(float, row), strict=True))}
        for place, row in zip(predicted, chances, strict=True)
    ]
    found = evaluated(
        output([names[place] for place in data.target], answers), Questions("y", "label", "chances")
    )
    matrix = [[found["confusion"][label].get(name, 0) for name in names] for label in names]
    assert matrix == metrics.confusion_matrix(data.target, predicted).tolist()
    assert found["accuracy"] == metrics.accuracy_score(data.target, predicted)
    assert found["macro_f1"] == pytest.approx(metrics.f1_score(data.target, predicted, average="macro"))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(data.target, chances), rel=1e-12)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(data.target, predicted)
    for place, name in enumerate(names):
        own = found["classes"][name]
        assert [own["precision"], own["recall"], own["f1"]] == pytest.approx(
            [precision[place], recall[place], f1[place]]
        )
        assert own["labelled"] == support[place]
        exact = metrics.roc_auc_score(data.target == place, chances[:, place])
        assert found["auc"][name]["area"] == pytest.approx(exact, abs=found["auc"][name]["error"] + 1e-12)
        assert found["auc"][name]["error"] < 1e-3
    assert found["with_probabilities"] == found["records"] == 150


@pytest.mark.parametrize("shape", ["of the positive class", "of the class predicted", "as fields", "a list"])
def test_probabilities_of_two_classes_come_in_four_shapes(shape: str) -> None:
    data = load_breast_cancer()
    model = LogisticRegression(max_iter=5000).fit(data.data[:300], data.target[:300])
    chances, predicted = model.predict_proba(data.data), model.predict(data.data)
    rows = [(int(name), [float(each) for each in row]) for name, row in zip(predicted, chances, strict=True)]
    answers, questions = {
        "of the positive class": (
            [{"label": name, "p": row[1]} for name, row in rows],
            Questions("y", "label", "p", "1"),
        ),
        "of the class predicted": (
            [{"label": name, "p": row[name]} for name, row in rows],
            Questions("y", "label", "p", "1", of_predicted=True),
        ),
        "as fields": (
            [{"label": name, "0": row[0], "1": row[1]} for name, row in rows],
            Questions("y", "label", classes=("0", "1")),
        ),
        "a list": (
            [{"label": name, "p": row} for name, row in rows],
            Questions("y", "label", "p", classes=("0", "1")),
        ),
    }[shape]
    found = evaluated(output(data.target.tolist(), answers), questions)
    exact = metrics.roc_auc_score(data.target, chances[:, 1])
    assert found["auc"]["1"]["area"] == pytest.approx(exact, abs=found["auc"]["1"]["error"] + 1e-9)
    assert found["log_loss"] == pytest.approx(metrics.log_loss(data.target, chances), rel=1e-9)
    assert found["warnings"] == []
    assert found["curves"]["1"][0] == (0.0, 0.0)
    assert found["curves"]["1"][-1] == (1.0, 1.0)


def test_a_probability_that_seems_to_be_of_the_class_predicted_is_warned_of() -> None:
    answers = [{"label": name, "p": 0.8} for name in "abba"]
    found = evaluated(output("abab", answers), Questions("y", "label", "p", "a"))
    assert "--of_predicted" in found["warnings"][0]


@pytest.mark.parametrize(
    ("chances", "questions", "warning"),
    [
        ({"p": 0.5}, Questions("y", "label", "p"), "no record has probabilities"),
        ({"p": 0.5}, Questions("y", "label", "q", "a"), "no record has probabilities"),
        ({"p": {"a": 0.5, "b": 0.9}}, Questions("y", "label", "p"), "no record has probabilities"),
        ({"p": 0.5}, Questions("y", "label", "p", "1.0"), "no record has the label '1.0' of --positive"),
        ({"p": {"a": 0.5, "c": 0.5}}, Questions("y", "label", "p"), "no probability is of the label 'b': "),
    ],
)
def test_probabilities_that_are_not_of_the_labels_are_warned_of(
    chances: dict[str, object], questions: Questions, warning: str
) -> None:
    found = evaluated(output("abab", [{"label": name, **chances} for name in "abba"]), questions)
    assert found["warnings"][0].startswith(warning)


def test_numbers_are_measured_as_scikit_learn_measures_them() -> None:
    data = load_diabetes()
    predicted = LinearRegression().fit(data.data, data.target).predict(data.data)
    found = evaluated(output(data.target.tolist(), predicted.tolist()), Questions("y", numbers=True))
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(data.target, predicted), rel=1e-14)
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(data.target, predicted), rel=1e-14)
    assert found["r2"] == pytest.approx(metrics.r2_score(data.target, predicted), rel=1e-13)
    assert found["mean_error"] == pytest.approx(float(np.mean(predicted - data.target)), abs=1e-12)


def test_r2_of_labels_that_hardly_differ_has_all_its_digits() -> None:
    """Sums of squares, rounded, would leave nothing of labels that differ in their last digits."""
    labels = [1e9 + number / 8 for number in range(100)]
    found = evaluated(output(labels, [label + 0.125 for label in labels]), Questions("y", numbers=True))
    assert found["r2"] == 1 - (100 / 64) / sum(
        (Fraction(each) - Fraction(49.5)) ** 2 / 64 for each in range(100)
    )


KINDS = ["a", "b", 1, 1.0, True, None, "", [1]]
ANSWERS = st.one_of(
    st.none(),
    st.just({"error": {"type": "ValueError", "message": "no"}}),
    st.builds(
        lambda label, chance: {"label": label, "p": chance},
        st.sampled_from(KINDS),
        st.one_of(st.floats(0, 1), st.just("high"), st.just(7)),
    ),
)
CLASSES = Questions("y", "label", "p", "a")
NUMBERS = Questions("y", "p", numbers=True)


@given(
    st.lists(st.tuples(st.sampled_from(KINDS) | st.floats(allow_nan=True), ANSWERS), min_size=1),
    st.randoms(use_true_random=False),
    st.integers(1, 7),
    st.sampled_from([CLASSES, NUMBERS]),
)
def test_neither_order_nor_splits_change_a_digit_and_no_record_is_dropped(
    records: list[tuple[Any, Any]], chance: Any, split: int, questions: Questions
) -> None:
    lines = output(*zip(*records, strict=True))
    found = evaluated(lines, questions, len(lines))
    chance.shuffle(lines)
    assert evaluated(lines, questions, split) == found
    assert sum(found["outcomes"].values()) == found["records"] == len(records)
    json.dumps(found, allow_nan=False)


@given(st.lists(st.lists(st.floats(-1e140, 1e140))))
def test_sums_are_exact_and_merge_to_the_same(parts: list[list[float]]) -> None:
    values = [value for part in parts for value in part]
    assert merged_sums(*map(exact_sum, parts)) == exact_sum(values)
    assert sum(map(Fraction, exact_sum(values))) == sum(map(Fraction, values))


@given(st.floats(1e-140, 1e140) | st.floats(-1e140, -1e-140) | st.just(0.0))
def test_a_square_is_exact(value: float) -> None:
    assert sum(map(Fraction, square(value))) == Fraction(value) ** 2


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2))
def test_an_area_is_within_its_error_of_the_exact_one(records: list[tuple[float, bool]]) -> None:
    bins: dict[int, tuple[int, int]] = {}
    for chance, is_own in records:
        others, own = bins.get(bin_of(chance), (0, 0))
        bins[bin_of(chance)] = (others + (not is_own), own + is_own)
    found = area(bins)
    labels = [is_own for _, is_own in records]
    if found is None:
        assert len(set(labels)) == 1
        return
    exact = metrics.roc_auc_score(labels, [chance for chance, _ in records])
    assert abs(found[0] - exact) <= found[1] + 1e-12


@given(st.floats(0, 1), st.floats(0, 1))
def test_bins_rise_with_the_probability_and_are_few(one: float, other: float) -> None:
    assert (bin_of(one) <= bin_of(other)) == (one <= other) or bin_of(one) == bin_of(other)
    assert 0 <= bin_of(one) <= bin_of(1.0) < 60 * 512


def test_a_curve_has_few_points_however_many_bins_there_are() -> None:
    bins = {number: (1 + number % 3, 1 + number % 2) for number in range(20_000)}
    points = curve(bins)
    assert len(points) <= 200
    assert (points[0], points[-1]) == ((0.0, 0.0), (1.0, 1.0))


def test_more_than_200_classes_are_none_whatever_comes_first() -> None:
    lines = output(range(300), [str(number) for number in range(300)])
    for order in (lines, lines[::-1]):
        found = evaluated(order, Questions("y"), 40)
        assert (found["accuracy"], found["classes"], found["has_too_many_classes"]) == (None, {}, True)
        assert "--numbers" in found["warnings"][0]


LINES = [
    b'{"y": "a"}\t"a"',
    b'{"input": {"y": "a"}, "prediction": "a", "error": null}',
    b'{"input": {"y": "a"}, "prediction": null, "error": {"type": "E", "message": "m"}}',
    b'{"y": "a"}\t{"error": {"type": "E", "message": "m"}}',
    b'{"y": ""}\t"a"',
    b'"not \\\\xff JSON"\t"a"',
    b'{"y": "a"}\t{"one": 1, "two": 2}',
    b'{"y": "a"}\t{"one": {}}',
    b'{"y": "%b"}\t"a"' % (b"x" * 201),
    b"\xff\xfe",
    b"",
    b"[" * 100_000,
    b'{"y": 1}\t' + b"9" * 5000,
]


def test_each_line_has_one_outcome_of_its_own() -> None:
    """Two are right, the rest is counted by what is wrong with it."""
    found = evaluated(LINES, Questions("y"))
    assert found["outcomes"] == {
        "evaluated": 2,
        "failed": 2,
        "without a label": 2,
        "unreadable": 4,
        "without the predicted field": 1,
        "of no class": 2,
        "of no number": 0,
    }
    assert found["accuracy"] == 1.0


def test_a_model_of_several_is_evaluated_by_its_name() -> None:
    answers: list[Any] = [
        {"m": {"label": "a"}, "n": None},
        {"m": None, "n": 1},
        {"m": {"error": {"type": "E", "message": ""}}},
    ]
    found = evaluated(output("aaa", answers), Questions("y", "m.label"))
    assert (found["outcomes"]["evaluated"], found["outcomes"]["failed"]) == (1, 2)


@pytest.fixture
def evaluation(job: LocalJob) -> LocalJob:
    job.script, job.options = SCRIPT, job.options[:2]
    return job


@pytest.fixture(scope="module")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the job's output for the example's flowers."""
    directory = tmp_path_factory.mktemp("flowers")
    job = LocalJob(directory, environment={"APP_SETTINGS": "ProdConfig"})
    ran = job.run("--quiet", "--output-dir", "out", *IRIS, FLOWERS)
    assert ran.code == 0, ran.errors
    return directory / "out"


def test_the_job_gives_a_line_for_all_and_for_each_group(evaluation: LocalJob, flowers: Path) -> None:
    """With as many tasks as there are cores, and a warning of what it was asked for in vain."""
    options = ("--label_field", "species", "--group-by", "garden", "--probability_field", "nope")
    ran = evaluation.run(*options, flowers)
    assert ran.code == 0, ran.errors
    warning, proof = ran.errors.splitlines()
    assert warning.startswith("warning: no record has probabilities: --probability_field is a field of ")
    assert proof == "complete: 28 lines = 26 evaluated + 1 failed + 1 without a label"
    results = {each.get("group", ALL): each for each in map(json.loads, ran.output.splitlines())}
    lines = b"".join(path.read_bytes() for path in sorted(flowers.glob("part-*"))).splitlines()
    questions = Questions("species", probability="nope", group="garden")
    assert results[ALL] == json.loads(json.dumps(evaluated(lines, questions)))
    assert {group: each["records"] for group, each in results.items()} == {ALL: 28, "north": 18, "south": 10}


def test_the_output_is_whole_and_gets_its_page(evaluation: LocalJob, flowers: Path, tmp_path: Path) -> None:
    ran = evaluation.run("-q", "--label_field", "species", "--output-dir", "out", flowers)
    assert (ran.code, ran.output, ran.errors) == (0, b"", "")
    assert (tmp_path / "out" / "_SUCCESS").exists()
    whole = b"".join(path.read_bytes() for path in sorted((tmp_path / "out").glob("part-*")))
    (tmp_path / "whole.json").write_bytes(whole)
    assert main([str(tmp_path / "whole.json"), "-o", str(tmp_path / "page.html")]) == 0
    assert "Confusion matrix" in (tmp_path / "page.html").read_text()


@pytest.mark.measured
@pytest.mark.parametrize("job", ["inline"], indirect=True)
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "--label_field is missing: .*"),
        (
            ("--label_field", "kind"),
            r"No record could be .*: 28 lines = 1 failed \+ 27 without a label\. Check .*",
        ),
        (("--label_field", "species", "--positive", "x"), "--positive x needs --probability_field, .*"),
        (("--label_field", "species", "--numbers", "--classes", "a"), "--classes is of classes, .*"),
        (("--label_field", "species", "--of-predicted"), "--of_predicted needs --positive, .*"),
        (("--label_field", "species", "--rows"), "unrecognized arguments: --rows. .*"),
    ],
)
def test_a_mistake_costs_one_line(
    evaluation: LocalJob, flowers: Path, arguments: tuple[str, ...], line: str
) -> None:
    """And gives no output."""
    ran = evaluation.run("-q", *arguments, "--output-dir", "out", flowers)
    assert (ran.code, ran.output) == (1, b"")
    assert re.fullmatch(f"{line}\n", ran.errors), ran.errors
    assert not list(evaluation.directory.glob("*out*"))


@pytest.mark.parametrize("job", ["inline"], indirect=True)
def test_compressed_output_is_refused_where_a_part_of_it_might_be_read(
    evaluation: LocalJob, tmp_path: Path
) -> None:
    """Of a .gz mrjob reads the first member, and takes one that is cut off for whole."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "part-00000.gz").write_bytes(gzip.compress(LINES[0]) + gzip.compress(LINES[1]))
    ran = evaluation.run("--label_field", "y", "in")
    assert (ran.code, ran.output) == (1, b"")
    assert ran.errors == "in/part-00000.gz is compressed. Decompress it, or evaluate it on a cluster.\n"


def hostile_evaluation() -> str:
    """Return an evaluation by hostile groups, of hostile classes."""
    names = ["<script>alert(1)</script>", "\x1b[31mred", '"><img src=x onerror=alert(1)>', "x" * 200]
    answers = [
        {"label": name, "p": dict(zip(names, [0.7, 0.1, 0.1, 0.1], strict=True))} for name in names * 9
    ]
    lines = output((names * 9)[::-1], answers)
    questions = Questions("y", "label", "p", group="y")
    sums = sums_by_key([judged(line, questions) for line in lines], questions)
    return "".join(f"{json.dumps(result_of(key, merged_json([each]), questions))}\n" for key, each in sums)


def test_the_page_shows_groups_as_the_input_has_them(tmp_path: Path) -> None:
    questions = Questions("y", group="g")
    lines = [
        b'{"y": 1, "g": %b}\t1' % group for group in (b"true", b'"True"', b'{"o": [null]}', b"1.0", b"null")
    ]
    sums = sums_by_key([judged(line, questions) for line in lines], questions)
    results = [result_of(key, merged_json([each]), questions) for key, each in sums]
    (tmp_path / "e.json").write_text("".join(f"{json.dumps(each)}\n" for each in results))
    assert main([str(tmp_path / "e.json"), "-o", str(tmp_path / "page.html")]) == 0
    shown = re.findall(
        r'<th scope="row">(.*?)</th><td class="n">1</td>', (tmp_path / "page.html").read_text()
    )
    assert [html.unescape(each) for each in shown][-5:] == ["true", "True", '{"o": [null]}', "1.0", "-"]


def test_no_value_is_markup_and_a_browser_shows_the_page_without_an_error(tmp_path: Path) -> None:
    path, page = tmp_path / "e.json", tmp_path / "page.html"
    path.write_text(hostile_evaluation())
    assert main([str(path), "-o", str(page)]) == 0
    text = page.read_text()
    assert set(re.findall(r"<(\w+)", text)) <= {
        *(
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "main",
            "h1",
            "h2",
            "dl",
            "dt",
            "dd",
            "p",
            "strong",
        ),
        *("span", "table", "tr", "th", "td", "div", "svg", "line", "polyline", "figure", "figcaption"),
    }
    assert "\x1b" not in text
    if BROWSER:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"]
        command = [BROWSER, *options, f"--user-data-dir={tmp_path}/user", page.as_uri()]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        assert "ROC curve" in ran.stdout
        assert "CONSOLE" not in ran.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.partition("\n")[2], "is not whole"),
        (lambda text: text.rpartition('{"format"')[0], "is not whole"),
        (lambda text: f"{text}{text}", "is not whole"),
        (lambda text: text[:-9], "is not what an evaluation writes"),
        (lambda text: text.replace('"confusion"', '"x"'), "no page"),
    ],
)
def test_a_page_of_a_part_or_of_something_else_is_refused(
    change: Any, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Parts of a cluster's output, of which one is missing."""
    path = tmp_path / "e.json"
    path.write_text(change(hostile_evaluation()))
    assert main([str(path), "-o", str(tmp_path / "page.html")]) == 1
    assert said in capsys.readouterr().err


def test_tasks_need_nothing_but_python_and_mrjob() -> None:
    """What a cluster's nodes may lack is not imported."""
    lacks = (
        "import sys; sys.modules |= dict.fromkeys(['msgspec', 'numpy', 'pyarrow', 'pydantic', 'jinja2']); "
    )
    ran = subprocess.run(
        [sys.executable, "-c", f"{lacks}import evaluate"],
        cwd=SCRIPT.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def test_a_measure_that_no_float_holds_is_bounded() -> None:
    found = evaluated(output([0.0, 1e-140], [1e140, 1e140]), Questions("y", numbers=True))
    assert found["r2"] < -1e299
    assert math.isfinite(found["rmse"])
