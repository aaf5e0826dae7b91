"""The local engine: map tasks on workers, tried again when those die, and their parts in input order."""

from __future__ import annotations

import selectors
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.exceptions import IncompleteRunError
from model_mapreduce_job.frames import EndOfFrames, raise_described
from model_mapreduce_job.runners.map_task import MAX_ATTEMPTS, Attempt, MapTask
from model_mapreduce_job.runners.worker_process import GRACE_SECONDS
from model_mapreduce_job.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from model_mapreduce_job.runners.parts import Parts
    from model_mapreduce_job.runners.progress import Progress
    from model_mapreduce_job.runners.worker_process import WorkerProcess

# How long to wait for an answer before looking whether those who owe one are still there.
_PATIENCE_SECONDS = 1.0


@dataclass
class LocalEngine:
    """Runs map tasks on at most so many workers.

    start_worker starts one, given the descriptors of the others' pipes; environment gives an attempt's.
    """

    start_worker: Callable[[list[int]], WorkerProcess]
    environment: Callable[[MapTask, int], dict[str, str]]
    parts: Parts
    progress: Progress
    workers: int
    tally: Tally = field(default_factory=Tally)
    _idle: list[WorkerProcess] = field(default_factory=list)
    _busy: list[WorkerProcess] = field(default_factory=list)
    _again: deque[tuple[MapTask, int]] = field(default_factory=deque)
    _done_bytes: int = 0
    _under_way: dict[int, tuple[int, int, int]] = field(default_factory=dict)

    def run(self, tasks: Iterator[MapTask]) -> int:
        """Run tasks to the end, but for those whose parts are there already; return how many there were.

        Raises ModelMapReduceError when a task can't be done. No worker is left, whatever happens.
        """
        self._selector = selectors.DefaultSelector()
        try:
            count = self._run(tasks)
            self._dismiss()
        finally:
            for worker in self._idle + self._busy:
                worker.end()
            self._selector.close()
            self.progress.close()
        return count

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
        before = self.parts.finished(task.number)
        if before is None:
            self._start(task, 0)
        else:
            self._count(task, before)

    def _start(self, task: MapTask, attempt: int) -> None:
        path = str(self.parts.attempt_path(task, attempt))
        worker = self._worker(fresh=attempt > 0)
        self._busy.append(worker)
        self._selector.register(worker, selectors.EVENT_READ, worker)
        worker.start(Attempt(task, attempt, path, self.parts.durable, self.environment(task, attempt)))

    def _worker(self, *, fresh: bool) -> WorkerProcess:
        """Return an idle worker, or a fresh one, which has loaded no model yet."""
        if fresh:
            self._dismiss()
        if self._idle:
            return self._idle.pop()
        return self.start_worker([pipe for worker in self._busy for pipe in worker.descriptors])

    def _dismiss(self) -> None:
        """Let idle workers end."""
        for worker in self._idle:
            worker.hang_up()
        for worker in self._idle:
            worker.end(GRACE_SECONDS)
        self._idle.clear()

    def _wait(self) -> None:
        heard = [key.data for key, _ in self._selector.select(_PATIENCE_SECONDS)]
        for worker in heard:
            try:
                answer = worker.receive()
            except EndOfFrames:
                self._lost(worker)
            else:
                self._heard(worker, answer)
        for worker in [worker for worker in self._busy if worker.is_gone()]:
            self._lost(worker)
        self._tell()

    def _heard(self, worker: WorkerProcess, answer: dict[str, Any]) -> None:
        attempt = worker.attempt
        assert attempt is not None  # noqa: S101 - only a worker with an attempt is waited for
        if "progress" in answer:
            self._under_way[attempt.task.number] = (answer["progress"], answer["records"], answer["failed"])
        elif "done" in answer:
            self.parts.finish(attempt.task, attempt.number, answer["done"])
            self._count(attempt.task, answer["done"])
            self._release(worker)
            self._idle.append(worker)
        elif "error" in answer:
            raise_described(answer["error"])
        else:
            self._release(worker)
            self._idle.append(worker)
            self._try_again(attempt, answer["raised"])

    def _lost(self, worker: WorkerProcess) -> None:
        attempt = worker.attempt
        assert attempt is not None  # noqa: S101 - only a worker with an attempt is waited for
        self._release(worker)
        self._try_again(attempt, worker.how_it_died())

    def _try_again(self, attempt: Attempt, reason: str) -> None:
        self.parts.discard(attempt.task, attempt.number)
        self._under_way.pop(attempt.task.number, None)
        if attempt.number + 1 >= MAX_ATTEMPTS:
            raise IncompleteRunError(
                f"A task was tried {MAX_ATTEMPTS} times and never ended well: {attempt.task.split}. "
                f"The last time: {reason}"
            )
        self._again.append((attempt.task, attempt.number + 1))

    def _release(self, worker: WorkerProcess) -> None:
        self._selector.unregister(worker)
        self._busy.remove(worker)

    def _count(self, task: MapTask, tally: dict[str, Any]) -> None:
        self.tally.add(Tally(**tally))
        self._under_way.pop(task.number, None)
        self._done_bytes += task.split.length or len(task.data)

    def _tell(self) -> None:
        done, records, failed = (
            sum(amounts) for amounts in zip((0, 0, 0), *self._under_way.values(), strict=True)
        )
        records += self.tally.predicted + self.tally.failed
        self.progress.update(self._done_bytes + done, records, self.tally.failed + failed)
