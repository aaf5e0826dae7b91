"""The evaluation of examples/jobs on a real Hadoop and a real Spark: the lines of one machine."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from local_hadoop import LocalHadoop
from local_jobs import PROJECT, LocalJob

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

FLOWERS = PROJECT / "examples" / "jobs" / "flowers.ldjson"
ASKED = ("--label_field", "species", "--group_by", "garden")


@pytest.fixture(scope="module")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the job's output for the example's flowers."""
    directory = tmp_path_factory.mktemp("flowers")
    job = LocalJob(directory, environment={"APP_SETTINGS": "ProdConfig"})
    ran = job.run("--quiet", "--model_qualified_name", "iris_model", FLOWERS)
    assert ran.code == 0, ran.errors
    (directory / "flowers.out").write_bytes(ran.output)
    return directory / "flowers.out"


@pytest.fixture
def evaluation(tmp_path: Path) -> Callable[..., LocalJob]:
    """Return a function that returns the evaluation's job, with options and variables."""

    def made(*options: str, **environment: str) -> LocalJob:
        script = PROJECT / "examples" / "jobs" / "evaluate.py"
        return LocalJob(tmp_path, ("--no-conf", *options), script, environment)

    return made


def checked(job: LocalJob, evaluation: Callable[..., LocalJob], flowers: Path) -> None:
    """Compare a run with one of this machine: digit for digit, and proven whole."""
    ran = job.run(*ASKED, flowers)
    assert ran.code == 0, ran.errors
    here = evaluation("-r", "inline").run(*ASKED, flowers)
    assert sorted(map(json.loads, ran.output.splitlines()), key=str) == sorted(
        map(json.loads, here.output.splitlines()), key=str
    )
    assert "complete: 28 lines = 26 evaluated + 1 failed + 1 without a label" in ran.errors


def test_hadoop_gives_the_lines_of_one_machine(
    hadoop: LocalHadoop, evaluation: Callable[..., LocalJob], flowers: Path
) -> None:
    """Two reducers share the groups; the nodes' Python has neither this package nor mrjob."""
    job = evaluation("-r", "hadoop", "--python-bin", sys.executable, **hadoop.environment)
    checked(job, evaluation, flowers)


def test_spark_gives_the_lines_of_one_machine(evaluation: Callable[..., LocalJob], flowers: Path) -> None:
    """What its reducers count is counted beside what its mappers do."""
    checked(evaluation("-r", "spark", "--spark-master", "local[2]"), evaluation, flowers)
