"""The child process of an isolated prediction: what it does, and how its parent finds out that it's lost."""

from __future__ import annotations

import os
import select
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.child_processes import ForkedProcess, die_with_parent, how_it_ended, wait_or_kill
from model_mapreduce_job.exceptions import IncompleteRunError
from model_mapreduce_job.frames import EndOfFrames, describe_error, raise_described, receive, send
from model_mapreduce_job.records import Failure, OverlongLine
from model_mapreduce_job.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_mapreduce_job.batch_prediction import BatchPrediction
    from model_mapreduce_job.lines import Block

_GRACE_SECONDS = 1.0


class ChildLostError(Exception):
    """Raised when a child ended, or was ended, with a request unanswered; failure says why."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(kind, message)


class Child:
    """A forked process that loads the model, and answers requests until its pipe is closed."""

    def __init__(self, make_task: Callable[[], BatchPrediction]) -> None:
        requests_out, requests_in = os.pipe()
        answers_out, answers_in = os.pipe()
        sys.stdout.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(requests_in)
            os.close(answers_out)
            _live(parent, make_task, requests_out, answers_in)
        os.close(requests_out)
        os.close(answers_in)
        self._process = ForkedProcess(pid)
        self._requests, self._answers = requests_in, answers_out

    def wait_for_model(self) -> None:
        """Wait until the child has loaded the model, as long as that takes.

        Raises what loading raised, and IncompleteRunError when it ended the process.
        """
        try:
            header, _ = receive(self._answers)
        except EndOfFrames:
            raise IncompleteRunError(f"The model can't be loaded: {self._how_it_ended()}.") from None
        _raise_error_in(header)

    def ask(self, verb: str, lines: list[bytes], timeout: float | None) -> tuple[Tally, list[bytes]]:
        """Return what the answer to a request counts, and its lines; raises what the child raised.

        Raises ChildLostError when the child ends, or takes more than timeout seconds to predict.
        """
        try:
            send(self._requests, {"verb": verb}, b"\n".join(lines))
            if timeout and verb == "predict" and not select.select([self._answers], [], [], timeout)[0]:
                raise ChildLostError("PredictTimeout", f"No prediction within {timeout:g} s")
            header, output = receive(self._answers)
        except (EndOfFrames, BrokenPipeError):
            raise ChildLostError("ProcessDied", f"It ended the process: {self._how_it_ended()}") from None
        _raise_error_in(header)
        return Tally(**header["tally"]), output.split(b"\n") if header["lines"] else []

    def end(self) -> None:
        """End the child, whatever it is doing."""
        os.close(self._requests)
        os.close(self._answers)
        wait_or_kill(self._process, 0)

    def _how_it_ended(self) -> str:
        return how_it_ended(wait_or_kill(self._process, _GRACE_SECONDS))


def _live(parent: int, make_task: Callable[[], BatchPrediction], requests: int, answers: int) -> None:
    """Be the child; this never returns, or the copy would run on into its parent's code."""
    code = 1
    try:
        die_with_parent(parent)
        _serve(make_task, requests, answers)
    except (EndOfFrames, BrokenPipeError):
        code = 0
    except Exception as error:  # noqa: BLE001 - the parent decides what to do
        with suppress(OSError):
            send(answers, {"error": describe_error(error)})
    finally:
        # what is no Exception, such as a model's KeyboardInterrupt, ends the process as a crash does
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


def _raise_error_in(header: dict[str, Any]) -> None:
    if "error" in header:
        raise_described(header["error"])
