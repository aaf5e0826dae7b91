"""What the driver needs to know of a configuration and its model, asked of a process that may import them.

The driver itself imports neither. On this machine that process goes on as the run's first worker.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, Self

from model_mapreduce_job.exceptions import ConfigurationError
from model_mapreduce_job.task.messages import Describe, Described, Faulted, Raised, Refused, raise_refused
from model_mapreduce_job.task.model_process import (
    GRACE_SECONDS,
    ProcessLostError,
    python_command,
    same_imports,
    start,
)
from model_mapreduce_job.task.said import Said

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from model_mapreduce_job.task.messages import Begin, Message
    from model_mapreduce_job.task.model_process import ModelProcess


_NAMES: Final = Describe(load=False)
# As often as a task is tried.
_TRIES: Final = 4


class FirstWorker:
    """A process that is asked before a run; it ends with the with statement unless a runner has taken it.

    begin has the options that are known; show is called with each line that its code writes; environment is
    set in it beside the driver's own.
    """

    def __init__(
        self,
        begin: Begin,
        show: Callable[[bytes], None] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._begin = begin
        self._show = show
        self._environment = environment or {}
        self._is_mine = True
        self._process: ModelProcess | None = self._started(_NAMES)
        self._described: Described | None = None

    def __enter__(self) -> Self:
        """Return the worker."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._is_mine = False
        if self._process is not None:
            self._process.end(GRACE_SECONDS)
            self._process = None

    def described(self) -> Described:
        """Return which models there are.

        Raises ConfigurationError when the configuration, or an entry of it, can't be used.
        """
        if self._described is None:
            self._described = self._answer(_NAMES)
        return self._described

    def identity(self) -> dict[str, Any]:
        """Return what the output depends on, by name; takes a while, for it reads the model's files."""
        self.described()
        return self._ask(Describe(load=False, identify=True)).identity

    def load(self) -> Described:
        """Return the same with the facts of the run's own model; loads it, and raises what that raises."""
        if self._is_mine:
            self._described = self._ask(Describe(load=True))
        return self.described()

    def hand_over(self) -> ModelProcess | None:
        """Return the process for a runner to go on with; None when another has it."""
        process, self._process, self._is_mine = self._process, None, False
        return process

    def _started(self, request: Describe) -> ModelProcess:
        environment = same_imports({**os.environ, **self._environment})
        process = start(python_command(), environment=environment, directory=None, said=Said(self._show))
        process.send(self._begin)
        process.send(request)
        return process

    def _ask(self, request: Describe) -> Described:
        if self._process is not None:
            self._process.send(request)
        return self._answer(request)

    def _answer(self, request: Describe) -> Described:
        """Return the answer to a request; a process that is lost is replaced, for it may have been killed."""
        for _ in range(_TRIES):
            self._process = self._process or self._started(request)
            try:
                return _described_in(self._process.receive())
            except ProcessLostError as lost:
                self._process, how = None, str(lost)
        raise ConfigurationError(f"The configuration can't be imported: its process ended ({how}).")


def _described_in(found: tuple[Message, bytes] | None) -> Described:
    match found:
        case (Described() as described, _):
            return described
        case (Refused() as answer, _):
            raise_refused(answer)
        case (Raised() | Faulted() as answer, _):
            raise ConfigurationError(f"The configuration can't be imported: {answer.message}.")
    raise ConfigurationError("The configuration can't be imported: its process gave no answer.")
