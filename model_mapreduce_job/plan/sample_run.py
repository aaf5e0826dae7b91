"""Predicts the sample in a process of its own, so that a record that ends it does not end the plan."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.exceptions import IncompleteRunError
from model_mapreduce_job.task.messages import (
    Faulted,
    PredictSample,
    Raised,
    Refused,
    SamplePredicted,
    raise_refused,
)
from model_mapreduce_job.task.model_output import ModelOutput
from model_mapreduce_job.task.model_process import (
    GRACE_SECONDS,
    ProcessLostError,
    python_command,
    same_imports,
    start,
)
from model_mapreduce_job.task.sample_prediction import SampleResult, pack_sample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model_mapreduce_job.task.messages import Begin, Message
    from model_mapreduce_job.task.model_process import ModelProcess

PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class SampleRun:
    """The result of predicting the sample; lost says how a first process ended, if a record ended it."""

    result: SampleResult
    lost: str = ""


def run_sample(
    begin: Begin,
    blocks: Sequence[Any],
    patience: float = PATIENCE_SECONDS,
    show: Callable[[bytes], None] | None = None,
) -> SampleRun:
    """Return the result of predicting a sample; if a record ends the process, once more in isolation.

    patience is how many seconds a batch may take; show is called with each line that the model's code writes.
    Raises IncompleteRunError when a batch takes longer, or when a record ends the process and --isolate is
    not auto; else what a task raises.
    """
    predicted = partial(_predicted, begin, pack_sample(blocks), patience, show)
    try:
        return SampleRun(predicted(0))
    except ProcessLostError as lost:
        if begin.options.isolate != "auto":
            raise IncompleteRunError(
                f"The sample's process ended ({lost}), and so would the run's. With --isolate auto the "
                "record that ends it becomes a failure."
            ) from None
        try:
            return SampleRun(predicted(1), str(lost))
        except ProcessLostError as again:
            raise IncompleteRunError(f"The sample can't be predicted: its process ended ({again}).") from None


def _predicted(
    begin: Begin, sample: bytes, patience: float, show: Callable[[bytes], None] | None, attempt: int
) -> SampleResult:
    """Return the result of one process; raises ProcessLostError when it has ended."""
    process = start(
        python_command(),
        environment=same_imports(os.environ),
        directory=None,
        model_output=ModelOutput(show),
    )
    grace = 0.0
    try:
        process.send(begin)
        process.send(PredictSample(attempt), sample)
        answer = _answer(process, patience)
        grace = GRACE_SECONDS
    finally:
        process.end(grace)
    return answer


def _answer(process: ModelProcess, patience: float) -> SampleResult:
    found = process.receive()  # loading the model has no time limit
    while found is not None:
        if (result := _result_in(found[0])) is not None:
            return result
        found = process.receive(patience)
    raise IncompleteRunError(
        f"No batch of the sample was predicted within {patience:g} s. With --predict_timeout a record that "
        "hangs becomes a failure; --batch_size 1 suits a slow model."
    )


def _result_in(answer: Message) -> SampleResult | None:
    """Return the result in an answer, None for a progress report; raises the error that it reports."""
    match answer:
        case SamplePredicted():
            return msgspec.convert(answer.result, SampleResult, dec_hook=lambda kind, value: kind(value))
        case Refused():
            raise_refused(answer)
        case Raised() | Faulted():
            raise IncompleteRunError(f"The sample can't be predicted: {answer.message}")
    return None
