"""--verify: golden records are predicted before anything starts, and a model that differs starts no run."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from local_jobs import PROJECT, Ended, LocalJob
from trained_files import NUMBERS, customers, train_mlflow

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.golden_records import UNKNOWN, difference, golden_lines
from model_mapreduce_job.models.adapters.onnx_tensors import tensor
from model_mapreduce_job.models.files import path_digest

if TYPE_CHECKING:
    from pathlib import Path

CHURN = PROJECT / "examples" / "model_files" / "churn.onnx"
CUSTOMERS = PROJECT / "examples" / "model_files" / "customers.csv"
RUN = ("-r", "inline", "--model_file", CHURN)


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> LocalJob:
    """Return a place with the job's own output for the customers, as pairs, in pairs.txt."""
    job = LocalJob(tmp_path_factory.mktemp("golden"))
    ended = job.run("--quiet", *RUN, CUSTOMERS)
    (job.directory / "pairs.txt").write_bytes(ended.output)
    return job


def pairs_of(golden: LocalJob) -> list[tuple[Any, Any]]:
    lines = (golden.directory / "pairs.txt").read_text().splitlines()
    return [tuple(map(json.loads, line.split("\t"))) for line in lines]


def write(golden: LocalJob, name: str, pairs: list[tuple[Any, Any]]) -> Path:
    path = golden.directory / name
    path.write_text("".join(f"{json.dumps({'record': r, 'prediction': p})}\n" for r, p in pairs))
    return path


def refused(ended: Ended) -> list[str]:
    """Return the lines of a run that started nothing."""
    assert (ended.code, ended.output) == (1, b"")
    return ended.errors.splitlines()


@pytest.mark.measured
def test_the_jobs_own_output_verifies_the_model_that_made_it(golden: LocalJob) -> None:
    """As pairs; the summary, and its file, have the golden file's sha256."""
    ended = golden.run(*RUN, "--verify", "pairs.txt", "--summary_file", "summary.json", CUSTOMERS)
    assert ended.code == 0, ended.errors
    path = golden.directory / "pairs.txt"
    digest = sha256(path.read_bytes()).hexdigest()
    assert ended.errors.splitlines()[0] == f"verified     12 records of {path}, sha256 {digest}"
    verified = json.loads((golden.directory / "summary.json").read_bytes())["verified"]
    assert verified == {"path": str(path), "sha256": digest, "records": 12, "tolerance": 1e-6}


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_a_difference_starts_nothing_and_the_first_five_are_shown(golden: LocalJob, runner: str) -> None:
    """By line, field and both values; then one line says how many there are."""
    pairs = [(record, found | {"label": "other"}) for record, found in pairs_of(golden)]
    write(golden, "other.ldjson", pairs)
    ended = golden.run(
        "-r", runner, "--model_file", CHURN, "--verify", "other.ldjson", "--output-dir", "out", CUSTOMERS
    )
    *shown, last = refused(ended)
    assert len(shown) == 5
    assert shown[1] == "  line 2, alone: label is 'leaves' and must be 'other'"
    assert last.startswith(
        "churn predicts 12 of the 12 records of --verify other.ldjson otherwise than it must"
    )
    assert not list(golden.directory.glob("*out*"))


@pytest.mark.measured
def test_a_tolerance_is_a_share_of_floats_alone(golden: LocalJob) -> None:
    """Also with --plan, which says what was verified."""
    pairs = [
        (record, found | {"probability": found["probability"] * 1.0001}) for record, found in pairs_of(golden)
    ]
    path = write(golden, "near.ldjson", pairs)
    ended = golden.run("--plan", *RUN, "--verify", "near.ldjson", CUSTOMERS)
    assert "probability is 0.7" in refused(ended)[0]
    ended = golden.run("--plan", *RUN, "--verify", "near.ldjson", "--verify_tolerance", "1e-3", CUSTOMERS)
    assert ended.code == 0, ended.errors
    assert f"verified       12 records of {path}, sha256 {path_digest(path)}\n" in ended.output.decode()


@pytest.mark.measured
def test_a_table_that_the_job_has_written_verifies_too(golden: LocalJob) -> None:
    """Whose columns of the prediction are those of the model; and ldjson output does."""
    ended = golden.run(
        *("--quiet", *RUN, "--output_protocol", "parquet", "--on_error", "explain", "--output-dir", "table"),
        CUSTOMERS,
    )
    assert ended.code == 0, ended.errors
    objects = golden.run("--quiet", *RUN, "--output_protocol", "ldjson", CUSTOMERS).output
    (golden.directory / "objects.ldjson").write_bytes(objects)
    for name in ("table/part-00000.parquet", "objects.ldjson"):
        ended = golden.run(*RUN, "--verify", name, CUSTOMERS)
        assert ended.errors.startswith("verified     12 records of "), ended.errors


def test_a_record_may_have_to_fail(golden: LocalJob) -> None:
    """Its prediction is null, as the job writes it; one that does not fail is a difference."""
    bad = [({"n": 0, "do": "refuse"}, None), ({"n": 1}, {"n": 1}), ({"n": 2}, None)]
    write(golden, "fails.ldjson", bad)
    (golden.directory / "in").write_text('{"n": 1}\n')
    ended = golden.run("--model_qualified_name", "obedient", "--verify", "fails.ldjson", "in")
    assert refused(ended)[0] == "  line 3, alone: {'n': 2} and must be None"


@pytest.mark.measured
def test_a_record_that_ends_the_process_is_no_mystery(golden: LocalJob) -> None:
    """One line, and nothing was started."""
    write(golden, "deadly.ldjson", [({"do": "leave"}, None)])
    (golden.directory / "in").write_text('{"n": 1}\n')
    (line,) = refused(golden.run("--model_qualified_name", "obedient", "--verify", "deadly.ldjson", "in"))
    assert line.startswith(f"A record of --verify {golden.directory}/deadly.ldjson ended the process")


BAD = {
    "none.ldjson": (None, "can't be read: No such file or directory. Check its name."),
    "empty.ldjson": (b"\n\n", "has 0 records, and must have 1 to 100,000."),
    "list.ldjson": (b"[1]\n", "line 1, is no record with its prediction: [1]. A line is"),
    "half.ldjson": (b'{"record": {"a": 1}}\n', "line 1, is no record with its prediction"),
    "bytes.ldjson": (b"\xff\xfe\n", "line 1, is no record with its prediction"),
    "cut.parquet": (b"PAR1 and no more", "can't be read as Parquet"),
    "a_directory": (b"", "has no test data of an ONNX model"),
}


@pytest.mark.measured
@pytest.mark.parametrize("name", BAD)
def test_a_file_without_golden_records_is_one_line(golden: LocalJob, name: str) -> None:
    """It names the file, the place and what belongs there."""
    content, message = BAD[name]
    path = golden.directory / name
    if name == "a_directory":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    (line,) = refused(golden.run(*RUN, "--verify", name, CUSTOMERS))
    assert str(path) in line
    assert message in line


@pytest.mark.measured
def test_a_table_without_the_predictions_columns_is_named(golden: LocalJob) -> None:
    """With the columns that it has."""
    pd.read_csv(CUSTOMERS).to_parquet(golden.directory / "customers.parquet")
    (line,) = refused(golden.run(*RUN, "--verify", "customers.parquet", CUSTOMERS))
    assert "has no column label, probability for the predictions of churn. It has customer," in line


def test_a_tolerance_without_a_file_is_idle(golden: LocalJob) -> None:
    """As is every option that would change nothing."""
    (line,) = refused(golden.run(*RUN, "--verify_tolerance", "0.1", CUSTOMERS))
    assert line.startswith("--verify_tolerance is for --verify, which is not asked for.")


@pytest.mark.measured
def test_an_onnx_models_own_test_data_verifies_it(golden: LocalJob) -> None:
    """test_data_set_0, as the onnx package writes it, of raw and of typed values."""
    session = onnxruntime.InferenceSession(CHURN)
    feed = {
        each.name: np.array([["monthly"], ["yearly"]], object)
        if each.type == "tensor(string)"
        else np.array([[10], [np.nan]], np.float32)
        for each in session.get_inputs()
    }
    place = golden.directory / "tests" / "test_data_set_0"
    place.mkdir(parents=True)
    names = [each.name for each in session.get_outputs()]
    answers = dict(zip(names, session.run(names, feed), strict=True))
    for kind, tensors in (("input", feed), ("output", answers)):
        for number, (name, values) in enumerate(tensors.items()):
            (place / f"{kind}_{number}.pb").write_bytes(
                onnx.numpy_helper.from_array(np.asarray(values), name).SerializeToString()
            )
    ended = golden.run(*RUN, "--verify", "tests", CUSTOMERS)
    assert ended.errors.startswith(f"verified     2 records of {golden.directory}/tests, sha256 "), (
        ended.errors
    )
    for labels, words in (
        (answers[names[0]][::-1], "churn predicts 2 of the 2 records"),
        (["leaves", "other"], "has the label 'other', and churn.onnx has only leaves, stays."),
    ):
        wrong = onnx.numpy_helper.from_array(np.array(labels, object), names[0]).SerializeToString()
        (place / "output_0.pb").write_bytes(wrong)
        assert words in refused(golden.run(*RUN, "--verify", "tests", CUSTOMERS))[-1]


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i4", "i8", "u1", "u8", "?"])
def test_a_tensor_is_read_as_onnx_writes_it(dtype: str) -> None:
    """Whether its values are raw, or typed."""
    values = np.array([[0, 1, 3], [1, 0, 2]]).astype(dtype)
    raw = onnx.numpy_helper.from_array(values, "raw")
    typed = onnx.helper.make_tensor("typed", raw.data_type, values.shape, values.flatten().tolist())
    for each in (raw, typed):
        name, found = tensor(each.SerializeToString())
        assert name == each.name
        assert found.dtype == values.dtype
        assert found.tolist() == values.tolist()
    with pytest.raises(ValueError, match="no tensor"):
        tensor(raw.SerializeToString()[:-1])


@pytest.mark.measured
@pytest.mark.filterwarnings(
    "ignore:.*Any type hint is inferred", "ignore::UserWarning:mlflow", "ignore:Operation with range"
)
def test_an_mlflow_models_input_example_has_to_be_predicted(tmp_path: Path) -> None:
    """Alike alone and in a batch; what it must be, MLflow does not say."""
    example = customers()[[*NUMBERS, "city"]].head(4)
    path = train_mlflow(tmp_path, example).path
    customers().head(3).to_csv(tmp_path / "in.csv", index=False)
    model = ("--model_file", path.name, "--trust_model_file", path_digest(path))
    ended = LocalJob(tmp_path).run(*model, "--verify", path.name, "in.csv")
    assert ended.errors.startswith(f"verified     4 records of {path}, sha256 {path_digest(path)}"), (
        ended.errors
    )


SAME = [(1, 1.0), (0.1, 0.1 + 1e-9), ({"a": [1, "x", None]}, {"a": [1, "x", None]}), (UNKNOWN, 3), (-0.0, 0)]
OTHER = [
    (1, 2, "2 and must be 1"),
    (1, True, "True and must be 1"),
    (0.1, 0.1001, "0.1001 and must be 0.1"),
    (0.0, 1e-12, "1e-12 and must be 0.0"),
    ({"a": {"b": "x"}}, {"a": {"b": "y"}}, "a.b is 'y' and must be 'x'"),
    ({"a": [1, 2]}, {"a": [1, 3]}, "a[1] is 3 and must be 2"),
    ({"a": 1}, {"b": 1}, "{'b': 1} and must be {'a': 1}"),
    ("x", None, "None and must be 'x'"),
    (UNKNOWN, {"error": {"type": "KeyError", "message": "age"}}, "it failed: KeyError: age"),
]


def test_labels_are_exact_and_floats_nearly() -> None:
    """Wherever they stand in a prediction; null is an error's."""
    for expected, found in SAME:
        assert difference(expected, found, 1e-6) == ""
    for expected, found, words in OTHER:
        assert difference(expected, found, 1e-6) == words
    assert difference(None, {"error": {"type": "KeyError", "message": "age"}}, 0) == ""


def test_golden_lines_keep_the_records_own_text() -> None:
    """With a number over 64 bits, doubled keys and NaN; the prediction NaN is one that fails."""
    data = (
        b'\xef\xbb\xbf{"record": {"id": 36893488147419103232, "x": 1.10, "x": 2},\t"prediction": NaN}\r\n\n'
        b'{"input": {"a": 1}, "prediction": null, "error": null}\n'
        b'[1, 2]\t{"prediction": {"b": 1}, "stamp": {}}\n"text"\t{"error": {"type": "x", "message": "y"}}'
    )
    first, second, third, fourth = golden_lines(data, "golden")
    assert json.loads(first.text) == {"id": 36893488147419103232, "x": 2}
    assert [first.expected, second.expected, third.expected, fourth.expected] == [None, None, {"b": 1}, None]
    assert (second.text, third.text, fourth.place) == (b'{"a": 1}', b"[1, 2]", "line 5")
    with pytest.raises(InputError, match="golden, line 2, is no record"):
        golden_lines(b'1\t2\n1\tx"\n', "golden")
