"""A worker: the process that runs map tasks for the local engine, one after the other."""

from __future__ import annotations

import os
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from model_mapreduce_job.formats.column_order import ColumnOrder, rearranged
from model_mapreduce_job.formats.lines import read_blocks
from model_mapreduce_job.pipeline.counters import Tally
from model_mapreduce_job.pipeline.model_warnings import ModelWarnings
from model_mapreduce_job.storage.files import DISK
from model_mapreduce_job.storage.parts import PartWriter
from model_mapreduce_job.storage.sources import open_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_mapreduce_job.storage.files import Files
    from model_mapreduce_job.storage.parts import PartRecord
    from model_mapreduce_job.storage.sources import RangeSource, StreamSource
    from model_mapreduce_job.task.factory import Prediction
    from model_mapreduce_job.task.messages import Run

_REPORT_SECONDS = 0.2


class Worker:
    """Runs map tasks. make_task makes the prediction for an attempt's number; one is kept for first attempts.

    report is given, a few times a second, how many of the task's bytes were read and what was counted.
    """

    def __init__(
        self,
        make_task: Callable[[int], Prediction],
        max_record_bytes: int,
        report: Callable[[int, Tally], None],
        files: Files = DISK,
        warnings: ModelWarnings | None = None,
    ) -> None:
        self._make_task = make_task
        self._max_record_bytes = max_record_bytes
        self._report = report
        self._files = files
        self._warnings = warnings or ModelWarnings()
        self._kept: Prediction | None = None
        self._order: ColumnOrder | None = None

    def run(self, request: Run, data: bytes) -> PartRecord:
        """Run one attempt and return its part's record; the part is whole, and synced if asked for.

        Raises ModelMapReduceError, and whatever else the attempt raises.
        """
        os.environ.update(request.environment)
        prediction = self._prediction(request.attempt)
        prediction.first_of_run = request.first
        split = request.split
        self._order = ColumnOrder(split.delimiter, split.places) if split.places else None
        with (
            open_source(split, data) as source,
            PartWriter(Path(request.output), self._files, durable=request.durable) as part,
        ):
            self._write(prediction, source, part)
        self._warnings.count(prediction.tally)
        return part.record(request.split, prediction.tally.as_dict())

    def load(self) -> None:
        """Load the model, which the first attempts will be predicted with."""
        if self._kept is None:
            self._kept = self._make_task(0)

    def _prediction(self, attempt: int) -> Prediction:
        if attempt:
            return self._make_task(attempt)
        if self._kept is None:
            self.load()
            assert self._kept is not None  # noqa: S101 - it was just loaded
        else:
            # what loading took was counted by the first task
            before = self._kept.tally
            self._kept.tally = Tally() if before.lines else Tally(load_ns=before.load_ns, loads=before.loads)
        return self._kept

    def _write(self, prediction: Prediction, source: RangeSource | StreamSource, part: PartWriter) -> None:
        reported = monotonic()
        blocks = rearranged(read_blocks(source, self._max_record_bytes), self._order)
        for lines in prediction.predict_lines(blocks):
            if lines:
                part.write(b"\n".join(lines) + b"\n")
            if monotonic() - reported > _REPORT_SECONDS:
                reported = monotonic()
                self._report(source.done(), prediction.tally)
