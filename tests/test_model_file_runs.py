"""Runs with a model file and no code: the library's own answers come out, and mistakes end in one line."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import joblib
import pandas as pd
import pytest
from local_jobs import PROJECT, LocalJob
from sklearn.linear_model import LinearRegression
from trained_files import TRAINERS, TrainedFile, customers, train_lightgbm, train_sklearn, train_xgboost

from model_mapreduce_job.models.files import path_digest

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 40
ODD_NAMES = ["wind speed", "größe", "a[0]", 'say "hi"', "it's", "a,b", "x<y", "{z}", "emoji 🙂", "tab\there"]
# of MLflow's own classes, and of saving a model as a pickle
pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred", "ignore::UserWarning:mlflow")


@dataclass(frozen=True)
class Scored:
    """A directory with customers.csv and customers.ldjson, and how a run there names the model file."""

    job: LocalJob
    trained: TrainedFile
    model: tuple[str, ...]


KINDS = ("catboost", "lightgbm", "mlflow", "onnx", "sklearn", "skops", "xgboost")
# loading MLflow takes longer than all of the others
ALL_BUT_MLFLOW = tuple(kind for kind in KINDS if kind != "mlflow")
USUAL = ("label", "probability")
FIELDS = {"mlflow": ("value",)}


@pytest.fixture(scope="module", params=KINDS)
def scored(request: Any, tmp_path_factory: Any) -> Scored:
    """Return a place to run in, with a trained file of each library."""
    return place(tmp_path_factory.mktemp(request.param), TRAINERS[request.param])


@pytest.fixture(scope="module")
def with_xgboost(tmp_path_factory: Any) -> Scored:
    """Return a place to run in, with a file of XGBoost."""
    return place(tmp_path_factory.mktemp("one"), train_xgboost)


def place(directory: Path, train: Any) -> Scored:
    trained = train(directory)
    table = customers().head(ROWS)
    table.to_csv(directory / "customers.csv", index=False)
    table.to_json(directory / "customers.ldjson", orient="records", lines=True)
    options = ["--model_file", trained.path.name]
    if trained.path.is_dir() or trained.path.suffix == ".joblib":
        options += ["--trust_model_file", path_digest(trained.path)]
    if types := trained.options.get("trusted_types"):
        options += ["--trust_types", ",".join(types)]
    # a configuration that isn't there is none of a model file's concern
    return Scored(LocalJob(directory, environment={"APP_SETTINGS": "not.There"}), trained, tuple(options))


def test_csv_in_and_csv_out_has_the_answers_of_the_library(scored: Scored) -> None:
    """Inline, digit for digit, behind the columns of the input."""
    ended = scored.job.run(
        *("-r", "inline", "--quiet", *scored.model, "--output_protocol", "csv", "--header", "customers.csv")
    )
    assert ended.code == 0, ended.errors
    given = pd.read_csv(scored.job.directory / "customers.csv")
    own = scored.trained.own(given)
    written = pd.read_csv(io.BytesIO(ended.output), keep_default_na=False)
    assert list(written) == [*given, *own]
    assert {name: written[name].tolist() for name in own} == own


@dataclass(frozen=True)
class Together:
    """Model files of each kind, how a run names each as one of its models, and a place with their input."""

    job: LocalJob
    trained: dict[str, TrainedFile]
    models: dict[str, tuple[str, ...]]


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Together:
    """Return a place to run with many kinds at once, so that each library is loaded once a run."""
    directory = tmp_path_factory.mktemp("together")
    trained = {}
    for kind in KINDS:
        (directory / kind).mkdir()
        trained[kind] = TRAINERS[kind](directory / kind)
    for suffix in ("csv", "ldjson", "parquet"):
        write_table(customers().head(ROWS), directory / f"customers.{suffix}")
    job = LocalJob(directory, environment={"APP_SETTINGS": "not.There"})
    return Together(job, trained, {kind: as_model(kind, file) for kind, file in trained.items()})


def as_model(kind: str, file: TrainedFile) -> tuple[str, ...]:
    """Return the options by which a model file is one of a run's models."""
    options = [f"--model_file={kind}={file.path}"]
    if kind in {"mlflow", "sklearn"}:
        options.append(f"--trust_model_file={path_digest(file.path)}")
    if types := file.options.get("trusted_types"):
        options.append(f"--trust_types={','.join(types)}")
    return tuple(options)


@pytest.mark.parametrize(
    ("runner", "kind", "size", "models"),
    [
        ("inline", "csv", 1, KINDS),
        ("inline", "ldjson", 10_000, ALL_BUT_MLFLOW),
        ("inline", "parquet", 1, ALL_BUT_MLFLOW),
        ("local", "csv", 10_000, ALL_BUT_MLFLOW),
        ("local", "ldjson", 1, ALL_BUT_MLFLOW),
        ("local", "parquet", 10_000, KINDS),
    ],
)
def test_each_kind_of_file_answers_as_its_library_does(
    together: Together, runner: str, kind: str, size: int, models: tuple[str, ...]
) -> None:
    """From each format, on each runner, each record alone and all in one batch."""
    out = f"{runner}-{kind}"
    ended = together.job.run(
        *(option for model in models for option in together.models[model]),
        *("-r", runner, "--quiet", "--batch_size", size, "--output_protocol", kind, "--output-dir", out),
        *("--summary_file", "summary.json", f"customers.{kind}"),
    )
    assert ended.code == 0, ended.errors
    given = pd.read_csv(together.job.directory / "customers.csv")
    written = answers_in(together.job.directory / out, kind, [*given, *columns_of(models)])
    for name in models:
        own = together.trained[name].own(given)
        assert {field: written[f"{name}.{field}"] for field in own} == {
            field: list(map(close, values)) for field, values in own.items()
        }
    told = json.loads((together.job.directory / "summary.json").read_bytes())["models"]
    assert [model["qualified_name"] for model in told] == [*models]
    for model in told:
        trained = together.trained[model["qualified_name"]]
        assert model["files"] == {str(trained.path): path_digest(trained.path)}
        assert set(model["columns"].values()) >= {"age", "fare paid", "city"}
        assert model["kind"] == model["qualified_name"]


def columns_of(models: tuple[str, ...]) -> list[str]:
    """Return the columns of several models' answers."""
    return [f"{model}.{field}" for model in models for field in FIELDS.get(model, USUAL)]


def answers_in(output: Path, kind: str, names: list[str]) -> dict[str, list[Any]]:
    """Return what a run with several models wrote for a format, by model and field; csv has these names."""
    (part,) = output.glob("part-*")
    if kind == "parquet":
        return dict(pd.read_parquet(part).to_dict("list"))
    if kind == "csv":
        return dict(pd.read_csv(part, header=None, names=names, keep_default_na=False).to_dict("list"))
    predictions = [json.loads(line)["prediction"] for line in part.read_bytes().splitlines()]
    return {
        f"{model}.{field}": [each[model][field] for each in predictions]
        for model, answer in predictions[0].items()
        for field in answer
    }


def close(value: Any) -> Any:
    # sums of a linear model's products come out different in the last digit of a float32
    return pytest.approx(value, rel=2.5e-7) if isinstance(value, float) else value


def test_parquet_in_and_parquet_out_has_the_answers_of_the_library(with_xgboost: Scored) -> None:
    """Whose categories may come as a dictionary, and integers as such."""
    table = customers().head(ROWS)
    table.astype({"city": "category"}).to_parquet(with_xgboost.job.directory / "customers.parquet")
    ended = with_xgboost.job.run(
        *("-r", "local", *with_xgboost.model, "--output_protocol", "parquet", "--output-dir", "out"),
        "customers.parquet",
    )
    assert ended.code == 0, ended.errors
    written = pd.read_parquet(with_xgboost.job.directory / "out")
    own = with_xgboost.trained.own(table)
    assert {name: written[name].tolist() for name in own} == own


def test_a_bad_value_costs_its_record(with_xgboost: Scored) -> None:
    """A text for a number, an unknown category, a field that is missing; null is a missing value."""
    good = {"age": None, "fare paid": 70.5, "city": "Oslo", "more": [1]}
    bad = [good | {"age": "old"}, good | {"city": "Ur"}, {"age": 1.5, "city": "Oslo"}]
    lines = "".join(f"{json.dumps(record)}\n" for record in [good, *bad, good])
    (with_xgboost.job.directory / "bad.ldjson").write_text(lines)
    ended = with_xgboost.job.run("--quiet", *with_xgboost.model, "--on_error", "explain", "bad.ldjson")
    first, *errors, last = ended.values
    assert first == last
    assert first["label"] in {0, 1}
    for error, word in zip(errors, ["$.age", "'Ur'", "`fare paid`"], strict=True):
        assert word in error["error"]["message"]


def test_a_plan_shows_which_columns_the_model_gets(tmp_path: Path) -> None:
    """With the names that the file has for them, where these differ."""
    scored = place(tmp_path, train_lightgbm)
    ended = scored.job.run("--plan", *scored.model, "--summary_file", "plan.json", "customers.csv")
    assert ended.code == 0, ended.errors
    assert "of lightgbm, with the columns age, fare paid (as fare_paid), city\n" in ended.output.decode()
    model = json.loads((tmp_path / "plan.json").read_bytes())["plan"]["model"]
    assert model["columns"] == {"age": "age", "fare_paid": "fare paid", "city": "city"}


MISTAKES = {
    "a column is lacking": (["few.csv"], "needs fare paid, which the input lacks. It has age, city"),
    "another digest": (["--trust_model_file", "0" * 64, "customers.csv"], "has the sha256"),
    "an answer it can't give": (["--model_output", "colour", "customers.csv"], "can't answer 'colour'"),
    "another kind": (["--model_type", "onnx", "customers.csv"], "is a model file of xgboost, by its content"),
    "cut off": (["--model_file", "cut.ubj", "customers.csv"], "is cut off"),
    "of no kind": (["--model_file", "customers.csv", "customers.csv"], "model file of no known kind"),
    "not there": (["--model_file", "none.ubj", "customers.csv"], "none.ubj can't be read"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_nothing_starts(with_xgboost: Scored, mistake: str) -> None:
    """Not even the output directory is there."""
    given, message = MISTAKES[mistake]
    directory = with_xgboost.job.directory
    (directory / "few.csv").write_text("age,city\n1,Oslo\n")
    (directory / "cut.ubj").write_bytes(with_xgboost.trained.path.read_bytes()[:3000])
    ended = with_xgboost.job.run("-r", "local", *with_xgboost.model, "--output-dir", "none", *given)
    assert (ended.code, ended.output, ended.errors.count("\n")) == (1, b"", 1)
    assert message in ended.errors
    assert not (directory / "none").exists()


def test_a_library_that_is_missing_is_named_with_what_installs_it(with_xgboost: Scored) -> None:
    """In one line."""
    hidden = with_xgboost.job.directory / "hidden"
    hidden.mkdir()
    (hidden / "xgboost.py").write_text("raise ModuleNotFoundError('none', name='xgboost')")
    job = LocalJob(with_xgboost.job.directory, environment={"PYTHONPATH": str(hidden)})
    ended = job.run(*with_xgboost.model, "customers.csv")
    assert ended.code == 1
    assert ended.errors.endswith("which is not installed here (xgboost). Install it: pip install xgboost\n")


def test_what_can_run_code_is_refused_with_the_digest_to_pass(tmp_path: Path) -> None:
    """Before anything of it is loaded."""
    scored = place(tmp_path, train_sklearn)
    ended = scored.job.run("--model_file", scored.trained.path.name, "customers.csv")
    assert ended.code == 1
    assert ended.errors.endswith(f"--trust_model_file {path_digest(scored.trained.path)}\n")


@pytest.mark.parametrize(("count", "protocol"), [(200, "csv"), (200, "ldjson"), (10_000, "csv")])
def test_columns_may_have_any_names_and_any_order(tmp_path: Path, count: int, protocol: str) -> None:
    """Thousands of them, with blanks, quotes and brackets, by name from an input that has them reversed."""
    names = [*ODD_NAMES, *(f"column {place}" for place in range(count - len(ODD_NAMES)))]
    rows = 3 if count > 1000 else 20
    table = pd.DataFrame(
        {name: [(row * place) % 7 for row in range(rows)] for place, name in enumerate(names)}
    )
    model = LinearRegression().fit(table, range(rows))
    joblib.dump(model, tmp_path / "wide.joblib")
    if protocol == "csv":
        table[names[::-1]].to_csv(tmp_path / "wide.csv", index=False)
    else:
        table[names[::-1]].to_json(tmp_path / "wide.ldjson", orient="records", lines=True)
    trust = path_digest(tmp_path / "wide.joblib")
    ended = LocalJob(tmp_path, measured=False).run(
        *("--quiet", "--model_file", "wide.joblib", "--trust_model_file", trust, "--key", "column 0"),
        f"wide.{protocol}",
    )
    assert ended.code == 0, ended.errors
    assert [each["value"] for each in ended.values] == pytest.approx(model.predict(table).tolist(), abs=1e-9)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as what the path's ending says."""
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    elif path.suffix == ".ldjson":
        table.to_json(path, orient="records", lines=True)
    else:
        table.to_parquet(path)


@pytest.mark.parametrize("kind", ["csv", "ldjson", "parquet"])
def test_a_column_may_be_null_throughout(with_xgboost: Scored, kind: str) -> None:
    """Whatever type the input has for it: the model gets missing numbers."""
    directory, table = with_xgboost.job.directory, customers().head(ROWS).assign(age=None)
    path = directory / f"null.{kind}"
    write_table(table, path)
    ended = with_xgboost.job.run("--quiet", *with_xgboost.model, path)
    assert ended.code == 0, ended.errors
    own = with_xgboost.trained.own(table.astype({"age": float}))
    assert [each["label"] for each in ended.values] == own["label"]
    assert [each["probability"] for each in ended.values] == own["probability"]


@pytest.mark.parametrize("kind", ["csv", "ldjson", "parquet"])
def test_a_text_for_a_number_is_named_with_its_column(with_xgboost: Scored, kind: str) -> None:
    """And only its record fails, but in a table, where it makes a text of each value of the column."""
    directory, table = with_xgboost.job.directory, customers().head(3).astype({"fare paid": object})
    table.loc[1, "fare paid"] = "about 7"
    path = directory / f"text.{kind}"
    write_table(table.astype({"fare paid": str}) if kind == "parquet" else table, path)
    ended = with_xgboost.job.run("--quiet", *with_xgboost.model, "--on_error", "explain", path)
    assert ended.code == 0, ended.errors
    error = ended.values[1]["error"]
    assert error["message"].endswith('got `str` - at `$.fare paid`: "about 7"')
    assert ["label" in each for each in ended.values] == [kind != "parquet", False, kind != "parquet"]


def test_the_iris_models_file_gives_the_output_of_its_class(tmp_path: Path) -> None:
    """Byte for byte, once its label is called species, for good records and bad ones; csv as well."""
    data = PROJECT / "data" / "input.ldjson"
    pd.read_json(data, lines=True).to_csv(tmp_path / "flowers.csv", index=False)
    job = LocalJob(tmp_path, environment={"APP_SETTINGS": "ProdConfig"})
    file = PROJECT / "examples" / "iris_model" / "iris_model" / "model_files" / "iris.onnx"
    for given, options in ((data, ()), ("flowers.csv", ("--output_protocol", "csv", "--header"))):
        served = job.run("--quiet", "--model_file", file, "--model_output", "species=label", *options, given)
        by_class = job.run("--quiet", "--model_qualified_name", "iris_model", *options, given)
        assert served.code == by_class.code == 0, served.errors
        assert served.output == by_class.output != b""


# ONNX Runtime 1.32 takes a machine where one of these has a value for one of a build, and reports nothing.
BUILDS = [
    "CI",
    "TF_BUILD",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "CIRCLECI",
    "TRAVIS",
    "JENKINS_URL",
    "CODEBUILD_BUILD_ID",
    "BUILDKITE",
    "TEAMCITY_VERSION",
    "APPVEYOR",
    "BITBUCKET_BUILD_NUMBER",
]


@pytest.mark.parametrize(("given", "reports"), [({}, False), ({"ORT_DISABLE_TELEMETRY": "0"}, True)])
def test_no_library_reports_to_its_maker_unless_told_to(
    tmp_path: Path, given: dict[str, str], reports: bool
) -> None:
    """ONNX Runtime keeps what it is about to report below the home directory."""
    (tmp_path / "in").write_text('{"sepal_length":5,"sepal_width":3,"petal_length":1,"petal_width":1}\n')
    model = PROJECT / "examples" / "iris_model" / "iris_model" / "model_files" / "iris.onnx"
    below_home = dict.fromkeys((*BUILDS, "XDG_CACHE_HOME"), "") | {"HOME": str(tmp_path / "home")}
    job = LocalJob(tmp_path, environment=below_home | given)
    assert job.run("--model_file", model, "in").code == 0
    assert (tmp_path / "home").exists() == reports
