"""What tests of several files share."""

from __future__ import annotations

import os
import posix
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from coverage import Coverage
from hypothesis import HealthCheck, settings
from local_jobs import LocalJob

from model_mapreduce_job.storage.hadoop_fs import HadoopShell

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_configure() -> None:
    """Let signals end what tests start: what runs in the background, or under nohup, ignores some."""
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def _leave_unmeasured() -> None:
    """Keep coverage from a fork, which would write again all that pytest's own process has measured."""
    if measuring := Coverage.current():
        measuring.stop()
    os._exit = posix._exit  # coverage's own writes first


os.register_at_fork(after_in_child=_leave_unmeasured)


@pytest.fixture(autouse=True, scope="session")
def _temporary_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what tests leave in pytest's own directory, of which it removes all but the last three."""
    with pytest.MonkeyPatch.context() as patch:
        # of this process alone: what a test starts has the environment that the test gives it
        patch.setattr("tempfile.tempdir", str(tmp_path_factory.mktemp("tmp")))
        yield


# files that take longest: begun first, so that no core waits for the last of them at the end
LONGEST = [
    # of the clusters' tests those that have the Hadoop alone, and beside them those that don't need it
    *("test_cluster_faults.py", "test_job_on_spark.py", "test_tables_on_spark.py", "test_spark_three.py"),
    *("test_blocks_of_splits.py", "test_real_models.py", "test_emr_on_hadoop.py", "test_job_on_hadoop.py"),
    *("test_hard_models_on_hadoop.py", "test_emr_job.py", "test_model_file_runs.py"),
    *("test_tables.py", "test_emr_runner.py", "test_table_replays.py", "test_emr_smoke.py"),
    *("test_emr_stack.py", "test_bundle.py", "test_several_model_runs.py", "test_verify.py"),
    *("test_resume.py", "test_benchmark.py", "test_plan_command.py", "test_stamp.py"),
    *("test_run_inline_and_local.py", "test_emr_protocols.py"),
    *("test_replay.py", "test_plan_models.py", "test_plan_emr.py", "test_faults.py", "test_evaluation.py"),
    *("test_reducers.py", "test_messages.py", "test_debug_record.py", "test_docs.py"),
    *("test_output_compression.py", "test_whole_output_or_none.py", "test_driver.py"),
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest; the rest keeps its order."""
    order = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


# Measuring what a process runs takes half as long again as running it. The processes of the tests that are
# marked run between them what those of the whole suite run; the others run as they do for a person.
MEASURING = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_PROCESS")}
# With a cluster all are measured but those that disturb one, and those of models.
UNMEASURED_ON_CLUSTERS = {"test_cluster_faults.py", "test_hadoop_cluster.py", "test_real_models.py"}


def is_measured(item: pytest.Item) -> bool:
    """Return whether coverage measures the processes that a test starts."""
    on_clusters = item.path.parent.name == "cluster" and item.path.name not in UNMEASURED_ON_CLUSTERS
    return on_clusters or item.get_closest_marker("measured") is not None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let coverage measure the processes that a test starts, or leave them to run as they do for a person."""
    for name, value in MEASURING.items():
        if is_measured(item):
            os.environ[name] = value
        else:
            os.environ.pop(name, None)


# `make fuzz`: many examples for the tests that don't say how many they need
settings.register_profile("fuzz", max_examples=2000, deadline=None)
# how long an example takes says how busy the machine is
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("TEST_PROFILE", "suite"))


@pytest.fixture(params=["inline", "local"])
def job(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalJob]:
    """Give the job on each of the two local runners, which may leave neither files nor processes."""
    job = LocalJob(tmp_path, ("-r", request.param, "--model_qualified_name", "obedient"))
    try:
        yield job
        assert job.processes() == []
        assert job.left() == []
    finally:
        job.kill()


@pytest.fixture
def hdfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory that is HDFS to fake_hadoop.py."""
    root = tmp_path / "hdfs"
    root.mkdir()
    monkeypatch.setenv("FAKE_HDFS", str(root))
    return root


@pytest.fixture
def shell(hdfs: Path) -> HadoopShell:
    """Give the commands of that hadoop."""
    assert hdfs.exists()
    return HadoopShell([sys.executable, str(Path(__file__).with_name("fake_hadoop.py"))])
