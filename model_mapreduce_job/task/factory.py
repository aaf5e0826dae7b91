"""A task: the model, the protocols and the core, put together from a run's options."""

from __future__ import annotations

import os
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.formats.protocols import (
    InputProtocol,
    JsonLineReader,
    JsonObjectWriter,
    JsonPairWriter,
    KeyFieldReader,
    NanLineReader,
    OutputProtocol,
)
from model_mapreduce_job.formats.rows import join_row
from model_mapreduce_job.formats.table_format import TableRun
from model_mapreduce_job.formats.text_format import TextReader, TextWriter
from model_mapreduce_job.models.plain_fields import plain_columns
from model_mapreduce_job.pipeline.batch_sizing import LONGEST_SECONDS, MOST_SECONDS, BatchSizer
from model_mapreduce_job.pipeline.counters import Counters
from model_mapreduce_job.pipeline.pipeline import Pipeline, Unwatched
from model_mapreduce_job.pipeline.predictors import predictor_for
from model_mapreduce_job.pipeline.task_report import ReportBuilder
from model_mapreduce_job.task.delimited_options import DELIMITERS, text_reading
from model_mapreduce_job.task.guard import guarded_memory
from model_mapreduce_job.task.isolation import IsolatedPipeline
from model_mapreduce_job.task.keeper import Page
from model_mapreduce_job.task.lanes import lane_of, lists_are_quicker
from model_mapreduce_job.task.messages import Begin, Described, ModelFacts
from model_mapreduce_job.task.model_process import python_command, same_imports, start
from model_mapreduce_job.task.node import may_start_the_run
from model_mapreduce_job.task.observing import observer_of, repeats_of
from model_mapreduce_job.task.run_model import (
    bound_models,
    configuration_of,
    facts_of,
    load_manager,
    load_run_models,
)
from model_mapreduce_job.task.stamping import stamped
from model_mapreduce_job.task.task_pipeline import Watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_mapreduce_job.formats.batch_formats import Reader, Writer
    from model_mapreduce_job.models.contract import MLModel
    from model_mapreduce_job.models.schemas import RecordSchema
    from model_mapreduce_job.pipeline.pipeline import Watch
    from model_mapreduce_job.task.lanes import Lane
    from model_mapreduce_job.task.messages import Survey, Surveyed, Verified, Verify
    from model_mapreduce_job.task.model_process import ModelProcess
    from model_mapreduce_job.task.task_options import TaskOptions
    from model_mapreduce_job.task.task_pipeline import TaskPipeline


def _delimited_reader(schema: RecordSchema, options: TaskOptions) -> InputProtocol:
    from model_mapreduce_job.task.delimited_rows import delimited_reader  # noqa: PLC0415 - csv and tsv alone

    return delimited_reader(schema, options)


def _delimited_writer(model: MLModel, options: TaskOptions) -> OutputProtocol:
    from model_mapreduce_job.task.delimited_rows import delimited_writer  # noqa: PLC0415 - csv and tsv alone

    return delimited_writer(model, options)


# The registry: a protocol's name, and how it is made from the schema or the model, and the run's options.
INPUT_PROTOCOLS: dict[str, Callable[[RecordSchema, TaskOptions], InputProtocol]] = {
    "ldjson": lambda schema, options: NanLineReader(schema) if options.allow_nan else JsonLineReader(schema),
    "csv": _delimited_reader,
    "tsv": _delimited_reader,
}
OUTPUT_PROTOCOLS: dict[str, Callable[[MLModel, TaskOptions], OutputProtocol]] = {
    "json": lambda _model, options: JsonPairWriter(explain=explains(options)),
    "ldjson": lambda _model, options: JsonObjectWriter(explain=explains(options)),
    "csv": _delimited_writer,
    "tsv": _delimited_writer,
}


class TaskFactory:
    """Makes predictions as the options of a run describe them, and describes the run's model.

    page, where there is one, is what the process's keeper watches: it ends a batch that takes too long.
    configuration names the one that the model is in, None the one that APP_SETTINGS names.
    """

    def __init__(self, begin: Begin, page: Page | None = None, configuration: str | None = None) -> None:
        self._begin = begin
        self._options = begin.options
        self._page = page
        self._configuration = configuration
        self._facts: dict[str, ModelFacts] = {}
        self.reading = text_reading(self._options)

    def make(self, attempt: int) -> TaskPipeline:
        """Return the prediction of a task's attempt, from 0: here, or in a child process from attempt 1 on.

        In this process the model is loaded now; isolated, when the first batch comes.
        """
        options = self._options
        if options.isolate == "always" or (options.isolate == "auto" and attempt > 0):
            isolated = IsolatedPipeline(
                self._start_child,
                options.predict_timeout,
                fail_fast=not options.no_fail_fast,
                has_header=options.header,
            )
            isolated.first_of_run = may_start_the_run()
            return isolated
        # Spark's own workers have no keeper
        self._page = self._page or Page(guarded_memory())
        return self._make(isolated=False)

    def make_isolated(self) -> Pipeline:
        """Return the prediction of a process that its starter can lose; the model is loaded now."""
        return self._make(isolated=True)

    def describe(self, *, load: bool, identify: bool) -> Described:
        """Return which models the configuration has, and with load what the run's own are like."""
        options = self._options
        configuration = configuration_of(options, self._configuration)
        manager = load_manager(configuration)
        names = [str(model["qualified_name"]) for model in manager.get_models()]
        if not options.names or not set(options.names) <= set(names):
            return Described(names)
        identity = _identity(configuration, options) if identify else {}
        if load:
            load_run_models(options, self._configuration)
        return Described(names, identity, self.model_facts())

    def model_facts(self) -> dict[str, ModelFacts]:
        """Return the facts of the run's models by name; nothing where this process has not loaded them."""
        self._facts = self._facts or facts_of(self._options)
        return self._facts

    def survey(self, request: Survey) -> Surveyed:
        """Return the columns of the run's tables, and the files of its input; loads the model."""
        from model_mapreduce_job.task.table_survey import surveyed  # noqa: PLC0415 - tables alone need Arrow

        return surveyed(request, self._begin, self.models, self._for_first_answers)

    def verify(self, request: Verify) -> Verified:
        """Return in what the model's predictions of golden records differ from what they must be."""
        from model_mapreduce_job.task.verification import verified  # noqa: PLC0415 - few runs need it

        return verified(request, self._options, self)

    def models(self, options: TaskOptions) -> list[MLModel]:
        """Return the run's models for an input with these options."""
        return load_run_models(options, self._configuration)

    def predicting(self, options: TaskOptions) -> TaskPipeline:
        """Return what predicts lines with these options, in this process."""
        begin = msgspec.structs.replace(self._begin, options=options, tables=TableRun())
        return TaskFactory(begin, self._page, self._configuration).make(attempt=0)

    def _for_first_answers(self, options: TaskOptions, tables: TableRun) -> TaskPipeline:
        options = msgspec.structs.replace(
            options, output_protocol="json", on_error="null", key=None, no_fail_fast=True, stamp=False
        )
        begin = msgspec.structs.replace(self._begin, options=options, tables=tables)
        return TaskFactory(begin, self._page, self._configuration).make(attempt=1)

    def _start_child(self) -> ModelProcess:
        child = start(
            python_command(), environment=same_imports(os.environ), directory=None, model_output=None
        )
        child.send(self._begin)
        return child

    def _make(self, *, isolated: bool) -> Pipeline:
        options = self._options
        started = perf_counter_ns()
        self._options, models = bound_models(self._options, self._configuration)
        most = self._options.predict_timeout / 4
        sizer = BatchSizer(options.batch_size, min(LONGEST_SECONDS, most), min(MOST_SECONDS, most))
        watch = Watched(self._page, options.predict_timeout) if self._page else Unwatched()
        parts = (
            self._parts_of_one(models[0], sizer) if len(models) == 1 else self._parts(models, sizer, watch)
        )
        return Pipeline(
            **(self._replaying(parts, models) if options.is_replay else parts),
            sizer=sizer,
            # the process that starts a child counts its load, even if the child dies
            report=ReportBuilder(Counters(load_ns=perf_counter_ns() - started, loads=0 if isolated else 1)),
            fail_fast=not options.no_fail_fast,
            first_of_run=may_start_the_run() and not isolated,
            check_batches=not isolated,
            fingerprint=options.fingerprint,
            watch=watch,
            observer=observer_of(options, models[0]),
            repeats=repeats_of(options),
        )

    def _parts_of_one(self, model: MLModel, sizer: BatchSizer) -> dict[str, Any]:
        lane = lane_of(model, lists=lists_are_quicker(model, self._options.input_protocol))
        writer = self._writer(model)
        fit = getattr(writer, "fit", None)
        return {
            "reader": _reader(model, lane, self._options, self._begin.tables),
            "predictor": predictor_for(model, sizer, columns=lane.to_columns is not None, fit=fit),
            "writer": stamped(writer, [model], self._options),
        }

    def _parts(self, models: list[MLModel], sizer: BatchSizer, watch: Watch) -> dict[str, Any]:
        # a run of one model has no use for it
        from model_mapreduce_job.task import several_models  # noqa: PLC0415

        tables = self._begin.tables
        options = _with_columns(self._options, tables)
        members = several_models.members_of(models, options, tables)
        several = several_models.predictor_of(members, sizer, watch.begin)
        return {
            "reader": several_models.reader_of(
                members, options, lambda one: _reader(one.model, one.lane, one.options, one.tables)
            ),
            "predictor": several,
            "writer": stamped(several_models.writer_of(members, options, tables), models, self._options),
            "several": several,
        }

    def _replaying(self, parts: dict[str, Any], models: list[MLModel]) -> dict[str, Any]:
        """Return the parts of a task that reads an earlier output."""
        if not self._begin.tables.is_written:
            from model_mapreduce_job.task.replays import replaying  # noqa: PLC0415 - replays alone need it

            return {
                **parts,
                "reader": replaying(parts["reader"], models, self._options, parts["writer"].header),
            }
        from model_mapreduce_job.task.table_replays import replaying_tables  # noqa: PLC0415 - same

        own = replaying_tables(parts["reader"], parts["writer"], self._begin.tables, self._options)
        return {**parts, **dict(zip(("reader", "writer"), own, strict=True))}

    def _writer(self, model: MLModel) -> Writer:
        tables = self._begin.tables
        if not tables.is_written:
            make = OUTPUT_PROTOCOLS[self._options.output_protocol]
            return TextWriter(make(model, _with_columns(self._options, tables)))
        from model_mapreduce_job.formats.table_schemas import output_shape  # noqa: PLC0415 - tables alone need Arrow
        from model_mapreduce_job.formats.table_writer import TableWriter  # noqa: PLC0415 - same

        return TableWriter(output_shape(tables, self._options))


def _reader(model: MLModel, lane: Lane, options: TaskOptions, tables: TableRun) -> Reader:
    # a replay reads rows of a table, which may have been lines of text
    if not tables.is_read or options.input_protocol in DELIMITERS:
        return TextReader(reader_for(model, options, lane), lane.to_columns)
    from model_mapreduce_job.formats.table_schemas import table_reader  # noqa: PLC0415 - tables alone need Arrow

    return table_reader(model, lane.schema, tables, lane.to_columns)


def _with_columns(options: TaskOptions, tables: TableRun) -> TaskOptions:
    """Return options with the columns of a table that is read, as --columns would name them."""
    if not tables.is_read:
        return options
    from model_mapreduce_job.formats.table_schemas import read_schema  # noqa: PLC0415 - tables alone need Arrow

    names = join_row(read_schema(tables.returned).names, ",")
    return msgspec.structs.replace(options, columns=names.decode())


def reader_for(model: MLModel, options: TaskOptions, lane: Lane) -> InputProtocol:
    """Return what reads the lines of a run with these options as a model's records; raises InputError."""
    if options.input_protocol in DELIMITERS:
        from model_mapreduce_job.task.delimited_rows import check_fields, delimited_reader  # noqa: PLC0415 - same

        to_columns = lane.to_columns
        wanted = plain_columns(model.input_schema, to_columns.schema) if to_columns else None
        rows = delimited_reader(lane.schema, options, wanted)
        check_fields(model, options)
        return rows
    reader = INPUT_PROTOCOLS[options.input_protocol](lane.schema, options)
    return KeyFieldReader(reader, options.key) if options.key else reader


def _identity(configuration: Any, options: TaskOptions) -> dict[str, Any]:
    from model_mapreduce_job.models.identity import run_identity  # noqa: PLC0415 - few runs need it

    return run_identity(configuration, options.as_dict())


def explains(options: TaskOptions) -> bool:
    """Return whether failures come out with their reason."""
    return options.on_error == "explain"
