"""Answers requests in a process that runs a model's code, until its channel ends."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, Protocol

from model_mapreduce_job.exceptions import MachineFaultError, ModelMapReduceError
from model_mapreduce_job.formats.records import Failure, OverlongLine, one_line
from model_mapreduce_job.pipeline.model_warnings import ModelWarnings
from model_mapreduce_job.pipeline.task_report import ReportBuilder
from model_mapreduce_job.storage.file_operations import OS_FILES
from model_mapreduce_job.task.channel import EndOfChannel, ForeignBytesError
from model_mapreduce_job.task.delimited_options import text_reading
from model_mapreduce_job.task.messages import (
    Asking,
    Begin,
    Check,
    CheckColumns,
    ColumnsFit,
    Describe,
    Done,
    Fail,
    Faulted,
    Load,
    Output,
    Overlong,
    Predict,
    PredictSample,
    Progress,
    Raised,
    Ready,
    Run,
    Survey,
    Verify,
    refused,
)
from model_mapreduce_job.task.task_files import TaskFiles
from model_mapreduce_job.task.wire import joined, pack, unpack
from model_mapreduce_job.task.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_mapreduce_job.pipeline.counters import Counters
    from model_mapreduce_job.pipeline.pipeline import Pipeline
    from model_mapreduce_job.storage.file_operations import FileOperations
    from model_mapreduce_job.task.channel import Channel
    from model_mapreduce_job.task.messages import (
        Answer,
        Described,
        Message,
        ModelFacts,
        SamplePredicted,
        Surveyed,
        Verified,
    )
    from model_mapreduce_job.task.task_pipeline import TaskPipeline


class Factory(Protocol):
    """Makes the pipelines and descriptions that answer requests."""

    def make(self, attempt: int) -> TaskPipeline:
        """Return the pipeline for a task's attempt, from 0: in this process, or in a child of it."""
        ...

    def make_isolated(self) -> Pipeline:
        """Return the pipeline of an isolated child process."""
        ...

    def describe(self, *, load: bool, identify: bool) -> Described:
        """Return the models' names, and with load the facts of the run's model."""
        ...

    def survey(self, request: Survey) -> Surveyed:
        """Return the columns of the run's tables, and the files of its input."""
        ...

    def check_columns(self) -> None:
        """Raise InputError where the columns of the run's rows are not those that its models need."""
        ...

    def verify(self, request: Verify) -> Verified:
        """Return in what the model's predictions of golden records differ from what they must be."""
        ...

    def predict_sample(self, attempt: int, sample: bytes, beat: Callable[[], None]) -> SamplePredicted:
        """Return the result of a packed sample; beat is called as a sign of life."""
        ...

    def model_facts(self) -> dict[str, ModelFacts]:
        """Return the facts of the run's models by name; nothing when this process has not loaded them."""
        ...


class TaskServer:
    """Answers requests; make_factory makes the Factory for the options, which come first."""

    def __init__(
        self,
        channel: Channel,
        make_factory: Callable[[Begin], Factory],
        files: FileOperations = OS_FILES,
    ) -> None:
        self._channel = channel
        self._make_factory = make_factory
        self._files = files
        self._warnings = ModelWarnings()

    def serve(self) -> None:
        """Answer requests until the channel ends."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver handles Ctrl-C, and ends its workers
        with self._warnings.kept(), suppress(EndOfChannel):
            while True:
                found = self._channel.receive()
                assert found is not None  # noqa: S101 - without a timeout there is a message, or the end
                request, body = found
                if isinstance(request, Begin):
                    self._begin(request)
                else:
                    self._channel.send(*self._answer(request, body))

    def _begin(self, begin: Begin) -> None:
        os.environ.update(begin.environment)
        self._begun = begin
        self._factory = self._make_factory(begin)
        self._reading = text_reading(begin.options)
        files = TaskFiles(begin)
        self._worker = Worker(self._factory.make, files, self._report, self._files, self._warnings)
        self._isolated: Pipeline | None = None

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
            case Describe() | Survey() | CheckColumns() | Verify():
                return self._before_a_run(request), b""
            case Run():
                return Done(self._worker.run(request, data), self._factory.model_facts()), b""
            case PredictSample():
                return self._factory.predict_sample(request.attempt, data, self._beat), b""
            case Load():
                return Ready(self._isolated_pipeline().header()), b""
            case Predict() | Overlong() | Fail() | Check():
                return self._output(request, data)
        raise ForeignBytesError(f"{type(request).__name__} is no request")

    def _before_a_run(self, request: Describe | Survey | CheckColumns | Verify) -> Answer:
        match request:
            case Describe():
                return self._factory.describe(load=request.load, identify=request.identify)
            case Survey():
                return self._factory.survey(request)
            case Verify():
                return self._factory.verify(request)
            case CheckColumns():
                self._factory.check_columns()
                return ColumnsFit()

    def _output(self, request: Predict | Overlong | Fail | Check, data: bytes) -> tuple[Answer, bytes]:
        task = self._isolated_pipeline()
        with self._charging(task, request):
            lines = self._lines(task, request, data)
        self._warnings.add_to(task.report)
        report, task.report = task.report.built(), ReportBuilder()
        return Output(report, len(lines), not isinstance(lines, Sequence)), pack(lines)

    def _isolated_pipeline(self) -> Pipeline:
        if self._isolated is None:
            self._isolated = self._factory.make_isolated()
            if self._isolated.several:
                self._isolated.several.asking = lambda name: self._channel.send(Asking(name))
        return self._isolated

    def _charging(self, task: Pipeline, request: Message) -> AbstractContextManager[None]:
        if not (task.several and isinstance(request, Predict)):
            return nullcontext()
        return task.several.charging({name: Failure(*why) for name, why in request.charged.items()})

    def _lines(self, task: Pipeline, request: Predict | Overlong | Fail | Check, data: bytes) -> Any:
        if isinstance(request, Check):
            task.check_model()
            return []
        task.fresh_and_alone = isinstance(request, Predict) and request.alone
        if isinstance(request, Overlong):
            return joined(list(task.predict_lines(self._reading.rows([OverlongLine(data)]))))
        batch = unpack(data, is_table=self._begun.tables.is_read)
        if isinstance(request, Fail):
            return task.fail(batch, Failure(request.kind, request.message))
        blocks = [batch] if self._begun.tables.is_read else self._reading.rows([batch])
        return joined(list(task.predict_lines(blocks)))

    def _report(self, done: int, counters: Counters) -> None:
        self._channel.send(Progress(done, counters.records, counters.failed))

    def _beat(self) -> None:
        self._channel.send(Progress())
