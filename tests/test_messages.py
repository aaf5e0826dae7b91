"""A person's mistake ends with one line: what was given, what there is, and what to do."""

from __future__ import annotations

import gzip
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from documents import PROJECT
from workspaces import environment, make_venv, run_shell

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

COMMAND = "python -m model_mapreduce_job"
MODEL = "--model_qualified_name iris_model"
SETTINGS = """
from model_mapreduce_job import Config

IRIS = {"qualified_name": "iris_model", "module_name": "iris_model.iris_predict", "class_name": "IrisModel"}

def configuration(name, **entry):
    return type(name, (Config,), {"models": ({**IRIS, **entry},)})

NoFile = configuration("NoFile", files={"nowhere.onnx": "00"})
OtherFile = configuration("OtherFile", files={"model_files/iris.onnx": "00"})
NoPackage = configuration("NoPackage", module_name="iris_modle")
NoClass = configuration("NoClass", class_name="IrisModle")
OtherKey = configuration("OtherKey", klass="IrisModel")
OtherParameter = configuration("OtherParameter", parameters={"fiel": 1})
NoModel = configuration("NoModel", module_name="decimal", class_name="Decimal")
OtherName = configuration("OtherName", qualified_name="flowers")
"""


@dataclass(frozen=True)
class Mistake:
    """Options and input; and what the message must hold: what was given, what there is, and what to do.

    settings is what APP_SETTINGS says. root says that a superuser, too, must be kept from reading or writing.
    """

    options: str
    says: tuple[str, ...]
    settings: str = "ProdConfig"
    root: bool = False


MISTAKES = {
    "no model": Mistake(
        "input.ldjson", ("Which model?", "There is: iris_model", "Name it with --model_qualified_name")
    ),
    "a model that is not there": Mistake(
        "--model_qualified_name irsi_model input.ldjson",
        ("no model 'irsi_model'", "There is: iris_model", "Choose one of these, or add yours"),
    ),
    "a configuration that is not there": Mistake(
        f"{MODEL} input.ldjson",
        (
            "APP_SETTINGS='ProdConfg'",
            "BetaConfig, DevConfig, ProdConfig, TestConfig",
            "Set APP_SETTINGS to one",
        ),
        settings="ProdConfg",
    ),
    "a configuration's module that is not there": Mistake(
        f"{MODEL} input.ldjson",
        ("APP_SETTINGS='my_modls.MyConfig'", "No module named 'my_modls'", "in PYTHONPATH"),
        settings="my_modls.MyConfig",
    ),
    "a configuration that its module lacks": Mistake(
        f"{MODEL} input.ldjson",
        (
            "APP_SETTINGS='my_settings.MyConfig'",
            "my_settings has",
            "NoClass, NoFile",
            "Set APP_SETTINGS to one",
        ),
        settings="my_settings.MyConfig",
    ),
    "a class that is no configuration": Mistake(
        f"{MODEL} input.ldjson",
        ("APP_SETTINGS='json.JSONDecoder'", "json has no subclass of Config", "Set APP_SETTINGS to"),
        settings="json.JSONDecoder",
    ),
    "an entry with a key that none has": Mistake(
        f"{MODEL} input.ldjson",
        ("entry 1 of OtherKey.models", "'klass'", "An entry has module_name and class_name, and may have"),
        settings="my_settings.OtherKey",
    ),
    "a model's package that is not there": Mistake(
        f"{MODEL} input.ldjson",
        (
            "entry 1 of NoPackage.models",
            "No module named 'iris_modle'",
            "Check the names, and that the model's",
        ),
        settings="my_settings.NoPackage",
    ),
    "a model's class that is not there": Mistake(
        f"{MODEL} input.ldjson",
        ("entry 1 of NoClass.models", "has no attribute 'IrisModle'", "Check the names"),
        settings="my_settings.NoClass",
    ),
    "a class that is no model": Mistake(
        f"{MODEL} input.ldjson",
        (
            "entry 1 of NoModel.models",
            "Decimal lacks display_name",
            "See the model contract in docs/models.md",
        ),
        settings="my_settings.NoModel",
    ),
    "a model with another name than its entry": Mistake(
        "--model_qualified_name flowers input.ldjson",
        ("entry 1 of OtherName.models", "calls itself 'iris_model'", "Give both the same"),
        settings="my_settings.OtherName",
    ),
    "a parameter that the model does not take": Mistake(
        f"{MODEL} input.ldjson",
        ("entry 1 of OtherParameter.models", "unexpected keyword argument 'fiel'", "Check its parameters"),
        settings="my_settings.OtherParameter",
    ),
    "a model file that is not there": Mistake(
        f"{MODEL} input.ldjson",
        ("entry 1 of NoFile.models", "nowhere.onnx can't be read: No such file", "Check its name"),
        settings="my_settings.NoFile",
    ),
    "a model file that is another": Mistake(
        f"{MODEL} input.ldjson",
        ("entry 1 of OtherFile.models", "has the sha256 10f1cb29", "the entry says 00", "Restore the file"),
        settings="my_settings.OtherFile",
    ),
    "a configuration of mrjob's that is not there": Mistake(
        f"{MODEL} --conf-path mrjbo.conf input.ldjson", ("no configuration mrjbo.conf", "Check --conf-path")
    ),
    "a configuration of mrjob's that is no YAML": Mistake(
        f"{MODEL} --conf-path torn.conf input.ldjson", ("mrjob.conf", "torn.conf", "Correct it")
    ),
    "a configuration of mrjob's that is of no use": Mistake(
        f"{MODEL} --conf-path odd.conf input.ldjson",
        ("options for inline (from odd.conf) must be a dict", "Correct it"),
    ),
    "a runner whose libraries are not installed": Mistake(
        f"{MODEL} --quiet -r dataproc input.ldjson",
        ("-r dataproc can't run here", "You must install google-cloud"),
    ),
    "columns where nothing has columns": Mistake(
        f"{MODEL} --columns a,b input.ldjson", ("--columns a,b names columns of csv or tsv", "Leave it out")
    ),
    "resuming where nothing can be resumed": Mistake(
        f"{MODEL} --resume -r hadoop --output-dir out input.ldjson",
        ("--resume goes on with runs of -r inline and -r local", "this is -r hadoop", "Leave it out"),
    ),
    "a bundle where none is used": Mistake(
        f"{MODEL} --bundle some.tar.gz input.ldjson",
        ("--bundle some.tar.gz is for a cluster's tasks", "this is -r inline", "Leave it out"),
    ),
    "a price for no plan": Mistake(
        f"{MODEL} --price_per_hour m5.xlarge=0.2 input.ldjson", ("--price_per_hour is for --plan",)
    ),
    "a key that is no column": Mistake(
        f"{MODEL} --input_protocol csv --key petal_widht table.csv",
        ("--key petal_widht is no column", "petal_width", "Name one of these"),
    ),
    "a summary that is a directory": Mistake(
        f"{MODEL} --summary_file . input.ldjson",
        ("--summary_file . can't be written", "it's a directory", "Name a file"),
    ),
    "an input that is not there": Mistake(
        f"{MODEL} inptu.ldjson", ("no input inptu.ldjson", "input.ldjson", "Check the path")
    ),
    "a glob that fits nothing": Mistake(
        f"{MODEL} 'part-*.ldjson'", ("no input part-*.ldjson", "input.ldjson", "Check the path")
    ),
    "an input on another machine": Mistake(
        f"{MODEL} s3://bucket/input.ldjson",
        ("s3://bucket/input.ldjson is not on this machine", "choose another runner with -r"),
    ),
    "an empty directory": Mistake(f"{MODEL} empty", ("empty has no files in it",)),
    "an input that may not be read": Mistake(
        f"{MODEL} unreadable.ldjson", ("unreadable.ldjson can't be read: Permission denied",), root=True
    ),
    "an input that is cut off": Mistake(
        f"{MODEL} cut.gz", ("cut.gz is cut off or damaged", "Nothing of it was used", "get a whole copy")
    ),
    "a column that the model does not know": Mistake(
        f"{MODEL} --input_protocol csv mistyped.csv",
        (
            "The model needs petal_width",
            "columns are sepal_length, sepal_width, petal_length, petl_width",
            "--columns",
        ),
    ),
    "columns that are not the model's": Mistake(
        f"{MODEL} --input_protocol csv --columns a,b mistyped.csv",
        ("The model needs sepal_length", "columns are a, b", "Name the columns with --columns"),
    ),
    "two columns of one name": Mistake(
        f"{MODEL} --input_protocol csv --columns a,a mistyped.csv",
        ("'a', 'a' can't be used", "each needs a name of its own", "--columns a,b,c"),
    ),
    "no header": Mistake(
        f"{MODEL} --input_protocol csv headless.csv",
        ("headless.csv begins with a blank line", "name the columns with --columns"),
    ),
    "a choice that there is not": Mistake(
        f"{MODEL} --input_protocol xml input.ldjson",
        ("--input_protocol", "'xml'", "'ldjson', 'csv', 'tsv'", "--help lists the options"),
    ),
    "a size that is no number": Mistake(
        f"{MODEL} --batch_size many input.ldjson",
        ("--batch_size", "'many' is not a whole number from 1 to", "--help lists"),
    ),
    "a share above one": Mistake(
        f"{MODEL} --max_error_rate 5 input.ldjson",
        ("--max_error_rate", "'5' is not a share from 0 to 1", "--help lists"),
    ),
    "a time that has passed": Mistake(
        f"{MODEL} --predict_timeout=-1 input.ldjson",
        ("--predict_timeout", "'-1' is not a number of seconds above 0", "--help lists"),
    ),
    "an option that there is not": Mistake(
        f"{MODEL} --batchsize 3 input.ldjson", ("unrecognized arguments: --batchsize", "--help lists")
    ),
    "a runner that there is not": Mistake(
        f"{MODEL} -r hadop input.ldjson", ("'hadop'", "'hadoop', 'inline', 'local'", "--help lists")
    ),
    "an output that is there": Mistake(
        f"{MODEL} --output-dir full input.ldjson",
        ("/full is there already", "Name another, or remove it first"),
    ),
    "an output that may not be made": Mistake(
        f"{MODEL} --output-dir locked/output input.ldjson",
        ("locked/output can't be made: Permission denied",),
        root=True,
    ),
    "nothing to resume": Mistake(
        f"{MODEL} --resume input.ldjson", ("--resume goes on with", "--output-dir", "Name the one")
    ),
    "resuming standard input": Mistake(
        f"{MODEL} --resume --output-dir new", ("standard input", "Give the input as files")
    ),
    "a summary in a directory that is not there": Mistake(
        f"{MODEL} --summary_file nowhere/run.json input.ldjson",
        ("--summary_file nowhere/run.json", "its directory does not exist"),
    ),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with one good input, and with what one can stumble over."""
    place = tmp_path_factory.mktemp("mistakes")
    data = shutil.copy(PROJECT / "data" / "input.ldjson", place / "input.ldjson").read_bytes()
    (place / "my_settings.py").write_text(SETTINGS)
    (place / "mistyped.csv").write_text("sepal_length,sepal_width,petal_length,petl_width\n1,2,3,4\n")
    (place / "table.csv").write_text("sepal_length,sepal_width,petal_length,petal_width\n1,2,3,4\n")
    (place / "torn.conf").write_text("runners: [\n")
    (place / "odd.conf").write_text("runners:\n  inline: 5\n")
    (place / "headless.csv").write_text("\n1,2,3,4\n")
    (place / "cut.gz").write_bytes(gzip.compress(data)[:-20])
    (place / "unreadable.ldjson").touch(mode=0)
    (place / "empty").mkdir()
    (place / "locked").mkdir(mode=0o500)
    (place / "full").mkdir()
    (place / "full" / "part-00000").touch()
    return place


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return environment(make_venv(tmp_path_factory.mktemp("environment")), PYTHONPATH="./")


def run(mistake: Mistake, place: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the job as a person without a superuser's rights would, where that matters."""
    command = f"{COMMAND} {mistake.options}"
    if mistake.root and os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("a superuser may read and write everything, and setpriv is not there to change that")
        command = f"setpriv --bounding-set=-dac_override,-dac_read_search {command}"
    return run_shell(command, place, {**variables, "APP_SETTINGS": mistake.settings})


def files_in(place: Path) -> list[Path]:
    """Return the paths below a directory, without what Python keeps of the modules that it imports."""
    return sorted(path for path in place.rglob("*") if "__pycache__" not in path.parts)


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_in_one_line(mistake: Mistake, place: Path, variables: dict[str, str]) -> None:
    before = files_in(place)
    ended = run(mistake, place, variables)
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert [said for said in mistake.says if said not in ended.stderr] == [], ended.stderr
    assert files_in(place) == before


@pytest.mark.parametrize(
    "name", ["a model that is not there", "an input that is not there", "an output that is there"]
)
def test_verbose_gives_the_traceback(name: str, place: Path, variables: dict[str, str]) -> None:
    """Who looks for the cause finds where it was raised, and the same message at the end."""
    ended = run(Mistake(f"--verbose {MISTAKES[name].options}", ()), place, variables)
    assert ended.returncode == 1
    assert "Traceback (most recent call last):" in ended.stderr
    last = ended.stderr.splitlines()[-1]
    assert [said for said in MISTAKES[name].says if said not in last] == []


def test_too_many_failures_are_told_with_their_reasons(place: Path, variables: dict[str, str]) -> None:
    """Exit code 3, after the summary: how many, what was allowed, and why they failed; and no output."""
    ended = run(Mistake(f"{MODEL} --max_error_rate 0.01 input.ldjson", ()), place, variables)
    assert ended.returncode == 3
    assert ended.stdout == ""
    assert ended.stderr.splitlines()[-1] == (
        "1 of 15 records failed (6.67%), more than --max_error_rate 0.01 allows. "
        "Most frequent: 1 x ValidationError: Expected `float`, got `str` - at `$.petal_width`."
    )
