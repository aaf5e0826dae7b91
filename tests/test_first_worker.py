"""The process that the driver asks about the configuration."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from local_jobs import TESTS

from model_mapreduce_job.exceptions import ConfigurationError
from model_mapreduce_job.task.first_worker import FirstWorker
from model_mapreduce_job.task.messages import Begin
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


def test_one_that_has_been_handed_over_is_asked_no_more(first: FirstWorker) -> None:
    first.described()
    process = first.hand_over()
    assert process is not None
    assert first.hand_over() is None
    assert not first.load().models
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
        process = early.take()
        assert early.take() is None
        started = Begin(TaskOptions(), {"APP_SETTINGS": "NoSuchConfig"})
        with FirstWorker(started, process=process) as worker:
            assert worker._process is process
            with pytest.raises(ConfigurationError, match="NoSuchConfig"):
                worker.described()


def test_a_process_that_was_started_early_for_nothing_is_ended() -> None:
    with EarlyStart() as early:
        pid = early._process.process.pid if early._process else 0
        assert pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
