"""Prediction in a child process that a task can lose, so that no record can take the task with it."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from model_mapreduce_job import exceptions
from model_mapreduce_job.batches import batches
from model_mapreduce_job.exceptions import IncompleteRunError, ModelMapReduceError
from model_mapreduce_job.frames import EndOfFrames, receive, send
from model_mapreduce_job.records import Failure, OverlongLine
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
_PR_SET_PDEATHSIG = 1


class ChildLostError(Exception):
    """Raised when a child ended, or was ended, with a request unanswered; kind and message say why."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(kind, message)


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
        middle = len(lines) // 2
        yield from self._answers(lines[:middle])
        yield from self._answers(lines[middle:])

    def _ask(self, verb: str, lines: list[bytes]) -> list[bytes]:
        child = self._child or self._start_child()
        try:
            header, output = child.ask(verb, lines, self._timeout)
        except ChildLostError:
            self._end_child()
            raise
        _raise_error(header)
        self.tally.add(Tally(**header["tally"]))
        return output

    def _start_child(self) -> Child:
        self._child = Child(self._make_task)
        _raise_error(self._child.wait_for_model())
        return self._child

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None


class Child:
    """A forked process that loads the model and answers requests until its pipe is closed."""

    def __init__(self, make_task: Callable[[], BatchPrediction]) -> None:
        requests_out, requests_in = os.pipe()
        answers_out, answers_in = os.pipe()
        sys.stdout.flush()
        self._parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(requests_in)
            os.close(answers_out)
            self._live(make_task, requests_out, answers_in)
        os.close(requests_out)
        os.close(answers_in)
        self._requests, self._answers = requests_in, answers_out

    def wait_for_model(self) -> dict[str, Any]:
        """Wait until the child has loaded the model, as long as that takes; return the header of its answer.

        Raises IncompleteRunError when loading ends the process.
        """
        try:
            return receive(self._answers)[0]
        except EndOfFrames:
            raise IncompleteRunError(f"The model can't be loaded: {self._how_it_died()}.") from None

    def ask(self, verb: str, lines: list[bytes], timeout: float | None) -> tuple[dict[str, Any], list[bytes]]:
        """Return the answer's header and lines; raises ChildLostError when the child ends or takes too long."""
        try:
            send(self._requests, {"verb": verb}, b"\n".join(lines))
            if timeout and verb == "predict" and not select.select([self._answers], [], [], timeout)[0]:
                raise ChildLostError("PredictTimeout", f"No prediction within {timeout:g} s")
            header, output = receive(self._answers)
        except (EndOfFrames, BrokenPipeError):
            raise ChildLostError("ProcessDied", self._how_it_died()) from None
        return header, output.split(b"\n") if header.get("lines") else []

    def end(self) -> None:
        """End the child, whatever it is doing."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.close(self._requests)
        os.close(self._answers)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)

    def _how_it_died(self) -> str:
        status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        if status >= 0:
            return f"It ended the process with exit code {status}"
        return f"It killed the process with {signal.Signals(-status).name}"

    def _live(self, make_task: Callable[[], BatchPrediction], requests: int, answers: int) -> None:
        code = 1
        try:
            _die_with_parent(self._parent)
            _serve(make_task, requests, answers)
            code = 0
        except (EndOfFrames, BrokenPipeError):
            code = 0
        except BaseException as error:  # noqa: BLE001 - a forked child must never run on into its parent's code
            with suppress(OSError):
                send(answers, {"error": [type(error).__name__, str(error)]})
        finally:
            os._exit(code)


def _serve(make_task: Callable[[], BatchPrediction], requests: int, answers: int) -> None:
    task = make_task()
    send(answers, {"ready": True})
    while True:
        header, body = receive(requests)
        output = _output(task, str(header["verb"]), body.split(b"\n"))
        send(answers, {"tally": task.tally.as_dict(), "lines": len(output)}, b"\n".join(output))
        task.tally = Tally()


def _output(task: BatchPrediction, verb: str, lines: list[bytes]) -> list[bytes]:
    if verb == "fail":
        kind, message, line = lines
        return task.fail(line, Failure(kind.decode(), message.decode()))
    blocks: list[Block] = [OverlongLine(lines[0])] if verb == "overlong" else [lines]
    return [line for output in task.predict_lines(blocks) for line in output]


def _die_with_parent(parent: int) -> None:
    """Ask the kernel to end this process with its parent: a model that hangs would otherwise outlive it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _raise_error(header: dict[str, Any]) -> None:
    """Raise the error that a child described, if it did, in its own class where it is one of this package's."""
    if "error" not in header:
        return
    name, message = header["error"]
    found = getattr(exceptions, name, None)
    if isinstance(found, type) and issubclass(found, ModelMapReduceError):
        raise found(message)
    raise RuntimeError(f"{name}: {message}")


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
