"""A process that runs a model's code: answers what comes over its channel until that ends."""

from __future__ import annotations

import signal
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TypeAlias

from model_mapreduce_job.exceptions import MachineFaultError, ModelMapReduceError
from model_mapreduce_job.formats.records import Failure, OverlongLine, one_line
from model_mapreduce_job.pipeline.counters import Tally
from model_mapreduce_job.pipeline.model_warnings import ModelWarnings
from model_mapreduce_job.storage.files import DISK
from model_mapreduce_job.task.channel import EndOfChannel, ForeignBytesError
from model_mapreduce_job.task.messages import (
    Begin,
    Check,
    Describe,
    Done,
    Fail,
    Faulted,
    Load,
    Output,
    Overlong,
    Predict,
    Progress,
    Raised,
    Ready,
    Rehearse,
    Run,
    refused,
)
from model_mapreduce_job.task.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_mapreduce_job.formats.lines import Block
    from model_mapreduce_job.pipeline.batch_prediction import BatchPrediction
    from model_mapreduce_job.storage.files import Files
    from model_mapreduce_job.task.channel import Channel
    from model_mapreduce_job.task.factory import Prediction
    from model_mapreduce_job.task.messages import Answer, Described, Message, ModelFacts, Rehearsed


class Factory(Protocol):
    """Makes what requests are answered with."""

    max_record_bytes: int

    def make(self, attempt: int) -> Prediction:
        """Return the prediction of a task's attempt, from 0: in this process, or in a child of it."""
        ...

    def make_isolated(self) -> BatchPrediction:
        """Return the prediction of a process that its starter can lose."""
        ...

    def describe(self, *, load: bool, identify: bool) -> Described:
        """Return which models there are, and with load what the run's own is like."""
        ...

    def model_facts(self) -> ModelFacts | None:
        """Return what is known of the run's model in this process; None where it was not loaded."""
        ...


RehearseSample: TypeAlias = "Callable[[Begin, int, bytes, Callable[[], None]], Rehearsed]"


class TaskServer:
    """Answers requests; make_factory gives what answers them from the options that come first.

    rehearse returns what came of a sample, given the options, the attempt, the sample, and what to call as a
    sign of life.
    """

    def __init__(
        self,
        channel: Channel,
        make_factory: Callable[[Begin], Factory],
        rehearse: RehearseSample,
        files: Files = DISK,
    ) -> None:
        self._channel = channel
        self._make_factory = make_factory
        self._rehearse = rehearse
        self._files = files
        self._warnings = ModelWarnings()

    def serve(self) -> None:
        """Answer requests until the channel ends: the starter is done, or gone."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver hears of Ctrl-C, and ends its workers
        self._warnings.listen()
        with suppress(EndOfChannel):
            while True:
                found = self._channel.receive()
                assert found is not None  # noqa: S101 - without a timeout there is a message, or the end
                request, body = found
                if isinstance(request, Begin):
                    self._begin(request)
                else:
                    self._channel.send(*self._answer(request, body))

    def _begin(self, begin: Begin) -> None:
        self._begun = begin
        self._factory = self._make_factory(begin)
        limit = self._factory.max_record_bytes
        self._worker = Worker(self._factory.make, limit, self._report, self._files, self._warnings)
        self._isolated: BatchPrediction | None = None

    def _answer(self, request: Message, data: bytes) -> tuple[Answer, bytes]:
        try:
            return self._answered(request, data)
        except EndOfChannel:
            raise
        except MachineFaultError as fault:
            return Faulted(one_line(str(fault))), b""
        except ModelMapReduceError as error:
            return refused(error), b""
        except Exception as error:  # noqa: BLE001 - the starter decides whether to try again
            return Raised(one_line(f"{type(error).__name__}: {error}"), traceback.format_exc()), b""

    def _answered(self, request: Message, data: bytes) -> tuple[Answer, bytes]:
        match request:
            case Describe():
                return self._factory.describe(load=request.load, identify=request.identify), b""
            case Run():
                return Done(self._worker.run(request, data), self._factory.model_facts()), b""
            case Rehearse():
                return self._rehearse(self._begun, request.attempt, data, self._beat), b""
            case Load():
                self._isolated = self._factory.make_isolated()
                return Ready(), b""
            case Predict() | Overlong() | Fail() | Check():
                return self._output(request, data)
        raise ForeignBytesError(f"{type(request).__name__} is no request")

    def _output(self, request: Predict | Overlong | Fail | Check, data: bytes) -> tuple[Answer, bytes]:
        task = self._isolated = self._isolated or self._factory.make_isolated()
        lines = _lines(task, request, data)
        self._warnings.count(task.tally)
        counted, task.tally = task.tally.as_dict(), Tally()
        return Output(counted, len(lines)), b"\n".join(lines)

    def _report(self, done: int, tally: Tally) -> None:
        self._channel.send(Progress(done, tally.predicted + tally.failed, tally.failed))

    def _beat(self) -> None:
        self._channel.send(Progress())


def _lines(task: BatchPrediction, request: Predict | Overlong | Fail | Check, data: bytes) -> list[bytes]:
    if isinstance(request, Check):
        task.check_model()
        return []
    task.fresh_and_alone = isinstance(request, Predict) and request.alone
    if isinstance(request, Fail):
        return task.fail(data, Failure(request.kind, request.message))
    blocks: list[Block] = [OverlongLine(data)] if isinstance(request, Overlong) else [data.split(b"\n")]
    return [line for output in task.predict_lines(blocks) for line in output]
