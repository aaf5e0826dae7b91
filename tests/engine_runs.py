"""Runs of the local engine in this process, on forked workers: quick enough for hundreds of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fakes import Echoes
from forked import MAX_RECORD_BYTES, fork_server

from model_mapreduce_job.driver.run_plan import RunPlan
from model_mapreduce_job.formats.protocols import JsonLines, JsonPairs
from model_mapreduce_job.models.schemas import record_schema
from model_mapreduce_job.pipeline.batch_prediction import BatchPrediction, Unwatched
from model_mapreduce_job.pipeline.batch_sizing import BatchSizer
from model_mapreduce_job.pipeline.prediction import predictor_for
from model_mapreduce_job.runners.local.local_run import LocalRun, MapStep
from model_mapreduce_job.storage.files import DISK
from model_mapreduce_job.task.messages import Begin

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from model_mapreduce_job.pipeline.batch_prediction import Watch
    from model_mapreduce_job.pipeline.counters import Tally
    from model_mapreduce_job.storage.files import Files
    from model_mapreduce_job.storage.splits import Split
    from model_mapreduce_job.task.factory import Prediction
    from model_mapreduce_job.task.model_process import ModelProcess


def echo(_attempt: int = 0) -> BatchPrediction:
    """Return a prediction whose model answers the record itself."""
    return prediction_of(Echoes())


def prediction_of(model: Any, watch: Watch | None = None) -> BatchPrediction:
    """Return a model's prediction, from JSON to JSON."""
    sizer = BatchSizer()
    reader = JsonLines(record_schema(model.input_schema))
    return BatchPrediction(
        reader, predictor_for(model, sizer), JsonPairs(explain=True), sizer, watch=watch or Unwatched()
    )


@dataclass
class EngineRun:
    """A run into directory/out, as a runner would make it; make_task is called in the workers."""

    directory: Path
    workers: int = 1
    make_task: Callable[[int], Prediction] = echo
    files: Files = DISK
    plan: RunPlan = field(default_factory=lambda: RunPlan(max_record_bytes=MAX_RECORD_BYTES, quiet=True))

    @property
    def out(self) -> Path:
        return self.directory / "out"

    def run(self, splits: list[Split], stdin: Any = None) -> Tally:
        """Run to the end, or leave nothing and raise."""
        run = LocalRun(self.plan, files=self.files)
        try:
            staging = run.prepare(str(self.out), [], {})
            tally, _ = run.run_mappers(self._step(staging), splits, stdin)
            run.publish()
        finally:
            run.abandon()
        return tally

    def _step(self, staging: str | None) -> MapStep:
        return MapStep(
            part_path=lambda number: self.directory / str(staging) / f"part-{number:05d}",
            start_worker=self._start_worker,
            environment=lambda _task, attempt: {"ATTEMPT": str(attempt)},
            workers=self.workers,
            resumable=True,
        )

    def _start_worker(self) -> ModelProcess:
        worker = fork_server(self.make_task, files=self.files)
        worker.send(Begin({}))
        return worker
