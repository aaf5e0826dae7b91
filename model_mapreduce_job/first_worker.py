"""What the driver needs to know of a configuration and its model, asked of a process that may import them.

The driver itself imports neither. On this machine that process goes on as the run's first worker.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self

from model_mapreduce_job.exceptions import ConfigurationError
from model_mapreduce_job.messages import Describe, Described, Faulted, Raised, Refused, raise_refused
from model_mapreduce_job.model_process import (
    GRACE_SECONDS,
    ProcessLostError,
    python_command,
    same_imports,
    start,
)
from model_mapreduce_job.said import Said

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from model_mapreduce_job.messages import Begin
    from model_mapreduce_job.model_process import ModelProcess


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
        self._process: ModelProcess | None = start(
            python_command(),
            environment=same_imports({**os.environ, **(environment or {})}),
            directory=None,
            said=Said(show),
        )
        self._process.send(begin)
        self._process.send(Describe(load=False))
        self._described: Described | None = None

    def __enter__(self) -> Self:
        """Return the worker."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        if self._process is not None:
            self._process.end(GRACE_SECONDS)
            self._process = None

    def described(self) -> Described:
        """Return which models there are.

        Raises ConfigurationError when the configuration, or an entry of it, can't be used.
        """
        if self._described is None:
            self._described = self._answer()
        return self._described

    def identity(self) -> dict[str, Any]:
        """Return what the output depends on, by name; takes a while, for it reads the model's files."""
        assert self._process is not None  # noqa: S101 - what was handed over is not asked
        self.described()
        self._process.send(Describe(load=False, identify=True))
        return self._answer().identity

    def load(self) -> Described:
        """Return the same with the facts of the run's own model; loads it, and raises what that raises."""
        if self._process is not None:
            self._process.send(Describe(load=True))
            self._described = self._answer()
        return self.described()

    def hand_over(self) -> ModelProcess | None:
        """Return the process for a runner to go on with; None when another has it."""
        process, self._process = self._process, None
        return process

    def _answer(self) -> Described:
        assert self._process is not None  # noqa: S101 - what was handed over is not asked
        try:
            found = self._process.receive()
        except ProcessLostError as lost:
            raise ConfigurationError(
                f"The configuration can't be imported: its process ended ({lost})."
            ) from None
        match found:
            case (Described() as described, _):
                return described
            case (Refused() as answer, _):
                raise_refused(answer)
            case (Raised() | Faulted() as answer, _):
                raise ConfigurationError(f"The configuration can't be imported: {answer.message}.")
        raise ConfigurationError("The configuration can't be imported: its process gave no answer.")
