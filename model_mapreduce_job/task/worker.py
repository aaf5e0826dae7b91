"""Runs map tasks for the local engine, one after the other."""

from __future__ import annotations

import os
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from model_mapreduce_job.pipeline.counters import Counters
from model_mapreduce_job.pipeline.model_warnings import ModelWarnings
from model_mapreduce_job.pipeline.task_report import ReportBuilder
from model_mapreduce_job.storage.file_operations import OS_FILES
from model_mapreduce_job.storage.parts import PartWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_mapreduce_job.storage.file_operations import FileOperations
    from model_mapreduce_job.storage.parts import PartRecord
    from model_mapreduce_job.task.messages import Run
    from model_mapreduce_job.task.task_files import TaskFiles, TaskInput
    from model_mapreduce_job.task.task_pipeline import TaskPipeline

_REPORT_SECONDS = 0.2


class Worker:
    """Runs map tasks. make_task makes the pipeline for an attempt's number; one is kept for first attempts.

    report is given, a few times a second, how many of the task's bytes were read and what was counted.
    """

    def __init__(
        self,
        make_task: Callable[[int], TaskPipeline],
        files_of_tasks: TaskFiles,
        report: Callable[[int, Counters], None],
        files: FileOperations = OS_FILES,
        warnings: ModelWarnings | None = None,
    ) -> None:
        self._make_task = make_task
        self._files_of_tasks = files_of_tasks
        self._report = report
        self._files = files
        self._warnings = warnings or ModelWarnings()
        self._kept: TaskPipeline | None = None

    def run(self, request: Run, data: bytes) -> PartRecord:
        """Run one attempt and return its part's record; the part is whole, and synced if asked for.

        Raises ModelMapReduceError, and anything else that the attempt raises.
        """
        os.environ.update(request.environment)
        pipeline = self._pipeline(request.attempt)
        pipeline.first_of_run = request.first
        with (
            self._files_of_tasks.opened_in_turn(request.splits, data) as source,
            PartWriter(Path(request.output), self._files, durable=request.durable) as part,
        ):
            self._write(pipeline, source, part)
        self._warnings.add_to(pipeline.report)
        return part.record(request.splits, pipeline.report.built().with_places(source.place_of))

    def _pipeline(self, attempt: int) -> TaskPipeline:
        if attempt:
            return self._make_task(attempt)
        if self._kept is None:
            self._kept = self._make_task(0)
            return self._kept
        # what loading took was counted by the first task
        before = self._kept.report.counters
        loading = Counters(load_ns=before.load_ns, loads=before.loads)
        self._kept.report = ReportBuilder(Counters() if before.lines else loading)
        return self._kept

    def _write(self, pipeline: TaskPipeline, source: TaskInput, part: PartWriter) -> None:
        reported = monotonic()
        with self._files_of_tasks.writing(part, pipeline.header()) as write:
            for output in pipeline.predict_lines(source.blocks):
                write(output)
                if monotonic() - reported > _REPORT_SECONDS:
                    reported = monotonic()
                    self._report(source.done(), pipeline.report.counters)
