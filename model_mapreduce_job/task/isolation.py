"""Prediction in a child process that a task can lose, so that no record can take the task with it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from model_mapreduce_job.formats.records import OverlongLine
from model_mapreduce_job.pipeline.batches import batches
from model_mapreduce_job.pipeline.counters import Tally
from model_mapreduce_job.task.isolated_child import Child, ChildLostError
from model_mapreduce_job.task.messages import Check, Fail, Overlong, Predict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from model_mapreduce_job.formats.lines import Block
    from model_mapreduce_job.task.model_process import ModelProcess

_FIRST_SIZE = 16
_LARGEST_SIZE = 1024
_QUICK_SECONDS = 0.5


@dataclass
class RequestSizer:
    """The size of the next request: doubled while answers come quickly, halved when a child is lost."""

    size: int = _FIRST_SIZE

    def answered(self, seconds: float) -> None:
        """Take how long an answer took into account."""
        if seconds < _QUICK_SECONDS:
            self.size = min(2 * self.size, _LARGEST_SIZE)

    def lost(self) -> None:
        """Take a child that was lost into account."""
        self.size = max(1, self.size // 2)


class IsolatedPrediction:
    """Predicts as BatchPrediction does, in a child process; lines that end the child are bisected.

    start starts the child's process, which loads the model. A record that ends a child is tried once more,
    alone in a fresh one: what ends that too is a failure, as is what takes longer than the time limit.
    """

    def __init__(self, start: Callable[[], ModelProcess], predict_timeout: float, *, fail_fast: bool) -> None:
        self.tally = Tally()
        self._sizer = RequestSizer()
        self._start = start
        self._timeout = predict_timeout
        self.first_of_run = True
        self._fail_fast = fail_fast
        self._child: Child | None = None

    def predict_lines(self, blocks: Iterable[Block]) -> Iterator[list[bytes]]:
        """Yield the output lines of each batch, in order; raises what a task in this process would raise."""
        try:
            for batch in batches(blocks, self._sizer):
                yield from self._overlong(batch) if isinstance(batch, OverlongLine) else self._answers(batch)
                if self._fail_fast and self.first_of_run:
                    self.tally.check_start()
            if self._child is not None:
                self._check(self._child)
        except BaseException:
            self._end_child(well=False)
            raise
        finally:
            self._end_child(well=True)

    def _overlong(self, line: OverlongLine) -> Iterator[list[bytes]]:
        yield self._ask(Overlong(), [line.head])

    def _answers(self, lines: list[bytes]) -> Iterator[list[bytes]]:
        started = monotonic()
        try:
            output = self._ask(Predict(), lines)
        except ChildLostError as lost:
            self._sizer.lost()
            yield from self._bisect(lines, lost)
        else:
            self._sizer.answered(monotonic() - started)
            yield output

    def _bisect(self, lines: list[bytes], lost: ChildLostError) -> Iterator[list[bytes]]:
        if len(lines) == 1:
            yield self._alone(lines, lost)
            return
        # sixteenths rather than halves: a lost child costs more, in loading or waiting, than a small request
        size = max(1, len(lines) // 16)
        for start in range(0, len(lines), size):
            yield from self._answers(lines[start : start + size])

    def _alone(self, lines: list[bytes], lost: ChildLostError) -> list[bytes]:
        """Return the output of a line that ended a child: what a fresh child says of it, or its failure."""
        if not (lost.was_fresh or lost.took_too_long):
            try:
                return self._ask(Predict(alone=True), lines)
            except ChildLostError as again:
                lost = again
        return self._ask(Fail(lost.failure.kind, lost.failure.message), lines)

    def _check(self, child: Child) -> None:
        """Have the child look whether predictions depend on their batches; one that it ends is no loss."""
        with suppress(ChildLostError):
            self.tally.add(child.ask(Check(), [])[0])

    def _ask(self, request: Predict | Overlong | Fail | Check, lines: list[bytes]) -> list[bytes]:
        child = self._child or self._start_child()
        try:
            tally, output = child.ask(request, lines)
        except ChildLostError:
            self._end_child(well=False)
            raise
        self.tally.add(tally)
        return output

    def _start_child(self) -> Child:
        self.tally.loads += 1
        self._child = Child(self._start(), self._timeout)
        self._child.wait_for_model()
        return self._child

    def _end_child(self, *, well: bool) -> None:
        if self._child is not None:
            self._child.end(well=well)
            self._child = None
