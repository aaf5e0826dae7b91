"""The process that the driver asks about the configuration."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from local_jobs import TESTS

from model_mapreduce_job.driver.start import early_workers
from model_mapreduce_job.exceptions import ConfigurationError
from model_mapreduce_job.task.first_worker import FirstWorker
from model_mapreduce_job.task.messages import Begin, Describe, Described
from model_mapreduce_job.task.model_process import EarlyStart
from model_mapreduce_job.task.task_options import TaskOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def begin(model: str) -> Begin:
    return Begin(TaskOptions(model_qualified_name=model))


@pytest.fixture
def first(monkeypatch: pytest.MonkeyPatch) -> Iterator[FirstWorker]:
    monkeypatch.setenv("APP_SETTINGS", "models.settings.TestModels")
    monkeypatch.syspath_prepend(TESTS)
    with FirstWorker(begin("obedient")) as worker:
        yield worker


def test_it_names_the_models_and_loads_none_until_it_is_asked_to(first: FirstWorker) -> None:
    assert "obedient" in first.described().names
    assert not first.described().models
    assert first.load().models["obedient"].version == "1.0"


def test_one_that_is_killed_is_replaced(first: FirstWorker) -> None:
    assert first._process is not None
    os.kill(first._process.process.pid, signal.SIGKILL)
    assert "obedient" in first.described().names


def test_one_that_has_been_handed_over_is_asked_no_more_but_another(first: FirstWorker) -> None:
    first.described()
    (process,) = first.hand_over()
    assert not first.hand_over()
    assert first.load().models["obedient"].version == "1.0"
    process.send(Describe(load=False))
    answer = process.receive()
    assert answer is not None
    assert isinstance(answer[0], Described)
    assert not answer[0].models
    process.end()


def test_a_configuration_that_ends_its_process_ends_the_run_after_four_tries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deadly.py").write_text(
        "import os\n"
        "from pathlib import Path\n"
        "with Path(__file__).with_name('tries').open('a') as file: file.write('x')\n"
        "os._exit(3)\n"
    )
    monkeypatch.setenv("APP_SETTINGS", "deadly.Config")
    monkeypatch.syspath_prepend(tmp_path)
    with (
        FirstWorker(begin("obedient")) as worker,
        pytest.raises(ConfigurationError, match=r"its process ended \(exit code 3\)"),
    ):
        worker.described()
    assert (tmp_path / "tries").read_text() == "xxxx"


@pytest.mark.measured
def test_what_a_configuration_refuses_is_refused_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_SETTINGS", "NoSuchConfig")
    with FirstWorker(begin("obedient")) as worker, pytest.raises(ConfigurationError, match="NoSuchConfig"):
        worker.described()


def test_a_model_that_is_not_there_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_SETTINGS", "ProdConfig")
    with FirstWorker(begin("no_such")) as worker:
        assert worker.described().names == ["iris_model"]
        assert not worker.load().models


def test_a_process_that_was_started_early_is_the_one_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its environment is set by the first message, since the options were not known before."""
    monkeypatch.setenv("APP_SETTINGS", "ProdConfig")
    with EarlyStart() as early:
        processes = early.take()
        assert not early.take()
        started = Begin(TaskOptions(), {"APP_SETTINGS": "NoSuchConfig"})
        with FirstWorker(started, processes=processes) as worker:
            assert [worker._process] == processes
            with pytest.raises(ConfigurationError, match="NoSuchConfig"):
                worker.described()


def test_processes_that_were_started_early_for_nothing_are_ended() -> None:
    with EarlyStart(2) as early:
        pids = [each.process.pid for each in early._processes]
        assert len(set(pids)) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.measured
def test_all_that_were_started_early_become_workers_and_are_ended_unless_a_run_takes_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("APP_SETTINGS", "ProdConfig")
    with EarlyStart(2) as early, FirstWorker(begin("iris_model"), processes=early.take()) as worker:
        described, workers = worker.described(), worker.hand_over()
        answer = workers[0].receive()
        assert answer is not None
        assert answer[0] == described
        for each in workers:
            each.end()
    with EarlyStart(2) as early:
        processes = early.take()
        with FirstWorker(begin("iris_model"), processes=processes):
            pass
    assert [each.process.poll() is None for each in processes] == [False, False]


@pytest.mark.measured
@pytest.mark.parametrize(
    ("arguments", "workers"),
    [
        (["-r", "local", "large.csv"], os.cpu_count()),
        (["-r", "local", "--num-cores", "3", "large.csv"], 3),
        (["--runner=local", "--num-cores=3", "large.csv"], 3),
        (["--runner=local", "--num-cores=500", "large.csv"], 8),
        (["-r", "local", "--num-cores", "many", "large.csv"], 1),
        (["-r", "local", "--num-cores", "3", "small.csv"], 1),
        (["-r", "local", "--num-cores", "3", "large.csv.gz"], 1),
        (["-r", "inline", "--num-cores", "3", "large.csv"], 1),
        (["-r", "local", "--num-cores", "3", "not_there.csv", "-"], 1),
    ],
)
def test_only_a_large_run_on_this_machine_starts_all_of_its_workers_early(
    arguments: list[str], workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, size in (("large.csv", 8 << 20), ("large.csv.gz", 8 << 20), ("small.csv", 1)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    assert early_workers(arguments) == min(workers, 8)
