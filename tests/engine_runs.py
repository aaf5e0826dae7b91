"""Runs of the local engine in this process, on forked workers: quick enough for hundreds of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fakes import Echoes
from forked import MAX_RECORD_BYTES, fork_server
from pipelines import pipeline_of

from model_mapreduce_job.driver.run_spec import RunSpec
from model_mapreduce_job.runners.local.local_run import LocalRun, MapStep
from model_mapreduce_job.storage.file_operations import OS_FILES
from model_mapreduce_job.task.messages import Begin
from model_mapreduce_job.task.run_options import RunOptions
from model_mapreduce_job.task.task_options import TaskOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from model_mapreduce_job.pipeline.pipeline import Pipeline
    from model_mapreduce_job.pipeline.task_report import TaskReport
    from model_mapreduce_job.storage.file_operations import FileOperations
    from model_mapreduce_job.storage.splits import Split
    from model_mapreduce_job.task.model_process import ModelProcess
    from model_mapreduce_job.task.task_pipeline import TaskPipeline


def echo(_attempt: int = 0) -> Pipeline:
    """Return a prediction whose model answers the record itself."""
    return pipeline_of(Echoes())


TASK_OPTIONS = TaskOptions(max_record_bytes=MAX_RECORD_BYTES, no_fail_fast=True)


@dataclass
class EngineRun:
    """A run into directory/out, as a runner would make it; make_task is called in the workers."""

    directory: Path
    workers: int = 1
    make_task: Callable[[int], TaskPipeline] = echo
    files: FileOperations = OS_FILES
    spec: RunSpec = field(default_factory=lambda: RunSpec(options=RunOptions(task=TASK_OPTIONS, quiet=True)))

    @property
    def out(self) -> Path:
        return self.directory / "out"

    def run(self, splits: list[Split], stdin: Any = None) -> TaskReport:
        """Run to the end, or leave nothing and raise."""
        run = LocalRun(self.spec, files=self.files)
        try:
            staging = run.prepare(str(self.out), [], {})
            report, _ = run.run_mappers(self._step(staging), splits, stdin)
            run.publish()
        finally:
            run.abandon()
        return report

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
        worker.send(Begin(TASK_OPTIONS))
        return worker
