"""Rows that lack what a model needs: the first worker says so before a run on a cluster starts anything."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from local_jobs import TESTS, LocalJob

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.task.first_worker import FirstWorker
from model_mapreduce_job.task.messages import Begin
from model_mapreduce_job.task.task_options import TaskOptions

if TYPE_CHECKING:
    from pathlib import Path

MODELS = """
from typing import TypedDict
from pathlib import Path
from model_mapreduce_job import Config

Needs = TypedDict("Needs", {"a": int, "b": int})
Less = TypedDict("Less", {"a": int})

class Model:
    display_name = description = version = "it"
    qualified_name = "said"
    input_schema = Needs
    output_schema = None

    def __init__(self):
        Path(__file__).with_name(f"loaded {self.qualified_name}").touch()

    def predict(self, data):
        return data

class Less_By_Itself(Model):
    qualified_name = "less"

    def __init__(self):
        self.input_schema = Less

class Asked(Model):
    qualified_name = "asked"

    @property
    def input_schema(self):
        return Needs

class Slow(Asked):
    qualified_name = "slow"

    def __init__(self):
        raise ValueError("this machine has not what it needs")

def entry(name, **own):
    return {"qualified_name": name, "module_name": __name__, **own}

class Models(Config):
    models = (
        entry("said", class_name="Model"),
        entry("less", class_name="Less_By_Itself"),
        entry("asked", class_name="Asked"),
        entry("slow", class_name="Slow"),
        entry("elsewhere", class_name="Model", module_name="installed_on_the_nodes_alone"),
    )
"""
LACKING = (
    "The model needs b, and the input's columns are a, c. Name the columns with --columns, as the model "
    "calls them; a header line that doesn't name them so has to go, or it would be a record."
)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let a configuration of these models be the one that is used."""
    (tmp_path / "needing.py").write_text(MODELS)
    monkeypatch.setenv("APP_SETTINGS", "needing.Models")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def ask(name: str, columns: str, **more: object) -> None:
    """Ask for the columns of a model's rows, and have the answer."""
    begin = Begin(TaskOptions.of({"model_qualified_name": name, "input_protocol": "csv"} | more))
    with FirstWorker(begin) as first:
        first.ask_for_columns(begin)  # as the driver does while it reads the header
        first.ask_for_columns(Begin(TaskOptions.of(begin.options.as_dict() | {"columns": columns})))
        first.check_columns()
        first.check_columns()  # the answer is there once
        assert first.described().names


def test_what_a_class_needs_and_rows_have_is_found_without_loading_the_model(models: Path) -> None:
    ask("said", "b,a,more")
    assert not (models / "loaded said").exists()


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize("name", ["said", "asked"])
def test_what_rows_lack_is_said(name: str) -> None:
    with pytest.raises(InputError) as error:
        ask(name, "a,c")
    assert str(error.value) == LACKING


@pytest.mark.usefixtures("models")
def test_a_key_that_is_no_column_is_said() -> None:
    with pytest.raises(InputError, match=r"--key zz is no column of the input, which has a, b\."):
        ask("said", "a,b", key=["zz"])


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize("name", ["less", "slow", "elsewhere"])
def test_a_model_that_needs_less_than_its_class_or_cant_be_had_here_is_left_to_its_tasks(name: str) -> None:
    ask(name, "a,c")


@pytest.mark.usefixtures("models")
def test_of_several_models_the_one_that_lacks_it_is_named() -> None:
    with pytest.raises(InputError, match="said: The model needs b"):
        ask("less", "a,c", model_qualified_name=["less", "said"])


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize("is_lost", [False, True])
def test_another_question_gets_its_own_answer(is_lost: bool) -> None:
    """Not that which nobody has waited for; of a process that was lost, another one's."""
    begin = Begin(TaskOptions(model_qualified_name="said", input_protocol="csv", columns="a,c"))
    with FirstWorker(begin) as first:
        first.ask_for_columns(begin)
        if is_lost:
            assert first._process is not None
            os.kill(first._process.process.pid, signal.SIGKILL)
        first.ask_for_columns(begin)
        assert first.load().models["said"].version == "it"
        first.ask_for_columns(begin)
        with pytest.raises(InputError):
            first.check_columns()


@pytest.mark.usefixtures("models")
def test_a_process_that_is_lost_meanwhile_says_nothing() -> None:
    begin = Begin(TaskOptions(model_qualified_name="said", input_protocol="csv", columns="a,c"))
    with FirstWorker(begin) as first:
        first.described()
        assert first._process is not None
        os.kill(first._process.process.pid, signal.SIGSTOP)
        first.ask_for_columns(begin)
        os.kill(first._process.process.pid, signal.SIGKILL)
        first.check_columns()


@pytest.mark.parametrize("runner", ["local", "hadoop", "spark"])
def test_a_run_that_lacks_a_column_starts_nothing_and_has_the_same_words_on_each_runner(
    hdfs: Path, models: Path, runner: str
) -> None:
    """Neither Hadoop's client nor spark-submit is called."""
    program = models / "home" / "bin" / "hadoop"
    program.parent.mkdir(parents=True)
    fake = TESTS / "fake_hadoop.py"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {fake} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    for place in (hdfs, models):
        (place / "in.csv").write_bytes(b"a,c\n1,2\n")
    own = {"HADOOP_HOME": str(models / "home"), "FAKE_JAVA": "serves", "APP_SETTINGS": "needing.Models"}
    job = LocalJob(models, environment={**own, "PYTHONPATH": str(models)})
    options = ("-r", runner, "--no-conf", "--model_qualified_name", "said", "--input_protocol", "csv")
    more = ("--spark-submit-bin", "/bin/false") if runner == "spark" else ()
    run = job.run(*options, *more, "in.csv" if runner == "local" else "hdfs:///in.csv")
    assert (run.code, run.errors.splitlines()[-1]) == (1, LACKING)
    calls = models / "calls"
    assert " jar " not in f" {calls.read_text() if calls.exists() else ''} "
    assert not list(hdfs.rglob("part-*"))
