"""A sample is predicted in a process that has so much patience, and no more."""

from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from model_mapreduce_job.exceptions import IncompleteRunError
from model_mapreduce_job.plan.sample_run import run_sample
from model_mapreduce_job.task.messages import Begin
from model_mapreduce_job.task.task_options import TaskOptions


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_SETTINGS", "plan_models.Models")
    monkeypatch.syspath_prepend(Path(__file__).parent)


def begin(**more: Any) -> Begin:
    return Begin(TaskOptions(model_qualified_name="told", **more))


def test_a_batch_that_never_comes_ends_the_trial() -> None:
    started = monotonic()
    with pytest.raises(IncompleteRunError, match=r"within 0\.3 s.*--predict_timeout.*--batch_size 1"):
        run_sample(begin(), [[b'{"do": "hang"}']], patience=0.3)
    assert monotonic() - started < 60


def test_a_trial_tells_what_the_sample_came_to() -> None:
    sample_run = run_sample(begin(batch_size=7), [[b'{"n": 1}'] * 20, [b""], [b"[]"]])
    result = sample_run.result
    counts = (
        result.report.counters.lines,
        result.report.counters.predicted,
        result.report.counters.failed,
        result.report.counters.blank,
    )
    assert counts == (22, 20, 1, 1)
    assert result.batch_size == 7
    assert result.record_seconds
    assert 0 < result.record_seconds < 0.01
    assert ([model.version for model in result.models.values()], sample_run.lost) == (["2.5"], "")
