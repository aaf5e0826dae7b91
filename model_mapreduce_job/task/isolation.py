"""Predicts in a child process, so that a record that crashes or hangs the model does not end the task."""

from __future__ import annotations

from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.exceptions import IncompleteRunError
from model_mapreduce_job.formats.records import OverlongLine
from model_mapreduce_job.pipeline.batches import batches
from model_mapreduce_job.pipeline.task_report import ReportBuilder, check_start
from model_mapreduce_job.task.isolated_child import Child, ChildLostError
from model_mapreduce_job.task.messages import Check, Fail, Overlong, Predict
from model_mapreduce_job.task.model_process import ProcessLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from model_mapreduce_job.task.model_process import ModelProcess

_FIRST_SIZE = 16
_LARGEST_SIZE = 1024
_QUICK_SECONDS = 0.5


class RequestSizer(msgspec.Struct):
    """The size of the next request: doubled while answers come quickly, halved when a child is lost."""

    size: int = _FIRST_SIZE

    def answered(self, seconds: float) -> None:
        """Adjust the size to the seconds that an answer took."""
        if seconds < _QUICK_SECONDS:
            self.size = min(2 * self.size, _LARGEST_SIZE)

    def lost(self) -> None:
        """Halve the size, since a child was lost."""
        self.size = max(1, self.size // 2)


class IsolatedPipeline:
    """Predicts as Pipeline does, in a child process; lines that end the child are bisected.

    start starts the child's process, which loads the model. A record that ends a child is tried once more,
    alone in a fresh one; if it ends that too, or takes longer than the time limit, it is a failure.
    """

    def __init__(
        self,
        start: Callable[[], ModelProcess],
        predict_timeout: float,
        *,
        fail_fast: bool,
        has_header: bool = False,
        first_of_run: bool = True,
    ) -> None:
        self._has_header = has_header
        self.report = ReportBuilder()
        self._sizer = RequestSizer()
        self._start = start
        self._timeout = predict_timeout
        self.first_of_run = first_of_run
        self._fail_fast = fail_fast
        self._child: Child | None = None

    def header(self) -> bytes | None:
        """Return the line that the output begins with, None where it begins with a record's."""
        return (self._child or self._start_child()).header if self._has_header else None

    def predict_lines(self, blocks: Iterable[Any]) -> Iterator[Any]:
        """Yield the output of each batch, in order; raises what a task in this process would raise."""
        try:
            for batch in batches(blocks, self._sizer):
                yield from self._overlong(batch) if isinstance(batch, OverlongLine) else self._answers(batch)
                if self._fail_fast and self.first_of_run:
                    check_start(self.report)
            if self._child is not None:
                self._check(self._child)
        except BaseException:
            self._end_child(well=False)
            raise
        finally:
            self._end_child(well=True)

    def _overlong(self, line: OverlongLine) -> Iterator[Any]:
        yield self._ask(Overlong(), [line.head])

    def _answers(self, lines: Any) -> Iterator[Any]:
        started = monotonic()
        try:
            output = self._ask(Predict(), lines)
        except ChildLostError as lost:
            self._sizer.lost()
            yield from self._bisect(lines, lost)
        else:
            self._sizer.answered(monotonic() - started)
            yield output

    def _bisect(self, lines: Any, lost: ChildLostError) -> Iterator[Any]:
        if len(lines) == 1:
            yield self._alone(lines, lost)
            return
        # sixteenths rather than halves: losing a child costs more time than a small request
        size = max(1, len(lines) // 16)
        for start in range(0, len(lines), size):
            yield from self._answers(lines[start : start + size])

    def _alone(self, lines: Any, lost: ChildLostError) -> Any:
        """Return the output of a line that ended a child: from a fresh child, or its failure.

        Of several models the one that ended it fails, and is not asked again; the others are.
        """
        charged: dict[str, tuple[str, str]] = {}
        is_sure = lost.was_fresh or lost.took_too_long
        while not is_sure or lost.model:
            if is_sure:
                charged[lost.model] = (lost.failure.kind, lost.failure.message)
            try:
                return self._ask(Predict(alone=True, charged=charged), lines)
            except ChildLostError as again:
                lost, is_sure = again, True
        return self._ask(Fail(lost.failure.kind, lost.failure.message), lines)

    def _check(self, child: Child) -> None:
        """Have the child check whether predictions depend on their batches; losing it here does no harm."""
        with suppress(ChildLostError):
            self.report.add_part(child.ask(Check(), [])[0])

    def _ask(self, request: Predict | Overlong | Fail | Check, lines: Any) -> Any:
        child = self._child or self._start_child()
        try:
            report, output = child.ask(request, lines)
        except ChildLostError:
            self._end_child(well=False)
            raise
        self.report.add_part(report)
        return output

    def _start_child(self) -> Child:
        """Return a child that has loaded the model; one that was lost meanwhile is replaced, but once.

        Raises IncompleteRunError when that is lost too.
        """
        try:
            return self._loaded_child()
        except ProcessLostError:  # it may have been killed from outside
            self._end_child(well=False)
        try:
            return self._loaded_child()
        except ProcessLostError as lost:
            raise IncompleteRunError(f"The model can't be loaded: {lost}.") from None

    def _loaded_child(self) -> Child:
        self.report.counters.loads += 1
        self._child = Child(self._start(), self._timeout)
        self._child.wait_for_model()
        return self._child

    def _end_child(self, *, well: bool) -> None:
        if self._child is not None:
            self._child.end(well=well)
            self._child = None
