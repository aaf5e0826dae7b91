"""A task: the model, the protocols and the core, put together from a run's options."""

from __future__ import annotations

import os
from functools import partial
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from model_mapreduce_job.formats.rows import join_row
from model_mapreduce_job.formats.table_format import TableRun
from model_mapreduce_job.formats.text_format import TextReader, TextWriter
from model_mapreduce_job.models.schemas import record_schema
from model_mapreduce_job.pipeline.batch_sizing import LONGEST_SECONDS, MOST_SECONDS, BatchSizer
from model_mapreduce_job.pipeline.counters import Counters
from model_mapreduce_job.pipeline.observers import Unobserved, counting_repeats, profiling
from model_mapreduce_job.pipeline.pipeline import Pipeline, Unwatched
from model_mapreduce_job.pipeline.predictors import predictor_for
from model_mapreduce_job.pipeline.task_report import ReportBuilder
from model_mapreduce_job.task.delimited_options import DELIMITERS
from model_mapreduce_job.task.guard import guarded_memory
from model_mapreduce_job.task.isolation import IsolatedPipeline
from model_mapreduce_job.task.keeper import Page
from model_mapreduce_job.task.lanes import lane_of, lists_are_quicker
from model_mapreduce_job.task.messages import Begin, Described, ModelFacts, SamplePredicted
from model_mapreduce_job.task.model_process import python_command, same_imports, start
from model_mapreduce_job.task.node import may_start_the_run
from model_mapreduce_job.task.run_model import (
    bound_models,
    configuration_of,
    facts_of,
    load_manager,
    load_run_models,
)
from model_mapreduce_job.task.stamping import stamped
from model_mapreduce_job.task.task_pipeline import Watched
from model_mapreduce_job.task.text_protocols import reader_for, writer_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_mapreduce_job.formats.batch_formats import Reader, Writer
    from model_mapreduce_job.models.contract import MLModel
    from model_mapreduce_job.pipeline.pipeline import Several, Watch
    from model_mapreduce_job.pipeline.predictors import Predictor
    from model_mapreduce_job.task.lanes import Lane
    from model_mapreduce_job.task.messages import Survey, Surveyed, Verified, Verify
    from model_mapreduce_job.task.model_process import ModelProcess
    from model_mapreduce_job.task.task_options import TaskOptions
    from model_mapreduce_job.task.task_pipeline import TaskPipeline


class _Stages(NamedTuple):
    """What reads, predicts and writes; several is the predictor once more where it is of several models."""

    reader: Reader
    predictor: Predictor
    writer: Writer
    several: Several | None = None


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

    def make(self, attempt: int) -> TaskPipeline:
        """Return what predicts a task's attempt, from 0: here, or in a child process from attempt 1 on.

        In this process the model is loaded now; isolated, when the first batch comes.
        """
        options = self._options
        if options.isolate == "always" or (options.isolate == "auto" and attempt > 0):
            return IsolatedPipeline(
                self._start_child,
                options.predict_timeout,
                fail_fast=not options.no_fail_fast,
                has_header=options.header,
                first_of_run=may_start_the_run(),
            )
        # Spark's own workers have no keeper
        self._page = self._page or Page(guarded_memory())
        return self._make(isolated=False)

    def make_isolated(self) -> Pipeline:
        """Return what predicts in a process that its starter can lose; the model is loaded now."""
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
        from model_mapreduce_job.task.table_survey import surveyed, with_spark_columns  # noqa: PLC0415 - tables alone need Arrow

        found = surveyed(request, self._begin, self.models, self._for_first_answers)
        return with_spark_columns(found, self._begin.options) if request.on_spark else found

    def check_columns(self) -> None:
        """Raise InputError where the columns of the run's rows are not those that its models need."""
        from model_mapreduce_job.task.column_check import check_columns  # noqa: PLC0415 - rows alone need it

        check_columns(self._options, self._configuration)

    def predict_sample(self, attempt: int, sample: bytes, beat: Callable[[], None]) -> SamplePredicted:
        """Return the result of a packed sample; beat is called as a sign of life."""
        from model_mapreduce_job.task.sample_prediction import SampleSetup, predict_sample  # noqa: PLC0415 - for plans

        result = predict_sample(SampleSetup(self._begin, partial(self._task, attempt)), sample, beat)
        return SamplePredicted(msgspec.to_builtins(result))

    def verify(self, request: Verify) -> Verified:
        """Return in what the model's predictions of golden records differ from what they must be."""
        from model_mapreduce_job.task.verification import verified  # noqa: PLC0415 - few runs need it

        return verified(request, self._options, self)

    def models(self, options: TaskOptions) -> list[MLModel]:
        """Return the run's models for an input with these options."""
        return load_run_models(options, self._configuration)

    def predicting(self, options: TaskOptions) -> TaskPipeline:
        """Return what predicts lines with these options, in this process."""
        return self._task(0, options, TableRun())

    def _for_first_answers(self, options: TaskOptions, tables: TableRun) -> TaskPipeline:
        options = msgspec.structs.replace(
            options, output_protocol="json", on_error="null", key=None, no_fail_fast=True, stamp=False
        )
        return self._task(1, options, tables)

    def _task(self, attempt: int, options: TaskOptions, tables: TableRun) -> TaskPipeline:
        begin = msgspec.structs.replace(self._begin, options=options, tables=tables)
        return TaskFactory(begin, self._page, self._configuration).make(attempt)

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
        stages = (
            self._of_one(models[0], sizer) if len(models) == 1 else self._of_several(models, sizer, watch)
        )
        if options.is_replay:
            stages = self._replaying(stages, models)
        return Pipeline(
            stages.reader,
            stages.predictor,
            stages.writer,
            sizer,
            several=stages.several,
            # the process that starts a child counts its load, even if the child dies
            report=ReportBuilder(Counters(load_ns=perf_counter_ns() - started, loads=0 if isolated else 1)),
            fail_fast=not options.no_fail_fast,
            first_of_run=may_start_the_run() and not isolated,
            check_batches=not isolated,
            fingerprint=options.fingerprint,
            watch=watch,
            observer=profiling(record_schema(models[0].input_schema).fields)
            if options.is_profiled
            else Unobserved(),
            repeats=counting_repeats() if options.check_duplicates else None,
        )

    def _of_one(self, model: MLModel, sizer: BatchSizer) -> _Stages:
        lane = lane_of(model, lists=lists_are_quicker(model, self._options.input_protocol))
        writer = self._writer(model)
        fit = getattr(writer, "fit", None)
        return _Stages(
            _reader(model, lane, self._options, self._begin.tables),
            predictor_for(model, sizer, columns=lane.to_columns is not None, fit=fit),
            stamped(writer, [model], self._options),
        )

    def _of_several(self, models: list[MLModel], sizer: BatchSizer, watch: Watch) -> _Stages:
        # a run of one model has no use for it
        from model_mapreduce_job.task import several_models  # noqa: PLC0415

        tables = self._begin.tables
        options = _with_columns(self._options, tables)
        members = several_models.members_of(models, options, tables)
        several = several_models.predictor_of(members, sizer, watch.begin)
        reader = several_models.reader_of(
            members, options, lambda one: _reader(one.model, one.lane, one.options, one.tables)
        )
        writer = several_models.writer_of(members, options, tables)
        return _Stages(reader, several, stamped(writer, models, self._options), several)

    def _replaying(self, stages: _Stages, models: list[MLModel]) -> _Stages:
        """Return the stages of a task that reads an earlier output."""
        if not self._begin.tables.is_written:
            from model_mapreduce_job.task.replays import replaying  # noqa: PLC0415 - replays alone need it

            reader = replaying(stages.reader, models, self._options, stages.writer.header)
            return stages._replace(reader=reader)
        from model_mapreduce_job.task.table_replays import replaying_tables  # noqa: PLC0415 - same

        tables = self._begin.tables
        reader, writer = replaying_tables(stages.reader, stages.writer, tables, self._options)
        return stages._replace(reader=reader, writer=writer)

    def _writer(self, model: MLModel) -> Writer:
        tables = self._begin.tables
        if not tables.is_written:
            return TextWriter(writer_for(model, _with_columns(self._options, tables)))
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


def _identity(configuration: Any, options: TaskOptions) -> dict[str, Any]:
    from model_mapreduce_job.models.identity import run_identity  # noqa: PLC0415 - few runs need it

    return run_identity(configuration, options.as_dict())
