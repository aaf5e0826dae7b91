"""Measures the time of a record, from batches of one size, without the first."""

from __future__ import annotations

from contextlib import closing
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.pipeline.pipeline import Pipeline
from model_mapreduce_job.task.wire import pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from model_mapreduce_job.formats.lines import Block
    from model_mapreduce_job.task.task_pipeline import TaskPipeline


class Stopwatch:
    """Adds up batches: their records, their seconds by a clock, and their seconds of wall time.

    The first batch warms up, and batches of another size take other times a record: after the first batch,
    and at each new size, the sums start from zero. beat is called after each batch.
    """

    def __init__(self, clock: Callable[[], float], beat: Callable[[], None]) -> None:
        self.records = 0
        self.seconds = 0.0
        self.wall_seconds = 0.0
        self.first_seconds = 0.0
        self._clock = clock
        self._beat = beat
        self._batches = 0
        self._size: int | None = None

    @property
    def record_seconds(self) -> float | None:
        """Return the seconds a record takes, None when none was predicted."""
        return self.seconds / self.records if self.records and self.seconds else None

    def timed(self, task: TaskPipeline, blocks: Iterable[Block], limit: float) -> Iterator[list[bytes]]:
        """Yield the output of a task's batches, until there are no more or limit seconds have passed."""
        deadline = monotonic() + limit
        outputs: Any = task.predict_lines(blocks)
        with closing(outputs):
            while monotonic() < deadline:
                size, before = batch_size(task), task.report.counters.records
                started, wall = self._clock(), perf_counter()
                output = next(outputs, None)
                if output is None:
                    return
                pack(output)  # as what is written has to be
                seconds, wall = self._clock() - started, perf_counter() - wall
                self.observe(size, task.report.counters.records - before, seconds, wall)
                self._beat()
                yield output

    def observe(self, size: int | None, records: int, seconds: float, wall_seconds: float) -> None:
        """Add a batch that was predicted at this batch size."""
        if self._batches == 0:
            self.first_seconds = wall_seconds
        if self._batches == 1 or size != self._size:
            self._size, self.records, self.seconds, self.wall_seconds = size, 0, 0.0, 0.0
        self._batches += 1
        self.records += records
        self.seconds += seconds
        self.wall_seconds += wall_seconds


def batch_size(task: TaskPipeline) -> int | None:
    """Return a task's current batch size; None when it predicts in another process."""
    return task.sizer.size if isinstance(task, Pipeline) else None
