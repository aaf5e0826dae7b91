"""The child process that predicts in isolation: sends it requests, and notices when it is lost."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.exceptions import MachineFaultError
from model_mapreduce_job.formats.records import Failure
from model_mapreduce_job.task.child_processes import how_it_ended
from model_mapreduce_job.task.messages import (
    Asking,
    Faulted,
    Load,
    Output,
    Predict,
    Raised,
    Ready,
    Refused,
    raise_refused,
)
from model_mapreduce_job.task.model_process import GRACE_SECONDS, ProcessLostError
from model_mapreduce_job.task.wire import pack, unpack

if TYPE_CHECKING:
    from model_mapreduce_job.pipeline.task_report import TaskReport
    from model_mapreduce_job.task.messages import Check, Fail, Message, Overlong
    from model_mapreduce_job.task.model_process import ModelProcess


_TOO_LONG = "PredictTimeout"


class ChildLostError(Exception):
    """Raised when a child ended, or was ended, before it answered a request.

    failure says why; was_fresh says whether this was all that it had ever been asked, one line alone. model
    is the one that was asked last for a line alone, of several.
    """

    def __init__(self, failure: Failure, *, was_fresh: bool, model: str = "") -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.was_fresh = was_fresh
        self.model = model

    @property
    def took_too_long(self) -> bool:
        """Whether the time limit ended the child."""
        return self.failure.kind == _TOO_LONG


class Child:
    """A process that loads the model, and answers requests until its channel is closed."""

    def __init__(self, process: ModelProcess, predict_timeout: float) -> None:
        self._process = process
        self._timeout = predict_timeout
        self._requests = 0
        self._asked = ""
        self.header: bytes | None = None

    def wait_for_model(self) -> None:
        """Wait until the child has loaded the model, without a time limit.

        Raises what loading raised, and ProcessLostError when the process has ended.
        """
        self._process.send(Load())
        answer, _ = self._received()
        assert isinstance(answer, Ready)  # noqa: S101 - a child has no other answer to this request
        self.header = answer.header

    def ask(self, request: Predict | Overlong | Fail | Check, lines: Any) -> tuple[TaskReport, Any]:
        """Return the report and the output lines in the answer to a request; raises what the child raised.

        Raises ChildLostError when the child ends, is ended for the time that it takes, or lacks what only a
        fresh process may have; MachineFaultError when a fresh one lacks it for one record as well.
        """
        self._requests += 1
        was_fresh = self._requests == 1 and len(lines) == 1
        self._process.send(request, pack(lines))
        try:
            answer, output = self._received()
        except ProcessLostError as lost:
            raise ChildLostError(self._failure(lost), was_fresh=was_fresh, model=self._asked) from None
        if isinstance(answer, Faulted):
            if isinstance(request, Predict) and request.alone:
                raise MachineFaultError(answer.message)
            raise ChildLostError(Failure("MachineFault", answer.message), was_fresh=False)
        assert isinstance(answer, Output)  # noqa: S101 - a child has no other answer to these requests
        return answer.report, unpack(output, is_table=answer.is_table) if answer.lines else []

    def end(self, *, well: bool) -> None:
        """End the child; if well, give it time to end by itself."""
        self._process.end(GRACE_SECONDS if well else 0.0)

    def _received(self) -> tuple[Message, bytes]:
        self._asked = ""
        while True:
            found = self._process.receive()
            assert found is not None  # noqa: S101 - without a timeout there is an answer, or the end
            answer, _ = found
            if not isinstance(answer, Asking):
                break
            self._asked = answer.model
        if isinstance(answer, Refused):
            raise_refused(answer)
        if isinstance(answer, Raised):
            raise RuntimeError(answer.message)  # noqa: TRY004 - the answer's type is no mistake
        return found

    def _failure(self, lost: ProcessLostError) -> Failure:
        if lost.code == -signal.SIGALRM:
            return Failure(_TOO_LONG, f"No prediction within {self._timeout:g} s")
        return Failure("ProcessDied", f"It ended the process: {how_it_ended(lost.code)}")
