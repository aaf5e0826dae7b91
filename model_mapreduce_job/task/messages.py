"""What goes over a channel: requests to a process that runs a model's code, and its answers."""

from __future__ import annotations

from typing import Any, NoReturn, TypeAlias

import msgspec

from model_mapreduce_job import exceptions
from model_mapreduce_job.exceptions import ModelMapReduceError
from model_mapreduce_job.storage.parts import PartRecord  # noqa: TC001 - msgspec looks at it
from model_mapreduce_job.storage.splits import Split  # noqa: TC001 - msgspec looks at it


class Begin(msgspec.Struct, tag=True, frozen=True):
    """Comes first: the options of the run, and the output protocol that takes the place of theirs."""

    options: dict[str, Any]
    output_protocol: str | None = None


class Describe(msgspec.Struct, tag=True, frozen=True):
    """Asks which models there are; load: what the run's own is like, identify: what its output depends on."""

    load: bool = True
    identify: bool = False


class Run(msgspec.Struct, tag=True, frozen=True):
    """Asks to run one attempt of a map task; of a streamed split, the body has the bytes.

    output is the path to write to; durable asks to sync it; environment is what Hadoop would set. first says
    that the split has the run's first records.
    """

    split: Split
    attempt: int
    output: str
    durable: bool
    environment: dict[str, str] = {}
    first: bool = False


class Load(msgspec.Struct, tag=True, frozen=True):
    """Asks to load the model."""


class Predict(msgspec.Struct, tag=True, frozen=True):
    """Asks to predict the lines in the body; alone says that it is one line's last chance."""

    alone: bool = False


class Overlong(msgspec.Struct, tag=True, frozen=True):
    """Asks for the output of a line that was too long, whose beginning is the body."""


class Fail(msgspec.Struct, tag=True, frozen=True):
    """Asks for the output of the line in the body, which failed as is said."""

    kind: str
    message: str


class Check(msgspec.Struct, tag=True, frozen=True):
    """Asks whether predictions depend on the batches that they were made in, now that all are written."""


class Rehearse(msgspec.Struct, tag=True, frozen=True):
    """Asks to predict the sample in the body, and to measure it."""

    attempt: int


class Ready(msgspec.Struct, tag=True, frozen=True):
    """Answers that the model is loaded."""


class ModelFacts(msgspec.Struct, frozen=True):
    """A model's version, and the sha256 of the files that its entry names."""

    version: str
    files: dict[str, str] = {}


class Described(msgspec.Struct, tag=True, frozen=True):
    """Answers which models there are, by name, and what the run's own is like, where it was loaded.

    identity is what the output depends on, by name, of what only a process that imports the configuration can
    know.
    """

    names: list[str]
    identity: dict[str, Any] = {}
    model: ModelFacts | None = None


class Progress(msgspec.Struct, tag=True, frozen=True):
    """Reports how far a request is: the bytes read, the records predicted and failed."""

    done: int = 0
    records: int = 0
    failed: int = 0


class Done(msgspec.Struct, tag=True, frozen=True):
    """Answers that an attempt has ended well: its part's record, and the facts of its model."""

    part: PartRecord
    model: ModelFacts | None = None


class Output(msgspec.Struct, tag=True, frozen=True):
    """Answers with the output lines in the body, how many there are, and what was counted."""

    tally: dict[str, Any]
    lines: int


class Rehearsed(msgspec.Struct, tag=True, frozen=True):
    """Answers what came of a sample."""

    rehearsal: dict[str, Any]


class Refused(msgspec.Struct, tag=True, frozen=True):
    """Answers with an error of this package, which another try would not change."""

    kind: str
    message: str


class Faulted(msgspec.Struct, tag=True, frozen=True):
    """Answers that the machine lacked something, such as memory: no record is to blame for it."""

    message: str


class Raised(msgspec.Struct, tag=True, frozen=True):
    """Answers that something else was raised; another try may end better."""

    message: str
    traceback: str = ""


Request: TypeAlias = Begin | Describe | Run | Load | Predict | Overlong | Fail | Check | Rehearse
Answer: TypeAlias = Ready | Described | Progress | Done | Output | Rehearsed | Refused | Faulted | Raised
Message: TypeAlias = Request | Answer


def refused(error: ModelMapReduceError) -> Refused:
    """Return the answer that stands for an error: its class, or the base of it that is of this package."""
    own = (kind.__name__ for kind in type(error).__mro__ if getattr(exceptions, kind.__name__, None) is kind)
    return Refused(next(own), str(error))


def raise_refused(answer: Refused) -> NoReturn:
    """Raise the error of this package that an answer stands for."""
    raise getattr(exceptions, answer.kind, ModelMapReduceError)(answer.message)
