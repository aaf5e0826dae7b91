"""A sample is predicted in a process that has so much patience, and no more."""

from pathlib import Path
from time import monotonic

import pytest

from model_mapreduce_job import MLModelMapReduceJob
from model_mapreduce_job.exceptions import IncompleteRunError
from model_mapreduce_job.plan.trial import try_out
from model_mapreduce_job.task.messages import Begin


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_SETTINGS", "plan_models.Models")
    monkeypatch.syspath_prepend(Path(__file__).parent)


def begin(*more: str) -> Begin:
    return MLModelMapReduceJob(["--model_qualified_name", "told", *more]).begin()


def test_a_batch_that_never_comes_ends_the_trial() -> None:
    started = monotonic()
    with pytest.raises(IncompleteRunError, match=r"within 0\.3 s.*--predict_timeout.*--batch_size 1"):
        try_out(begin(), [[b'{"do": "hang"}']], patience=0.3)
    assert monotonic() - started < 10


def test_a_trial_tells_what_the_sample_came_to() -> None:
    trial = try_out(begin("--batch_size", "7"), [[b'{"n": 1}'] * 20, [b""], [b"[]"]])
    rehearsal = trial.rehearsal
    counts = (rehearsal.tally.lines, rehearsal.tally.predicted, rehearsal.tally.failed, rehearsal.tally.blank)
    assert counts == (22, 20, 1, 1)
    assert rehearsal.batch_size == 7
    assert rehearsal.record_seconds
    assert 0 < rehearsal.record_seconds < 0.01
    assert (rehearsal.version, trial.lost) == ("2.5", "")
