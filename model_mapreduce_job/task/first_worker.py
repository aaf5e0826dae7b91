"""Asks a process that imports the configuration and the model for what the driver needs to know of them.

The driver itself imports neither. On this machine that process then becomes the run's first worker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

from model_mapreduce_job.exceptions import ConfigurationError, IncompleteRunError, InputError
from model_mapreduce_job.task.messages import (
    CheckColumns,
    Describe,
    Described,
    Faulted,
    Raised,
    Refused,
    Survey,
    Surveyed,
    Verified,
    Verify,
    raise_refused,
)
from model_mapreduce_job.task.model_process import GRACE_SECONDS, ProcessLostError, start_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from model_mapreduce_job.task.messages import Begin, Message
    from model_mapreduce_job.task.model_process import ModelProcess


# A task has one core, as on Spark: a numeric library's own threads would take turns with other tasks.
ONE_THREAD: Final = {"OMP_NUM_THREADS": "1"}
_NAMES: Final = Describe(load=False)
# As many attempts as a task has.
_TRIES: Final = 4
# For an answer that tasks will give anyway, and that a model may have to be loaded for.
_PATIENCE_SECONDS: Final = 10.0


class FirstWorker:
    """A process that answers the driver's questions before a run, and others that get ready meanwhile.

    They end with the with statement unless a runner has taken them over. begin has the options that are
    known; show is called with each line that the model's code writes; processes have been started already.
    """

    def __init__(
        self,
        begin: Begin,
        show: Callable[[bytes], None] | None = None,
        processes: Sequence[ModelProcess] = (),
    ) -> None:
        self._begin = begin
        self._show = show
        first, *others = processes or [start_here()]
        self._process: ModelProcess | None = self._asked(first, _NAMES)
        # nobody waits for their answers: to be asked makes them import the configuration and the model
        self._others = [self._asked(each, _NAMES) for each in others]
        self._described: Described | None = None
        self._owed = 0

    def __enter__(self) -> Self:
        """Return the worker."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes."""
        for process in self._others:
            process.end()
        if self._process is not None:
            self._process.end(GRACE_SECONDS)
        self._process, self._others = None, []

    def described(self) -> Described:
        """Return which models there are.

        Raises ConfigurationError when the configuration, or an entry of it, can't be used.
        """
        if self._described is None:
            self._described = _described_in(self._answer(_NAMES))
        return self._described

    def identity(self) -> dict[str, Any]:
        """Return what the output depends on, by name; takes a while, since it reads the model's files."""
        self.described()
        return _described_in(self._ask(Describe(load=False, identify=True))).identity

    def load(self, begin: Begin | None = None) -> Described:
        """Load the run's model and return described() with its facts; raises what loading raises.

        begin has the run's options where more of them are known than before. Another process loads it where
        a runner has taken this one over.
        """
        if begin is not None:
            self._begin_again(begin)
        self._described = _described_in(self._ask(Describe(load=True)))
        return self._described

    def survey(self, begin: Begin, request: Survey) -> Surveyed:
        """Return what the tables of a run with these options are; loads the model.

        Raises InputError for an input that is no such table, ModelContractError where it isn't known which
        columns the output has, and what loading the model raises.
        """
        self._begin_again(begin)
        found = self._ask(request)
        assert isinstance(found, Surveyed)  # noqa: S101 - there is no other answer
        return found

    def ask_for_columns(self, begin: Begin) -> None:
        """Ask whether a run's rows have the columns that its models need; check_columns() has the answer.

        Before these are known, to ask makes the process import the models' classes meanwhile.
        """
        self._begin_again(begin)
        if self._process is not None:
            self._process.send(CheckColumns())
            self._owed += 1

    def check_columns(self) -> None:
        """Raise InputError where the answer to ask_for_columns() is that the rows lack columns.

        Where this machine can't tell, or takes too long to, the tasks will.
        """
        for found in self._owed_answers(_PATIENCE_SECONDS):
            if isinstance(found, Refused) and found.kind == InputError.__name__:
                raise_refused(found)

    def verify(self, begin: Begin, request: Verify) -> Verified:
        """Return how a run's model predicts golden records; loads it.

        Raises InputError for a file that has none, IncompleteRunError when they end the model's process, and
        what loading the model raises.
        """
        self._begin_again(begin)
        process = self._sent(request)
        try:
            found = _answer_in(process.receive())
        except ProcessLostError as lost:
            self._process = None
            raise IncompleteRunError(
                f"A record of --verify {request.path} ended the process that predicted it ({lost}). "
                "Take that record out, or mend the model."
            ) from None
        assert isinstance(found, Verified)  # noqa: S101 - there is no other answer
        return found

    def hand_over(self) -> list[ModelProcess]:
        """Return the processes for a runner to use as workers, none when they were handed over already.

        The last one has answered all questions; the others still owe the answer to the first.
        """
        processes = [] if self._process is None else [*self._others, self._process]
        self._process, self._others = None, []
        return processes

    def _begin_again(self, begin: Begin) -> None:
        self.described()
        self._begin = begin
        if self._process is not None:
            self._process.send(begin)

    def _owed_answers(self, seconds: float | None) -> Iterator[Message]:
        """Yield the answers to ask_for_columns(); without one in so many seconds the process ends."""
        while self._owed and self._process is not None:
            self._owed -= 1
            try:
                found = self._process.receive(seconds)
            except ProcessLostError:
                self._process, self._owed = None, 0
                return
            if found is None:
                self._process.end()
                self._process, self._owed = None, 0
                return
            yield found[0]

    def _sent(self, request: Describe | Survey | Verify) -> ModelProcess:
        """Return the process, or one in the place of a lost one, that is asked and owes no other answer."""
        for _ in self._owed_answers(None):
            pass
        if self._process is None:
            self._process = self._asked(start_here(), request)
        else:
            self._process.send(request)
        return self._process

    def _asked(self, process: ModelProcess, request: Describe | Survey | Verify) -> ModelProcess:
        if process.model_output:
            process.model_output.show = self._show
        process.send(self._begin)
        process.send(request)
        return process

    def _ask(self, request: Describe | Survey) -> Message:
        self._sent(request)
        return self._answer(request)

    def _answer(self, request: Describe | Survey) -> Message:
        """Return the answer to a request; a lost process is replaced, since it may have been killed."""
        for _ in range(_TRIES):
            self._process = self._process or self._asked(start_here(), request)
            try:
                return _answer_in(self._process.receive())
            except ProcessLostError as lost:
                self._process, how = None, str(lost)
        raise ConfigurationError(f"The configuration can't be imported: its process ended ({how}).")


def _described_in(answer: Message) -> Described:
    assert isinstance(answer, Described)  # noqa: S101 - there is no other answer
    return answer


def _answer_in(found: tuple[Message, bytes] | None) -> Message:
    match found:
        case (Described() | Surveyed() | Verified() as answer, _):
            return answer
        case (Refused() as answer, _):
            raise_refused(answer)
        case (Raised() | Faulted() as answer, _):
            raise ConfigurationError(f"The configuration can't be imported: {answer.message}.")
    raise ConfigurationError("The configuration can't be imported: its process gave no answer.")
