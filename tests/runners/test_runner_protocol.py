"""One protocol for the runners: the driver asks each for the same, whatever mrjob's own gives."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import pytest
from mrjob.runner import MRJobRunner

from model_mapreduce_job.driver.run_spec import RunSpec
from model_mapreduce_job.driver.runner import Runner, RunReport, cleaned_up, step_report
from model_mapreduce_job.runners import as_runner, runner_class
from model_mapreduce_job.task.signals import signals_as_exit

COUNTERS = {"predictions": {"lines": 2}, "Map-Reduce Framework": {"Map input records": 3}}


class Mrjobs:
    """What the driver uses of one of mrjob's runners."""

    def __init__(self, directory: Path, *, struck: bool = False) -> None:
        self.struck = struck
        self.directory = str(directory)
        self.happened: list[str] = []
        self._extra_args: list[Any] = []
        self._working_dir_mgr = self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.struck:
            os.kill(os.getpid(), signal.SIGTERM)
        self.happened.append("cleaned up")

    def _get_local_tmp_dir(self) -> str:
        return self.directory

    def add(self, **file: Any) -> None:
        self.happened.append(f"ships {Path(file['path']).name}")

    def run(self) -> None:
        self.happened.append("ran")

    def counters(self) -> list[Any]:
        return [{}, COUNTERS]

    def cat_output(self) -> list[bytes]:
        return [b"output"]


@pytest.mark.parametrize("alias", ["inline", "local", "hadoop", "spark", "emr"])
def test_each_runner_of_this_project_is_one_as_it_is(alias: str) -> None:
    kind = runner_class(alias)
    assert issubclass(kind, MRJobRunner)
    assert issubclass(kind, Runner)


def test_a_signal_does_not_end_what_a_run_removes_when_it_ends(tmp_path: Path) -> None:
    mrjobs = Mrjobs(tmp_path, struck=True)
    with pytest.raises(SystemExit), signals_as_exit(), cleaned_up(as_runner(mrjobs)):
        pass
    with pytest.raises(ValueError, match="the run's"), signals_as_exit(), cleaned_up(as_runner(mrjobs)):
        raise ValueError("the run's")
    assert mrjobs.happened == ["cleaned up"] * 2


def test_mrjobs_own_runners_do_with_what_they_have(tmp_path: Path) -> None:
    mrjobs = Mrjobs(tmp_path)
    with as_runner(mrjobs) as runner:
        runner.prepare(RunSpec(predicted_steps=frozenset({1})))
        runner.run()
        assert runner.report() == RunReport(COUNTERS)
        runner.publish()
        assert list(runner.cat_output()) == [b"output"]
        assert runner.stop() == ""
    assert mrjobs.happened == ["ships task-options.json", "ran", "cleaned up"]


def test_records_that_hadoop_counted_are_of_the_first_step_alone() -> None:
    first, second = (RunSpec(predicted_steps=frozenset({step})) for step in (0, 1))
    assert step_report([COUNTERS], first, counts_input=True).input_records == 3
    assert step_report([COUNTERS], first).input_records is None
    assert step_report([{}, COUNTERS], second, counts_input=True).input_records is None
    assert step_report(None, first, counts_input=True) == RunReport()


def test_no_runner_imports_pyspark_which_takes_longer_than_the_rest(tmp_path: Path) -> None:
    """The path is all that mrjob wants of it: spark-submit may be there."""
    (tmp_path / "pyspark.py").write_text("raise SystemExit('imported')")
    loads = (
        "import sys, warnings; warnings.simplefilter('ignore'); "
        "from model_mapreduce_job.runners import runner_class; "
        "print([runner_class(alias).__name__ for alias in ('local', 'hadoop', 'spark')]); "
        "import mrjob.bin; print(mrjob.bin.pyspark.__file__, 'pyspark' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", loads], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.stdout.splitlines() == [
        "['LocalRunner', 'HadoopRunner', 'SparkRunner']",
        f"{tmp_path / 'pyspark.py'} False",
    ], ran.stderr
