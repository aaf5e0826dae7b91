"""The messages of a channel: requests to a process that runs a model's code, and its answers."""

from __future__ import annotations

from typing import Any, NoReturn, TypeAlias

import msgspec

from model_mapreduce_job import exceptions
from model_mapreduce_job.exceptions import ModelMapReduceError
from model_mapreduce_job.formats.table_format import TableRun
from model_mapreduce_job.pipeline.task_report import TaskReport  # noqa: TC001 - msgspec looks at it
from model_mapreduce_job.printable import counted
from model_mapreduce_job.storage.parts import PartRecord  # noqa: TC001 - msgspec looks at it
from model_mapreduce_job.storage.splits import Split  # noqa: TC001 - msgspec looks at it
from model_mapreduce_job.storage.table_files import TableFile, TablePlace  # noqa: TC001 - msgspec looks at it
from model_mapreduce_job.task.task_options import TaskOptions


class Begin(msgspec.Struct, tag=True, frozen=True):
    """Comes first: the run's options, what is set in the process's environment, the columns of its tables."""

    options: TaskOptions = TaskOptions()
    environment: dict[str, str] = {}
    tables: TableRun = TableRun()

    @property
    def part_ending(self) -> str:
        """What a part's name ends with: a table's has its format's, and so what its readers go by."""
        ending = self.options.output_protocol if self.tables.is_written else self.options.part_compression
        return f".{ending}" if ending else ""


class Describe(msgspec.Struct, tag=True, frozen=True):
    """Asks for the models' names; load: for the run's model too; identify: for what the output depends on."""

    load: bool = True
    identify: bool = False


class Run(msgspec.Struct, tag=True, frozen=True):
    """Asks to run one attempt of a map task; of a streamed split, the body has the bytes.

    output is the path to write to; durable asks to sync it; environment is what Hadoop would set. first says
    that the task has the run's first records.
    """

    splits: tuple[Split, ...]
    attempt: int
    output: str
    durable: bool
    environment: dict[str, str] = {}
    first: bool = False


class Load(msgspec.Struct, tag=True, frozen=True):
    """Asks to load the model."""


class Survey(msgspec.Struct, tag=True, frozen=True):
    """Asks for the columns of the run's tables, and for the files that these paths and globs name.

    places has these files where some are elsewhere. on_spark is whether Spark reads and writes the tables.
    """

    paths: tuple[str, ...]
    places: tuple[TablePlace, ...] = ()
    on_spark: bool = False


class CheckColumns(msgspec.Struct, tag=True, frozen=True):
    """Asks whether the columns of the run's rows are those that its models need."""


class Verify(msgspec.Struct, tag=True, frozen=True):
    """Asks to predict the golden records of a file, or of a directory, and to compare what comes out."""

    path: str
    tolerance: float


class Predict(msgspec.Struct, tag=True, frozen=True):
    """Asks to predict the lines in the body; alone marks the last attempt at a single line.

    charged has, of several models by name, those that are not to be asked: what they failed with, as kind and
    message.
    """

    alone: bool = False
    charged: dict[str, tuple[str, str]] = {}


class Overlong(msgspec.Struct, tag=True, frozen=True):
    """Asks for the output of a line that is too long; the body is its beginning."""


class Fail(msgspec.Struct, tag=True, frozen=True):
    """Asks for the output of the line in the body as a failure of this kind."""

    kind: str
    message: str


class Check(msgspec.Struct, tag=True, frozen=True):
    """Asks to check whether predictions depend on their batches; sent when all predictions are written."""


class PredictSample(msgspec.Struct, tag=True, frozen=True):
    """Asks to predict the sample in the body, and to measure the speed."""

    attempt: int


class Ready(msgspec.Struct, tag=True, frozen=True):
    """Answers that the model is loaded; header is the line that output with it begins with, if any."""

    header: bytes | None = None


class ModelFacts(msgspec.Struct, frozen=True):
    """A model's version, and the sha256 of the files that its entry names.

    Of a model file also its kind, and the column of the input for each feature.
    """

    version: str
    files: dict[str, str] = {}
    kind: str = ""
    columns: dict[str, str] = {}


class Described(msgspec.Struct, tag=True, frozen=True):
    """Answers with the models' names, and the facts of the run's models by name, if they are loaded.

    identity is what the output depends on, by name, of what only a process that imports the configuration can
    know.
    """

    names: list[str]
    identity: dict[str, Any] = {}
    models: dict[str, ModelFacts] = {}


class Surveyed(msgspec.Struct, tag=True, frozen=True):
    """Answers with the columns of the run's tables, and of an input that is one, its files and columns.

    for_spark has Spark's JSON of the columns that it reads and of those that it writes, "" for text.
    """

    tables: TableRun
    files: tuple[TableFile, ...] = ()
    columns: tuple[str, ...] = ()
    for_spark: tuple[str, str] = ("", "")


class ColumnsFit(msgspec.Struct, tag=True, frozen=True):
    """Answers that the columns of the run's rows are those that its models need."""


class Verified(msgspec.Struct, tag=True, frozen=True):
    """Answers with how many golden records there are, how many came out otherwise, and how the first did.

    sha256 is the golden file's; of a directory, as models/files.py has it.
    """

    path: str
    sha256: str
    records: int
    tolerance: float
    differences: tuple[str, ...] = ()
    different: int = 0

    @property
    def words(self) -> str:
        """What was verified, for a person."""
        return f"{counted(self.records, 'record')} of {self.path}, sha256 {self.sha256}"

    def as_json(self) -> dict[str, Any]:
        """Return what was verified, for a summary."""
        names = ("path", "sha256", "records", "tolerance")
        return {name: getattr(self, name) for name in names}


class Progress(msgspec.Struct, tag=True, frozen=True):
    """Reports the progress of a request: the bytes read, the records predicted and failed."""

    done: int = 0
    records: int = 0
    failed: int = 0


class Done(msgspec.Struct, tag=True, frozen=True):
    """Answers that an attempt succeeded: its part's record, and the facts of its models by name."""

    part: PartRecord
    models: dict[str, ModelFacts] = {}


class Asking(msgspec.Struct, tag=True, frozen=True):
    """Reports which of several models is asked for the only line of a request."""

    model: str


class Output(msgspec.Struct, tag=True, frozen=True):
    """Answers with the output lines in the body, how many there are, and what is reported of them."""

    report: TaskReport
    lines: int
    is_table: bool = False


class SamplePredicted(msgspec.Struct, tag=True, frozen=True):
    """Answers with the result of a sample."""

    result: dict[str, Any]


class Refused(msgspec.Struct, tag=True, frozen=True):
    """Answers with an error of this package, which another attempt would not change."""

    kind: str
    message: str


class Faulted(msgspec.Struct, tag=True, frozen=True):
    """Answers that the machine lacked something, such as memory, which is no record's failure."""

    message: str


class Raised(msgspec.Struct, tag=True, frozen=True):
    """Answers with any other error; another attempt may succeed."""

    message: str
    traceback: str = ""


Request: TypeAlias = (
    Begin
    | Describe
    | Survey
    | CheckColumns
    | Verify
    | Run
    | Load
    | Predict
    | Overlong
    | Fail
    | Check
    | PredictSample
)
Answer: TypeAlias = (
    Ready
    | Described
    | Surveyed
    | ColumnsFit
    | Verified
    | Progress
    | Done
    | Asking
    | Output
    | SamplePredicted
    | Refused
    | Faulted
    | Raised
)
Message: TypeAlias = Request | Answer


def refused(error: ModelMapReduceError) -> Refused:
    """Return the answer for an error, with its class or the base of it that is this package's."""
    own = (kind.__name__ for kind in type(error).__mro__ if getattr(exceptions, kind.__name__, None) is kind)
    return Refused(next(own), str(error))


def raise_refused(answer: Refused) -> NoReturn:
    """Raise the error in an answer."""
    raise getattr(exceptions, answer.kind, ModelMapReduceError)(answer.message)
