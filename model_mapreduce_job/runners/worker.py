"""A worker: the process that runs map tasks for the local engine, one after the other."""

from __future__ import annotations

import os
import select
import signal
import sys
import traceback
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.child_processes import die_with_parent
from model_mapreduce_job.exceptions import InputError, ModelMapReduceError
from model_mapreduce_job.frames import EndOfFrames, describe_error, receive, send
from model_mapreduce_job.lines import read_blocks
from model_mapreduce_job.runners.files import DISK, write_all
from model_mapreduce_job.runners.sources import open_source
from model_mapreduce_job.runners.splits import Split
from model_mapreduce_job.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_mapreduce_job.runners.files import Files
    from model_mapreduce_job.runners.sources import RangeSource, StreamSource
    from model_mapreduce_job.task import Prediction

WORKER_VARIABLE = "MODEL_MAPREDUCE_JOB_WORKER"
_REPORT_SECONDS = 0.2


class Worker:
    """Runs map tasks. make_task makes the prediction for an attempt's number; one is kept for first attempts.

    report is told, a few times a second, how many of the task's bytes were read and what was counted.
    """

    def __init__(
        self,
        make_task: Callable[[int], Prediction],
        max_record_bytes: int,
        report: Callable[[int, Tally], None],
        files: Files = DISK,
    ) -> None:
        self._make_task = make_task
        self._max_record_bytes = max_record_bytes
        self._report = report
        self._files = files
        self._kept: Prediction | None = None

    def run(self, request: dict[str, Any], data: bytes) -> dict[str, Any]:
        """Run one attempt and return its tally as a dict; its output is whole, and synced if asked for.

        Raises ModelMapReduceError, and whatever else the attempt raises.
        """
        os.environ.update(request["environment"])
        prediction = self._prediction(request["attempt"])
        with open_source(Split(**request["split"]), data) as source:
            self._write(prediction, source, request["output"], durable=request["durable"])
        return prediction.tally.as_dict()

    def _prediction(self, attempt: int) -> Prediction:
        if attempt:
            return self._make_task(attempt)
        if self._kept is None:
            self._kept = self._make_task(0)
        else:
            self._kept.tally = Tally()
        return self._kept

    def _write(
        self, prediction: Prediction, source: RangeSource | StreamSource, output: str, *, durable: bool
    ) -> None:
        reported = monotonic()
        with open(output, "wb", buffering=0) as file:  # noqa: PTH123 - a path that came as text
            for lines in prediction.predict_lines(read_blocks(source, self._max_record_bytes)):
                if lines:
                    write_all(self._files, file.fileno(), b"\n".join(lines) + b"\n")
                if monotonic() - reported > _REPORT_SECONDS:
                    reported = monotonic()
                    self._report(source.done(), prediction.tally)
            if durable:
                self._files.sync(file.fileno())


def serve(make_task: Callable[[int], Prediction], max_record_bytes: int, files: Files = DISK) -> None:
    """Answer requests from standard input on standard output until it ends, or the driver is gone."""
    die_with_parent(os.getppid())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver hears of Ctrl-C, and ends its workers
    answers = take_stdout()

    def report(done: int, tally: Tally) -> None:
        if _hung_up(0):
            os._exit(1)  # nobody waits for this task any more
        send(answers, {"progress": done, "records": tally.predicted + tally.failed, "failed": tally.failed})

    worker = Worker(make_task, max_record_bytes, report, files)
    with suppress(EndOfFrames, BrokenPipeError):
        while True:
            request, data = receive(0)
            send(answers, _answer(worker, request, data))


def take_stdout() -> int:
    """Return a descriptor of standard output, and point standard output at standard error.

    What a model's library prints must not get into the output.
    """
    sys.stdout.flush()
    taken = os.dup(1)
    os.dup2(2, 1)
    return taken


def _answer(worker: Worker, request: dict[str, Any], data: bytes) -> dict[str, Any]:
    try:
        return {"done": worker.run(request, data)}
    except ModelMapReduceError as error:
        return {"error": describe_error(error)}
    except OSError as error:
        # a full disk or a missing permission is no better at the next try
        place = error.filename or request["output"]
        return {
            "error": [
                InputError.__name__,
                f"The output can't be written: {error.strerror or error}: {place}.",
            ]
        }
    except Exception as error:  # noqa: BLE001 - the driver decides whether to try again
        return {"raised": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}


def _hung_up(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))
