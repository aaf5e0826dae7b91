"""The process that the driver asks about the configuration."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from local_jobs import TESTS

from model_mapreduce_job.exceptions import ConfigurationError
from model_mapreduce_job.ml_model_map_reduce_job import MLModelMapReduceJob
from model_mapreduce_job.task.first_worker import FirstWorker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def first(monkeypatch: pytest.MonkeyPatch) -> Iterator[FirstWorker]:
    monkeypatch.setenv("APP_SETTINGS", "models.settings.TestModels")
    monkeypatch.syspath_prepend(TESTS)
    job = MLModelMapReduceJob(["--model_qualified_name", "obedient"])
    with FirstWorker(job.begin()) as worker:
        yield worker


def test_it_names_the_models_and_loads_none_until_it_is_asked_to(first: FirstWorker) -> None:
    assert "obedient" in first.described().names
    assert first.described().model is None
    loaded = first.load().model
    assert loaded is not None
    assert loaded.version == "1.0"


def test_one_that_is_killed_is_replaced(first: FirstWorker) -> None:
    assert first._process is not None
    os.kill(first._process.process.pid, signal.SIGKILL)
    assert "obedient" in first.described().names


def test_one_that_has_been_handed_over_is_asked_no_more(first: FirstWorker) -> None:
    first.described()
    process = first.hand_over()
    assert process is not None
    assert first.hand_over() is None
    assert first.load().model is None
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
    begin = MLModelMapReduceJob(["--model_qualified_name", "m"]).begin()
    with (
        FirstWorker(begin) as worker,
        pytest.raises(ConfigurationError, match=r"its process ended \(exit code 3\)"),
    ):
        worker.described()
    assert (tmp_path / "tries").read_text() == "xxxx"


def test_what_a_configuration_refuses_is_refused_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_SETTINGS", "NoSuchConfig")
    begin = MLModelMapReduceJob(["--model_qualified_name", "m"]).begin()
    with FirstWorker(begin) as worker, pytest.raises(ConfigurationError, match="NoSuchConfig"):
        worker.described()


def test_a_model_that_is_not_there_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_SETTINGS", "ProdConfig")
    begin = MLModelMapReduceJob(["--model_qualified_name", "no_such"]).begin()
    with FirstWorker(begin) as worker:
        assert worker.described().names == ["iris_model"]
        assert worker.load().model is None
