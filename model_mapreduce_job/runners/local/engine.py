"""The local engine: map tasks on workers, tried again when those die, and their parts in input order."""

from __future__ import annotations

import select
from collections import deque
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from model_mapreduce_job.exceptions import IncompleteRunError
from model_mapreduce_job.pipeline.task_report import ReportBuilder, RunStart, TaskReport
from model_mapreduce_job.task.messages import (
    Described,
    Done,
    Faulted,
    Progress,
    Raised,
    Refused,
    Run,
    raise_refused,
)
from model_mapreduce_job.task.model_process import GRACE_SECONDS, ProcessLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from model_mapreduce_job.runners.local.progress import Progress as ProgressDisplay
    from model_mapreduce_job.storage.parts import Parts
    from model_mapreduce_job.storage.splits import MapTask
    from model_mapreduce_job.task.messages import Message, ModelFacts
    from model_mapreduce_job.task.model_process import ModelProcess

MAX_ATTEMPTS = 4  # as on Hadoop: mapreduce.map.maxattempts
# How long to wait for an answer before looking whether those who owe one are still there.
_PATIENCE_SECONDS = 1.0


class Attempt(msgspec.Struct, frozen=True):
    """One attempt at a task, counted from 0, and the path that it writes to."""

    task: MapTask
    number: int
    output: str


class Busy(msgspec.Struct, frozen=True, eq=False):
    """A worker, its name, and the attempt that it runs."""

    worker: ModelProcess
    name: str
    attempt: Attempt


class LocalEngine(msgspec.Struct):
    """Runs map tasks on at most this many workers.

    start_worker starts one; environment gives an attempt's. idle has the workers that are there already.
    """

    start_worker: Callable[[], ModelProcess]
    environment: Callable[[MapTask, int], dict[str, str]]
    parts: Parts
    progress: ProgressDisplay
    workers: int
    fail_fast: bool = False
    report: ReportBuilder = msgspec.field(default_factory=ReportBuilder)
    idle: list[ModelProcess] = msgspec.field(default_factory=list)
    models: dict[str, ModelFacts] = msgspec.field(default_factory=dict)
    _busy: list[Busy] = msgspec.field(default_factory=list)
    _numbers: dict[int, int] = msgspec.field(default_factory=dict)
    _again: deque[tuple[MapTask, int]] = msgspec.field(default_factory=deque)
    _start_of_run: RunStart = msgspec.field(default_factory=RunStart)
    _done_bytes: int = 0
    _under_way: dict[int, Progress] = msgspec.field(default_factory=dict)

    def run(self, tasks: Iterator[MapTask]) -> int:
        """Run tasks to the end, but for those whose parts are there already; return how many there were.

        Raises ModelMapReduceError when a task can't be done; then no worker is left. At the end those that
        are idle have been asked to end, and end() waits for it.
        """
        try:
            count = self._run(tasks)
            for worker in self.idle:
                worker.hang_up()
        except BaseException:
            for worker in [*self.idle, *(busy.worker for busy in self._busy)]:
                worker.end()
            self.idle.clear()
            raise
        finally:
            self.progress.close()
        return count

    def end(self) -> None:
        """Wait until the workers have ended; kill those that take too long."""
        for worker in self.idle:
            worker.end(GRACE_SECONDS)
        self.idle.clear()

    def _run(self, tasks: Iterator[MapTask]) -> int:
        count = 0
        more = True
        while more or self._again or self._busy:
            while self._again and len(self._busy) < self.workers:
                self._start(*self._again.popleft())
            while more and len(self._busy) < self.workers:
                task = next(tasks, None)
                more = task is not None
                if task is not None:
                    count += 1
                    self._start_unless_finished(task)
            if self._busy:
                self._wait()
        return count

    def _start_unless_finished(self, task: MapTask) -> None:
        before = self.parts.finished(task)
        if before is None:
            self._start(task, 0)
        else:
            self._count(task, replace(before.report, pace=None))  # which is of another run's time

    def _start(self, task: MapTask, attempt: int) -> None:
        path = str(self.parts.attempt_path(task, attempt))
        worker = self._worker(fresh=attempt > 0)
        self._busy.append(Busy(worker, self._name(worker), Attempt(task, attempt, path)))
        environment, first = self.environment(task, attempt), task.number == 0
        worker.send(Run(task.splits, attempt, path, self.parts.durable, environment, first), task.data)

    def _worker(self, *, fresh: bool) -> ModelProcess:
        """Return an idle worker, or a fresh one, which has loaded no model yet."""
        if fresh:
            self._dismiss()
        return self.idle.pop() if self.idle else self.start_worker()

    def _name(self, worker: ModelProcess) -> str:
        return f"worker {self._numbers.setdefault(worker.process.pid, len(self._numbers) + 1)}"

    def _dismiss(self) -> None:
        """Let idle workers end."""
        for worker in self.idle:
            worker.hang_up()
        self.end()

    def _wait(self) -> None:
        """Handle what comes from the workers next, or find that one of them has ended."""
        poll = select.poll()
        sources = {}
        for busy in self._busy:
            for source in busy.worker.sources():
                sources[source.fileno()] = busy
                poll.register(source, select.POLLIN)
        ready = {sources[descriptor] for descriptor, _ in poll.poll(_PATIENCE_SECONDS * 1000)}
        for busy in ready:
            self._handle_all(busy)
        for busy in [busy for busy in self._busy if busy.worker.is_gone()]:
            self._lost(busy, busy.worker.lost())
        self._show_progress()

    def _handle_all(self, busy: Busy) -> None:
        try:
            for message, _ in busy.worker.receive_available():
                self._handle(busy, message)
        except ProcessLostError as lost:
            self._lost(busy, lost)

    def _handle(self, busy: Busy, message: Message) -> None:
        attempt = busy.attempt
        match message:
            case Described():
                pass  # the answer to what the driver has asked a worker that it started early
            case Progress():
                self._under_way[attempt.task.number] = message
            case Done():
                self.models = message.models or self.models
                self.parts.finish(attempt.task, attempt.number, message.part)
                self._count(attempt.task, message.part.report.of_worker(busy.name))
                self._busy.remove(busy)
                self.idle.append(busy.worker)
            case Refused():
                raise_refused(message)
            case Raised() | Faulted():
                # what it has come to lack, a fresh process may have
                self._busy.remove(busy)
                busy.worker.end()
                self._try_again(attempt, message.message)

    def _lost(self, busy: Busy, lost: ProcessLostError) -> None:
        self._busy.remove(busy)
        self._try_again(busy.attempt, str(lost))

    def _try_again(self, attempt: Attempt, reason: str) -> None:
        self.parts.discard(attempt.task, attempt.number)
        self._under_way.pop(attempt.task.number, None)
        if attempt.number + 1 >= MAX_ATTEMPTS:
            raise IncompleteRunError(
                f"A task was tried {MAX_ATTEMPTS} times and never ended well: {attempt.task}. "
                f"The last time: {reason}"
            )
        self._again.append((attempt.task, attempt.number + 1))

    def _count(self, task: MapTask, report: TaskReport) -> None:
        self.report.add(report)
        if self.fail_fast:
            self._start_of_run.add(task.number, report)
        self._under_way.pop(task.number, None)
        self._done_bytes += task.length

    def _show_progress(self) -> None:
        under_way = self._under_way.values()
        done = sum(report.done for report in under_way)
        records = sum(report.records for report in under_way) + self.report.counters.records
        failed = sum(report.failed for report in under_way) + self.report.counters.failed
        self.progress.update(self._done_bytes + done, records, failed)
