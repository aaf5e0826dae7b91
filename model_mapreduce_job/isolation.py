"""Prediction in a child process that a task can lose, so that no record can take the task with it."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.batches import batches
from model_mapreduce_job.isolated_child import Child, ChildLostError
from model_mapreduce_job.records import OverlongLine
from model_mapreduce_job.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from model_mapreduce_job.batch_prediction import BatchPrediction
    from model_mapreduce_job.lines import Block
    from model_mapreduce_job.prediction import Predictor
    from model_mapreduce_job.records import Outcome

_FIRST_SIZE = 16
_LARGEST_SIZE = 1024
_QUICK_SECONDS = 0.5


@dataclass
class RequestSizer:
    """The size of the next request: doubled while answers come quickly, halved when a child is lost."""

    size: int = _FIRST_SIZE

    def answered(self, seconds: float) -> None:
        """Take note of how long an answer took."""
        if seconds < _QUICK_SECONDS:
            self.size = min(2 * self.size, _LARGEST_SIZE)

    def lost(self) -> None:
        """Take note of a child that was lost."""
        self.size = max(1, self.size // 2)


class IsolatedPrediction:
    """Predicts as BatchPrediction does, in a child process; lines that end the child are bisected.

    make_task is called in the child, which loads the model: this process must not have loaded it. A record
    that ends the child alone, or that it hangs on for more than predict_timeout seconds, is a failure.
    """

    def __init__(
        self, make_task: Callable[[], BatchPrediction], predict_timeout: float | None, *, fail_fast: bool
    ) -> None:
        self.tally = Tally()
        self._sizer = RequestSizer()
        self._make_task = make_task
        self._timeout = predict_timeout
        self._fail_fast = fail_fast
        self._child: Child | None = None

    def predict_lines(self, blocks: Iterable[Block]) -> Iterator[list[bytes]]:
        """Yield the output lines of each batch, in order; raises what a task in this process would raise."""
        try:
            for batch in batches(blocks, self._sizer):
                yield from self._overlong(batch) if isinstance(batch, OverlongLine) else self._answers(batch)
                if self._fail_fast:
                    self.tally.check_start()
        finally:
            self._end_child()

    def _overlong(self, line: OverlongLine) -> Iterator[list[bytes]]:
        yield self._ask("overlong", [line.head])

    def _answers(self, lines: list[bytes]) -> Iterator[list[bytes]]:
        started = monotonic()
        try:
            output = self._ask("predict", lines)
        except ChildLostError as lost:
            self._sizer.lost()
            yield from self._bisect(lines, lost)
        else:
            self._sizer.answered(monotonic() - started)
            yield output

    def _bisect(self, lines: list[bytes], lost: ChildLostError) -> Iterator[list[bytes]]:
        if len(lines) == 1:
            yield self._ask("fail", [lost.failure.kind.encode(), lost.failure.message.encode(), *lines])
            return
        # sixteenths rather than halves: a lost child costs more, in loading or waiting, than a small request
        size = max(1, len(lines) // 16)
        for start in range(0, len(lines), size):
            yield from self._answers(lines[start : start + size])

    def _ask(self, verb: str, lines: list[bytes]) -> list[bytes]:
        child = self._child or self._start_child()
        try:
            tally, output = child.ask(verb, lines, self._timeout)
        except ChildLostError:
            self._end_child()
            raise
        self.tally.add(tally)
        return output

    def _start_child(self) -> Child:
        self._child = Child(self._make_task)
        self._child.wait_for_model()
        return self._child

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None


class LimitedPredictor:
    """Predicts in this process, which the kernel kills when a batch takes longer than the limit.

    A thread or a handler of Python's own could not: a model that hangs in C keeps the interpreter to itself.
    """

    def __init__(self, predictor: Predictor, seconds: float) -> None:
        self._predictor = predictor
        self._seconds = seconds
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def predict(self, records: list[Any]) -> list[Outcome]:
        """Return one outcome for each record, in order."""
        signal.setitimer(signal.ITIMER_REAL, self._seconds)
        try:
            return self._predictor.predict(records)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
