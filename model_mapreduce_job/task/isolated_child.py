"""The child process of an isolated prediction, as its parent sees it, and how it finds out that it's lost."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from model_mapreduce_job.exceptions import IncompleteRunError, MachineFaultError
from model_mapreduce_job.formats.records import Failure
from model_mapreduce_job.pipeline.counters import Tally
from model_mapreduce_job.task.child_processes import how_it_ended
from model_mapreduce_job.task.messages import Faulted, Load, Output, Predict, Raised, Refused, raise_refused
from model_mapreduce_job.task.model_process import GRACE_SECONDS, ProcessLostError

if TYPE_CHECKING:
    from model_mapreduce_job.task.messages import Check, Fail, Message, Overlong
    from model_mapreduce_job.task.model_process import ModelProcess


_TOO_LONG = "PredictTimeout"


class ChildLostError(Exception):
    """Raised when a child ended, or was ended, with a request unanswered.

    failure says why; was_fresh says whether this was all that it had ever been asked, one line alone.
    """

    def __init__(self, failure: Failure, *, was_fresh: bool) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.was_fresh = was_fresh

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

    def wait_for_model(self) -> None:
        """Wait until the child has loaded the model, as long as that takes.

        Raises what loading raised, and IncompleteRunError when it ended the process.
        """
        self._process.send(Load())
        try:
            self._received()
        except ProcessLostError as lost:
            raise IncompleteRunError(f"The model can't be loaded: {lost}.") from None

    def ask(
        self, request: Predict | Overlong | Fail | Check, lines: list[bytes]
    ) -> tuple[Tally, list[bytes]]:
        """Return what the answer to a request counts, and its lines; raises what the child raised.

        Raises ChildLostError when the child ends, is ended for the time that it takes, or lacks what only a
        fresh process may have; MachineFaultError when a fresh one lacks it for one record as well.
        """
        self._requests += 1
        was_fresh = self._requests == 1 and len(lines) == 1
        self._process.send(request, b"\n".join(lines))
        try:
            answer, output = self._received()
        except ProcessLostError as lost:
            raise ChildLostError(self._failure(lost), was_fresh=was_fresh) from None
        if isinstance(answer, Faulted):
            if isinstance(request, Predict) and request.alone:
                raise MachineFaultError(answer.message)
            raise ChildLostError(Failure("MachineFault", answer.message), was_fresh=False)
        assert isinstance(answer, Output)  # noqa: S101 - a child has no other answer to these requests
        return Tally(**answer.tally), output.split(b"\n") if answer.lines else []

    def end(self, *, well: bool) -> None:
        """End the child: after a time to end by itself where all is well, else whatever it is doing."""
        self._process.end(GRACE_SECONDS if well else 0.0)

    def _received(self) -> tuple[Message, bytes]:
        found = self._process.receive()
        assert found is not None  # noqa: S101 - without a timeout there is an answer, or the end
        answer, _ = found
        if isinstance(answer, Refused):
            raise_refused(answer)
        if isinstance(answer, Raised):
            raise RuntimeError(answer.message)  # noqa: TRY004 - the answer's type is no mistake
        return found

    def _failure(self, lost: ProcessLostError) -> Failure:
        if lost.code == -signal.SIGALRM:
            return Failure(_TOO_LONG, f"No prediction within {self._timeout:g} s")
        return Failure("ProcessDied", f"It ended the process: {how_it_ended(lost.code)}")
