"""Models that crash, hang or take long on a real Hadoop, and what tasks report of them."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_jobs import OBEDIENT, Task, fingerprint, inline_fingerprint, on_hadoop
from local_hadoop import LocalHadoop, eventually
from local_jobs import LocalJob, ended, write_records
from report_contract import check_report

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

RECORDS = 2_000


@pytest.fixture
def obedient(hadoop: LocalHadoop, models_bundle: Path, tmp_path: Path) -> LocalJob:
    """Give the job with a model that does what a record says."""
    return on_hadoop(hadoop, tmp_path, "--bundle", str(models_bundle), *OBEDIENT)


@pytest.fixture(scope="module")
def slow_run(
    hadoop: LocalHadoop, models_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[subprocess.Popen[bytes]]:
    """Begin a run whose model is slow."""
    place = tmp_path_factory.mktemp("slow")
    job = on_hadoop(hadoop, place, "--bundle", str(models_bundle), *OBEDIENT)
    slow = {"n": 1, "do": "compute_in_c", "seconds": 65}
    path = write_records(place / "slow", [slow, {"n": 2, "do": "talk"}, {"n": 3}])
    # counted from the launch of a container, which may have to unpack the bundle first
    limits = {"mapreduce.task.timeout": 50_000, "mapreduce.task.timeout.check-interval-ms": 1000}
    process = job.start(*(part for name, ms in limits.items() for part in ("-D", f"{name}={ms}")), path)
    yield process
    job.kill()
    process.communicate()


@pytest.fixture(scope="module", autouse=True)
def _begin_the_slow_run(request: pytest.FixtureRequest) -> None:
    """Begin it before the first test, if a test is going to ask for it: it waits most of its time."""
    tests = [item for item in request.session.items if item.path == request.path]
    if any("slow_run" in getattr(test, "fixturenames", ()) for test in tests):
        request.getfixturevalue("slow_run")


def test_records_that_crash_or_hang_cost_themselves(
    hadoop: LocalHadoop, models_bundle: Path, tmp_path: Path
) -> None:
    """The output is that of the inline runner, failures and their reasons among it."""
    bad = ("segfault", "leave", "be_killed", "hang", "hang_in_c")
    records: list[dict[str, object]] = [{"n": number} for number in range(RECORDS)]
    for place, action in enumerate(bad):
        records[100 + 400 * place] |= {"do": action}
    path = write_records(tmp_path / "records", records)
    options = (*OBEDIENT, "--predict_timeout", "2", "--on_error", "explain")
    job = on_hadoop(hadoop, tmp_path, "--bundle", str(models_bundle), *options)
    run = job.run(path)
    assert fingerprint(run) == inline_fingerprint(tmp_path, *options, path)
    assert f"complete: {RECORDS:,} lines = {RECORDS - len(bad):,} predicted + {len(bad)} failed" in run.errors
    assert "3 x ProcessDied" in run.errors
    assert "2 x PredictTimeout" in run.errors


def test_a_model_that_cannot_be_loaded_says_how_it_ended(obedient: LocalJob, tmp_path: Path) -> None:
    path = write_records(tmp_path / "records", [{"n": 1}])
    ended = obedient.run("-q", "--model_qualified_name", "fatal_to_load", path)
    assert ended.code == 1
    assert re.search(r"A task failed on \S+, reading \S+records, .*SIGSEGV", ended.errors.splitlines()[-1])


def test_all_that_tasks_report_comes_home_and_counts_once(obedient: LocalJob, tmp_path: Path) -> None:
    """The profile as well, of the attempt that was committed alone: the first one is killed half-way."""
    check_report(obedient, tmp_path, loses_an_attempt=True)


def test_stopping_the_driver_stops_its_tasks(hadoop: LocalHadoop, obedient: LocalJob, tmp_path: Path) -> None:
    reached, go_on = tmp_path / "reached", tmp_path / "go on"
    wait = {"n": 1, "do": "wait_for_file", "reached": str(reached), "go_on": str(go_on)}
    process = obedient.start("--output-dir", "hdfs:///stopped/out", write_records(tmp_path / "wait", [wait]))
    try:
        assert eventually(reached.exists, 120), "no task started"
        assert Task.of(obedient)
        process.terminate()
        errors = process.communicate(timeout=60)[1].decode()
        assert process.returncode == 143
    finally:
        process.kill()
        process.communicate()
    assert obedient.processes() == []
    assert hadoop.hadoop("fs", "-ls", "-C", "/stopped").stdout == ""
    (job,) = set(re.findall(r"application_(\d+_\d+)", errors))
    staged = "/tmp/hadoop-yarn/staging/*/.staging"  # noqa: S108 - in HDFS, where YARN keeps it
    assert job not in hadoop.hadoop("fs", "-ls", "-R", "-C", staged).stdout


def test_a_slow_model_is_not_taken_for_a_dead_one(slow_run: subprocess.Popen[bytes]) -> None:
    """It computes in C for longer than Hadoop lets a task be silent, and keeps the interpreter to itself.

    What it prints for another record stays out of the output.
    """
    run = ended(slow_run)
    assert run.code == 0, run.errors
    assert sorted(value["n"] for value in run.values) == [1, 2, 3]
    assert "Failed map tasks" not in run.errors
