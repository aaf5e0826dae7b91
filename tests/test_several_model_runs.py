"""Runs of several models: of trained files side by side, of records that end a process, of mistakes."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from local_jobs import LocalJob, write_records
from trained_files import customers, train_lightgbm, train_onnx, train_sklearn, train_xgboost

from model_mapreduce_job.config import load_configuration
from model_mapreduce_job.models.files import path_digest
from model_mapreduce_job.models.identity import run_identity
from model_mapreduce_job.task.run_model import configuration_of
from model_mapreduce_job.task.task_options import TaskOptions

if TYPE_CHECKING:
    from pathlib import Path

    from trained_files import TrainedFile

pd = pytest.importorskip("pandas")

ROWS = 40


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalJob, dict[str, TrainedFile]]:
    """Return a job with three trained files as its models, in a place with customers; and the files."""
    for library in ("xgboost", "lightgbm", "joblib"):
        pytest.importorskip(library)
    directory = tmp_path_factory.mktemp("several")
    trained = {name: train(_made(directory, name)) for name, train in TRAIN.items()}
    customers().head(ROWS).to_csv(directory / "customers.csv", index=False)
    options = [f"--model_file={name}={file.path}" for name, file in trained.items()]
    trust = ("--trust_model_file", path_digest(trained["challenger"].path))
    return LocalJob(directory, (*options, *trust)), trained


TRAIN = {"champion": train_xgboost, "light": train_lightgbm, "challenger": train_sklearn}


def _made(directory: Any, name: str) -> Any:
    (directory / name).mkdir()
    return directory / name


def columns_of(trained: dict[str, TrainedFile], table: Any) -> dict[str, list[Any]]:
    """Return what the libraries themselves answer, by the columns that a run has for it."""
    return {
        f"{name}.{field}": values
        for name, file in trained.items()
        for field, values in file.own(table).items()
    }


def test_csv_has_the_columns_of_each_and_the_summary_how_far_they_agree(
    place: tuple[LocalJob, dict[str, TrainedFile]],
) -> None:
    """Inline, digit for digit what each library answers itself."""
    job, trained = place
    ended = job.run(
        *("--output_protocol", "csv", "--header", "--summary_file", "summary.json", "customers.csv"),
    )
    assert ended.code == 0, ended.errors
    given = pd.read_csv(job.directory / "customers.csv")
    own = columns_of(trained, given)
    written = pd.read_csv(io.BytesIO(ended.output), keep_default_na=False)
    assert list(written) == [*given, *own]
    assert {name: written[name].tolist() for name in own} == own
    agreed = sum(map(bool, map(int.__eq__, own["champion.label"], own["light.label"])))
    assert f"light and champion agree on label in {agreed} of {ROWS} records" in ended.errors
    summary = json.loads((job.directory / "summary.json").read_bytes())
    pairs = list(zip(own["champion.probability"], own["light.probability"], strict=True))
    found = summary["agreements"]["light"]["probability"]
    assert found["mean_difference"] == pytest.approx(sum(abs(a - b) for a, b in pairs) / ROWS)
    assert found["greatest_difference"] == pytest.approx(max(abs(a - b) for a, b in pairs))
    assert [model["qualified_name"] for model in summary["models"]] == [*trained]
    assert all(model["files"] and model["columns"] for model in summary["models"])
    assert {name: own["predicted"] for name, own in summary["counts_of_models"].items()} == dict.fromkeys(
        trained, ROWS
    )


def test_a_table_has_the_columns_of_each_and_of_its_errors(
    place: tuple[LocalJob, dict[str, TrainedFile]],
) -> None:
    """Local, from Parquet to Parquet, with a category that one model refuses; a class is among them."""
    job, trained = place
    table = customers().head(ROWS)
    table["n"] = range(ROWS)
    table.loc[3, "city"] = "Ur"
    table.to_parquet(job.directory / "customers.parquet")
    ended = job.run(
        *("-r", "local", "--model_qualified_name", "tabular", "--on_error", "explain"),
        *("--output_protocol", "parquet", "--output-dir", "out", "--key", "id", "customers.parquet"),
    )
    assert ended.code == 0, ended.errors
    written = pd.read_parquet(job.directory / "out")
    own = columns_of(trained, table.drop(3))
    rest = written.drop(3)
    assert {name: rest[name].tolist() for name in own if "light" not in name} == {
        name: values for name, values in own.items() if "light" not in name
    }
    assert written["tabular.twice"].tolist() == [2 * number for number in range(ROWS)]
    failed = written.loc[3]
    assert failed["champion.label"] is None or pd.isna(failed["champion.label"])
    assert "'Ur'" in failed["champion.error_message"]
    assert failed["challenger.label"] in {"gold", "silver", "none"}
    assert written.drop(3)["champion.error_type"].isna().all()
    assert f"champion: {ROWS - 1} predicted, 1 failed" in ended.errors
    assert f"tabular: {ROWS} predicted, 0 failed" in ended.errors


def test_a_plan_and_one_record_alone_show_each_model(place: tuple[LocalJob, dict[str, TrainedFile]]) -> None:
    """Which columns each has, and what each predicts."""
    job, trained = place
    planned = job.run("--plan", "--summary_file", "plan.json", "customers.csv")
    assert planned.code == 0, planned.errors
    assert "model file     champion, of xgboost, with the columns" in planned.output.decode()
    plan = json.loads((job.directory / "plan.json").read_bytes())["plan"]
    assert [model["qualified_name"] for model in plan["models"]] == [*trained]
    alone = job.run("--debug_record", "2", "customers.csv")
    assert [*json.loads(alone.output)] == [*trained]


def test_a_record_that_ends_the_process_costs_the_model_that_it_ended(tmp_path: Path) -> None:
    """Or the two that it ended; all others have their predictions, and each its own time limit."""
    job = LocalJob(tmp_path, tuple(f"--model_qualified_name={name}" for name in MODELS))
    actions = {3: "segfault", 5: "hang", 8: "refuse"}
    write_records(
        tmp_path / "in.ldjson",
        [{"n": number, **({"do": actions[number]} if number in actions else {})} for number in range(30)],
    )
    ended = job.run(
        *("-r", "local", "--on_error", "explain", "--output_protocol", "ldjson", "--predict_timeout", "3"),
        *("--summary_file", "summary.json", "in.ldjson"),
    )
    assert ended.code == 0, ended.errors
    records = [json.loads(line) for line in ended.output.splitlines()]
    assert [record["prediction"]["spoiling"] for record in records] == [{"n": number} for number in range(30)]
    kinds = {
        record["input"]["n"]: {name: error["type"] for name, error in record["error"].items()}
        for record in records
        if record["error"]
    }
    assert kinds == {
        number: dict.fromkeys(("obedient", "by_columns"), kind)
        for number, kind in ((3, "ProcessDied"), (5, "PredictTimeout"), (8, kinds[8]["obedient"]))
    }
    counts = json.loads((tmp_path / "summary.json").read_bytes())["counts_of_models"]
    assert {name: (own["predicted"], own["failed"]) for name, own in counts.items()} == {
        "spoiling": (30, 0),
        "obedient": (27, 3),
        "by_columns": (27, 3),
    }
    assert job.processes() == []


@pytest.fixture
def quick(tmp_path: Path) -> LocalJob:
    """Return a job with two model files that are loaded in no time, in a place with customers."""
    files = {name: train_onnx(_made(tmp_path, name)).path for name in ("champion", "challenger")}
    customers().head(ROWS).to_csv(tmp_path / "customers.csv", index=False)
    return LocalJob(tmp_path, tuple(f"--model_file={name}={path}" for name, path in files.items()))


def test_golden_predictions_of_each_model_verify_them_all(quick: LocalJob) -> None:
    """In whichever of its own formats the job wrote them; a difference says of which model it is."""
    for kind, name in (("json", "pairs.txt"), ("ldjson", "objects.ldjson"), ("parquet", "table")):
        written = ("--output_protocol", kind, "--on_error", "explain", "--stamp")
        ended = quick.run(*("-r", "inline", "--quiet", *written), "--output-dir", name, "customers.csv")
        assert ended.code == 0, ended.errors
        (golden,) = (path for path in (quick.directory / name).iterdir() if path.name.startswith("part"))
        ended = quick.run("--plan", "--verify", golden, "customers.csv")
        assert f"verified       {ROWS} records of {golden}" in ended.output.decode(), ended.errors
    (pairs,) = (quick.directory / "pairs.txt").glob("part*")
    changed = [tuple(map(json.loads, line.split("\t"))) for line in pairs.read_text().splitlines()]
    label = changed[1][1]["prediction"]["champion"]["label"]
    changed[1][1]["prediction"]["champion"]["label"] = 7
    changed[3][1]["prediction"]["challenger"] = None
    golden_lines = [json.dumps({"record": record, **prediction}) for record, prediction in changed]
    (quick.directory / "golden.ldjson").write_text("\n".join(golden_lines))
    ended = quick.run("-r", "local", "--verify", "golden.ldjson", "--output-dir", "none", "customers.csv")
    first, second, last = ended.errors.splitlines()
    assert (ended.code, ended.output) == (1, b"")
    assert first == f"  line 2, alone: champion: label is {label!r} and must be 7"
    assert second.startswith("  line 4, alone: challenger: {'label': ")
    assert last.startswith(
        f"champion, challenger predict 2 of the {ROWS} records of --verify golden.ldjson otherwise"
    )
    assert not (quick.directory / "none").exists()


MODELS = ("spoiling", "obedient", "by_columns")
TWO = ("--model_qualified_name", "tabular", "--model_qualified_name", "obedient")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--model_qualified_name", "nobody"), "There is no model 'nobody'"),
        (
            ("--trust_model_file", "0" * 64, "--model_file", "a=in.ldjson"),
            "is the sha256 of none of the model files",
        ),
        (("--verify", "in.ldjson"), "--verify {}/in.ldjson, line 1, is no record with its prediction"),
        (("--verify", "one.ldjson"), "line 1, has no prediction of each of tabular, obedient: with several"),
        (("--verify", "."), "is a directory, whose examples are of one model, and this run has 2"),
        (("--max_error_rate", "0.2"), "Of tabular, 1 of 2 records failed"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    """And so is a model that fails more than it may, with its name."""
    (tmp_path / "in.ldjson").write_text('{"n": 1}\n{"n": "x"}\n')
    (tmp_path / "one.ldjson").write_text('{"record": {"n": 1}, "prediction": {"tabular": 1}}\n')
    ended = LocalJob(tmp_path, TWO).run("--quiet", *options, "in.ldjson")
    assert (ended.code, ended.output) == (3 if "rate" in options[0] else 1, b"")
    assert ended.errors.count("\n") == 1
    assert message.format(tmp_path) in ended.errors


def test_a_run_of_another_list_of_models_is_another_run() -> None:
    """So --resume goes on with none but the same, in the same order."""
    lists = [["tabular"], ["obedient"], ["tabular", "obedient"], ["obedient", "tabular"]]
    found = []
    for names in lists:
        options = TaskOptions.of({"model_qualified_name": names})
        configuration = configuration_of(options, "models.settings.TestModels")
        assert configuration is load_configuration("models.settings.TestModels")
        found.append(run_identity(configuration, options.as_dict()))
    assert all(one != other for one in found for other in found if one is not other)
    assert {name for name in found[2] if "the code of" in name} == {
        name for one in found[:2] for name in one if "the code of" in name
    }
