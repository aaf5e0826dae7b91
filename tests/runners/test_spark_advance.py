"""Spark's driver program is started before its arguments are known, and imports what is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest
from local_jobs import PROJECT

from model_mapreduce_job.runners.shared import LocalTmp
from model_mapreduce_job.runners.spark.advance import ProgramInAdvance
from model_mapreduce_job.runners.spark.submission import environment as environment_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What a driver program does until it has its arguments.
PROGRAM = """
import sys
from model_mapreduce_job.runners.spark.local_program import awaited

print("waits", flush=True)
print(awaited(sys.argv[2]))
"""
COMMAND = [sys.executable, "-c", PROGRAM]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PROJECT)}


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[LocalTmp]:
    """Give a run's private directory, which is to be gone in the end."""
    directory = LocalTmp()
    place = Path(directory.make(str(tmp_path), "run"))
    yield directory
    assert not place.exists()


def test_a_program_runs_the_arguments_that_it_is_given_later(directory: LocalTmp) -> None:
    program = ProgramInAdvance(COMMAND, ENVIRONMENT, directory)
    client = program.take(COMMAND, ENVIRONMENT, ["one", "größe two"])
    assert client is not None
    assert client.communicate()[0].decode() == "waits\n['one', 'größe two']\n"
    assert program.take(COMMAND, ENVIRONMENT, ["again"]) is None
    program.close()


@pytest.mark.parametrize(
    ("command", "environment"), [([*COMMAND, "other"], ENVIRONMENT), (COMMAND, {**ENVIRONMENT, "MORE": "1"})]
)
def test_a_program_that_was_started_otherwise_runs_nothing(
    directory: LocalTmp, command: list[str], environment: dict[str, str]
) -> None:
    program = ProgramInAdvance(COMMAND, ENVIRONMENT, directory)
    assert program.take(command, environment, ["one"]) is None
    assert program.take(COMMAND, ENVIRONMENT, ["one"]) is None


DRIVER = """
import sys
from model_mapreduce_job.runners.shared import LocalTmp
from model_mapreduce_job.runners.spark.advance import ProgramInAdvance

directory = LocalTmp()
directory.make(sys.argv[1], "run")
command = [sys.executable, "-c", sys.argv[2]]
client = ProgramInAdvance(command, {"PYTHONPATH": sys.argv[3]}, directory)._client
client.stdout.readline()
print(client.pid, flush=True)
input()
"""


def test_a_program_ends_with_the_driver_that_was_killed(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", DRIVER, tmp_path, PROGRAM, PROJECT]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(arguments, env=ENVIRONMENT, **pipes) as driver:
        pid = int(driver.stdout.readline())
        driver.kill()
    assert eventually(lambda: not is_running(pid)), "it waits still"


def is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def eventually(found: Callable[[], bool]) -> bool:
    deadline = monotonic() + 10
    while not found():
        if monotonic() > deadline:
            return False
        sleep(0.02)
    return True


LOOK = """
import sys
from model_mapreduce_job.runners.spark.installed_pyspark import use_installed_pyspark

use_installed_pyspark()
import pyspark
print(pyspark.__file__)
"""


@pytest.mark.parametrize("is_home", [True, False])
def test_pyspark_is_imported_from_spark_home_where_it_is_installed_there(
    tmp_path: Path, is_home: bool
) -> None:
    """And else from the archive that Spark names, whose version is that of Spark."""
    home = tmp_path / "site" / "pyspark"
    archive = (home if is_home else tmp_path / "spark") / "python" / "lib" / "pyspark.zip"
    archive.parent.mkdir(parents=True)
    for package in (home, home.with_name("py4j")):
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").touch()
    with ZipFile(archive, "w") as file:
        file.writestr("pyspark/__init__.py", "")
    paths = os.pathsep.join(map(str, (archive, PROJECT, home.parent)))
    environment = {**os.environ, "PYTHONPATH": paths, "SPARK_HOME": str(archive.parents[2])}
    found = subprocess.run(
        [sys.executable, "-c", LOOK], env=environment, capture_output=True, check=True, text=True
    )
    assert found.stdout.strip() == str((home if is_home else archive / "pyspark") / "__init__.py")


def test_a_persons_own_java_options_come_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """So they prevail; where Spark is elsewhere nothing is added to them."""
    monkeypatch.setenv("SPARK_SUBMIT_OPTS", "-XX:Tier4InvocationThreshold=7")
    here, there = (environment_of({"OWN": "1"}, is_local=is_local) for is_local in (True, False))
    assert here["SPARK_SUBMIT_OPTS"].split()[-1] == there["SPARK_SUBMIT_OPTS"]
    assert len(here["SPARK_SUBMIT_OPTS"].split()) > 1
    assert (here["OWN"], here["SPARK_LOCAL_IP"], there["OWN"]) == ("1", "127.0.0.1", "1")
