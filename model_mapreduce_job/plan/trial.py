"""A rehearsal in a process that can be lost, so that no record of the sample can end the plan."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from model_mapreduce_job.exceptions import IncompleteRunError
from model_mapreduce_job.task.messages import Faulted, Raised, Refused, Rehearse, Rehearsed, raise_refused
from model_mapreduce_job.task.model_process import (
    GRACE_SECONDS,
    ProcessLostError,
    python_command,
    same_imports,
    start,
)
from model_mapreduce_job.task.rehearsal import Rehearsal, pack_sample
from model_mapreduce_job.task.said import Said

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model_mapreduce_job.formats.lines import Block
    from model_mapreduce_job.task.messages import Begin, Message
    from model_mapreduce_job.task.model_process import ModelProcess

PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Trial:
    """A rehearsal; lost says how the process of a first one ended, when a record ended it."""

    rehearsal: Rehearsal
    lost: str = ""


def try_out(
    begin: Begin,
    blocks: Sequence[Block],
    patience: float = PATIENCE_SECONDS,
    show: Callable[[bytes], None] | None = None,
) -> Trial:
    """Return what came of predicting a sample; isolated, as a run would go on, when that ends the process.

    patience is how many seconds a batch may take; show is called with each line that the model's code writes.
    Raises IncompleteRunError when a batch takes longer, or when a record ends the process and --isolate never
    forbids another; else what a task raises.
    """
    rehearsals = _Rehearsals(begin, pack_sample(blocks), patience, show)
    try:
        return Trial(rehearsals.run(0))
    except ProcessLostError as lost:
        if begin.options["isolate"] != "auto":
            raise IncompleteRunError(
                f"The sample's process ended ({lost}), and so would the run's. --isolate auto makes the "
                "record that does it a failure."
            ) from None
        try:
            return Trial(rehearsals.run(1), str(lost))
        except ProcessLostError as again:
            raise IncompleteRunError(f"The sample can't be predicted: its process ended ({again}).") from None


@dataclass(frozen=True)
class _Rehearsals:
    begin: Begin
    sample: bytes
    patience: float
    show: Callable[[bytes], None] | None

    def run(self, attempt: int) -> Rehearsal:
        process = start(
            python_command(), environment=same_imports(os.environ), directory=None, said=Said(self.show)
        )
        grace = 0.0
        try:
            process.send(self.begin)
            process.send(Rehearse(attempt), self.sample)
            answer = self._answer(process)
            grace = GRACE_SECONDS
        finally:
            process.end(grace)
        return answer

    def _answer(self, process: ModelProcess) -> Rehearsal:
        found = process.receive()  # loading the model takes what it takes
        while True:
            if found is None:
                raise IncompleteRunError(
                    f"No batch of the sample was predicted within {self.patience:g} s. --predict_timeout "
                    "makes a record that hangs a failure; --batch_size 1 suits a model that is so slow."
                )
            if (rehearsal := _rehearsal_in(found[0])) is not None:
                return rehearsal
            found = process.receive(self.patience)


def _rehearsal_in(answer: Message) -> Rehearsal | None:
    """Return the rehearsal that an answer has, None for a sign of life; raises what it says was raised."""
    match answer:
        case Rehearsed():
            return msgspec.convert(answer.rehearsal, Rehearsal, dec_hook=lambda kind, value: kind(value))
        case Refused():
            raise_refused(answer)
        case Raised() | Faulted():
            raise IncompleteRunError(f"The sample can't be predicted: {answer.message}")
    return None
