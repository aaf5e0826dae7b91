"""A task: the model, the protocols and the core, put together from a run's options."""

from __future__ import annotations

import os
from argparse import Namespace
from time import perf_counter_ns
from typing import TYPE_CHECKING, Protocol

from model_mapreduce_job.config import load_configuration
from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.delimited import (
    FlatRows,
    Rows,
    RowShape,
    RowStyle,
    check_columns,
    split_row,
)
from model_mapreduce_job.formats.protocols import (
    InputProtocol,
    JsonLines,
    JsonObjects,
    JsonPairs,
    KeyFields,
    NanLines,
    OutputProtocol,
)
from model_mapreduce_job.ml_model_manager import ModelManager
from model_mapreduce_job.models.contract import version_of
from model_mapreduce_job.models.identity import run_identity
from model_mapreduce_job.models.schemas import field_names, record_schema, required_names
from model_mapreduce_job.pipeline.batch_prediction import BatchPrediction, Unwatched
from model_mapreduce_job.pipeline.batch_sizing import LONGEST_SECONDS, BatchSizer
from model_mapreduce_job.pipeline.counters import Tally
from model_mapreduce_job.pipeline.prediction import predictor_for
from model_mapreduce_job.task.guard import guarded_memory
from model_mapreduce_job.task.isolation import IsolatedPrediction
from model_mapreduce_job.task.keeper import Page
from model_mapreduce_job.task.messages import Begin, Described, ModelFacts
from model_mapreduce_job.task.model_process import python_command, same_imports, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from model_mapreduce_job.formats.lines import Block
    from model_mapreduce_job.models.contract import MLModel
    from model_mapreduce_job.models.schemas import RecordSchema
    from model_mapreduce_job.task.model_process import ModelProcess


class Prediction(Protocol):
    """A task's way from lines to lines, in this process or isolated; the tally counts what went through."""

    tally: Tally
    first_of_run: bool

    def predict_lines(self, blocks: Iterable[Block]) -> Iterator[list[bytes]]:
        """Yield the output lines of each batch, in order."""
        ...


# No honest model takes this long for a record; Hadoop ends a silent task after the same time.
DEFAULT_LIMIT_SECONDS = 600.0
# A task has one core, as on Spark: a numeric library's own threads would take turns with other tasks.
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
DELIMITERS = {"csv": ",", "tsv": "\t"}

# The registry: a protocol's name, and how it is made from the schema or the model, and the run's options.
INPUT_PROTOCOLS: dict[str, Callable[[RecordSchema, Namespace], InputProtocol]] = {
    "ldjson": lambda schema, options: (
        NanLines(schema) if getattr(options, "allow_nan", False) else JsonLines(schema)
    ),
    "csv": lambda schema, options: Rows(schema, columns(options), ","),
    "tsv": lambda schema, options: Rows(schema, columns(options), "\t"),
}
OUTPUT_PROTOCOLS: dict[str, Callable[[MLModel, Namespace], OutputProtocol]] = {
    "json": lambda _model, options: JsonPairs(explain=explains(options)),
    "ldjson": lambda _model, options: JsonObjects(explain=explains(options)),
    "csv": lambda model, options: FlatRows(row_shape(model, options), row_style(",", options)),
    "tsv": lambda model, options: FlatRows(row_shape(model, options), row_style("\t", options)),
}


def load_model(qualified_name: str) -> MLModel:
    """Return the model of this name from the configuration that APP_SETTINGS names.

    Raises ConfigurationError, ModelContractError or ModelNotFoundError.
    """
    return load_manager().get_model(qualified_name)


def load_manager() -> ModelManager:
    """Return the ModelManager, serving the configuration that APP_SETTINGS names."""
    manager = ModelManager()
    manager.serve(load_configuration(os.environ.get("APP_SETTINGS") or None))
    return manager


class Watched:
    """Limits the time that a batch may take to so many seconds, by the keeper's clock."""

    def __init__(self, page: Page, seconds: float) -> None:
        self._page = page
        self._seconds = seconds

    def begin(self) -> None:
        """Begin a batch."""
        self._page.begin(self._seconds)

    def end(self) -> None:
        """End it."""
        self._page.end()


class TaskFactory:
    """Makes predictions as the options of a run describe them, and describes the run's model.

    page, where there is one, is what the process's keeper watches: it ends a batch that takes too long.
    """

    def __init__(self, begin: Begin, page: Page | None = None) -> None:
        self._begin = begin
        self._options = Namespace(**begin.options)
        self._page = page
        self.max_record_bytes: int = self._options.max_record_bytes

    def make(self, attempt: int) -> Prediction:
        """Return the prediction of a task's attempt, from 0: here, or in a child process from attempt 1 on.

        In this process the model is loaded now; isolated, when the first batch comes.
        """
        options = self._options
        if options.isolate == "always" or (options.isolate == "auto" and attempt > 0):
            isolated = IsolatedPrediction(self._start_child, self._limit, fail_fast=not options.no_fail_fast)
            isolated.first_of_run = may_start_the_run()
            return isolated
        # Spark's own workers have no keeper
        self._page = self._page or Page(guarded_memory())
        return self._make(isolated=False)

    def make_isolated(self) -> BatchPrediction:
        """Return the prediction of a process that its starter can lose; the model is loaded now."""
        return self._make(isolated=True)

    def describe(self, *, load: bool, identify: bool) -> Described:
        """Return which models the configuration has, and with load what the run's own is like."""
        manager = load_manager()
        names = [str(model["qualified_name"]) for model in manager.get_models()]
        if self._options.model_qualified_name not in names:
            return Described(names)
        setting = os.environ.get("APP_SETTINGS")
        identity = run_identity(setting, self._begin.options) if identify else {}
        if load:
            manager.get_model(self._options.model_qualified_name)
        return Described(names, identity, self.model_facts())

    def model_facts(self) -> ModelFacts | None:
        """Return the version and the files of the run's model; None where this process has not loaded it."""
        manager, name = ModelManager(), self._options.model_qualified_name
        model = manager.loaded(name)
        return None if model is None else ModelFacts(version_of(model), manager.get_model_files(name))

    @property
    def _limit(self) -> float:
        return float(self._options.predict_timeout or DEFAULT_LIMIT_SECONDS)

    def _start_child(self) -> ModelProcess:
        child = start(python_command(), environment=same_imports(os.environ), directory=None, said=None)
        child.send(self._begin)
        return child

    def _make(self, *, isolated: bool) -> BatchPrediction:
        options, protocol = self._options, self._begin.output_protocol
        started = perf_counter_ns()
        model = load_model(options.model_qualified_name)
        sizer = BatchSizer(options.batch_size, min(LONGEST_SECONDS, self._limit / 4))
        return BatchPrediction(
            reader=reader_for(model, options),
            predictor=predictor_for(model, sizer),
            writer=OUTPUT_PROTOCOLS[protocol or options.output_protocol](model, options),
            sizer=sizer,
            # whoever starts a child counts it, also one that dies
            tally=Tally(load_ns=perf_counter_ns() - started, loads=0 if isolated else 1),
            fail_fast=not options.no_fail_fast,
            first_of_run=may_start_the_run() and not isolated,
            check_batches=not isolated,
            fingerprint=options.fingerprint,
            watch=Watched(self._page, self._limit) if self._page else Unwatched(),
        )


def attempt_number() -> int:
    """Return which attempt of its task this process is, from 0, as Hadoop says it in the environment."""
    number = _attempt_id().rpartition("_")[2]
    return int(number) if number.isdigit() else 0


def may_start_the_run() -> bool:
    """Return whether this process' task may have the run's first records, as Hadoop and Spark say it.

    On Hadoop a task that begins in the middle of a file has not; on Spark the first partition alone has.
    """
    attempt = _attempt_id()
    if attempt.startswith("attempt_spark_m_"):
        return attempt.startswith("attempt_spark_m_000000_")
    return os.environ.get("mapreduce_map_input_start", "0") == "0"  # noqa: SIM112 - Hadoop's spelling


def _attempt_id() -> str:
    return os.environ.get("mapreduce_task_attempt_id") or os.environ.get("mapred_task_id") or ""  # noqa: SIM112


def reader_for(model: MLModel, options: Namespace) -> InputProtocol:
    """Return what reads the lines of a run with these options for a model; raises InputError."""
    if options.input_protocol in DELIMITERS:
        _check_fields(model, columns(options), options.key or [])
    reader = INPUT_PROTOCOLS[options.input_protocol](record_schema(model.input_schema), options)
    return KeyFields(reader, options.key) if options.key else reader


def _check_fields(model: MLModel, names: list[str], keys: list[str]) -> None:
    if unknown := [key for key in keys if key not in names]:
        raise InputError(
            f"--key {unknown[0]} is no column of the input, which has {', '.join(names)}. Name one of these."
        )
    fields = record_schema(model.input_schema).fields
    missing = [field.name for field in fields if field.required and not {*field.names} & {*names}]
    if missing:
        raise InputError(
            f"The model needs {', '.join(missing)}, and the input's columns are {', '.join(names)}. "
            "Name the columns with --columns, as the model calls them."
        )


def explains(options: Namespace) -> bool:
    """Return whether failures come out with their reason."""
    return bool(options.on_error == "explain")


def columns(options: Namespace) -> list[str]:
    """Return the input's columns; raises InputError when they are not named or can't be used."""
    if not options.columns:
        raise InputError(
            f"The columns of the {options.input_protocol} input are not known. Name them: --columns a,b,c."
        )
    return check_columns(split_row(options.columns, ","))


def row_shape(model: MLModel, options: Namespace) -> RowShape:
    """Return the columns of a csv or tsv output."""
    named = options.key or (columns(options) if options.columns else [])
    output = model.output_schema
    return RowShape(
        named or field_names(model.input_schema), field_names(output), frozenset(required_names(output))
    )


def row_style(delimiter: str, options: Namespace) -> RowStyle:
    """Return how the rows of a csv or tsv output are written."""
    quoted = getattr(options, "quoted_newlines", False)
    return RowStyle(delimiter, explain=explains(options), quoted_newlines=quoted)
