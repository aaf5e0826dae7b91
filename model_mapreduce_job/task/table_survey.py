"""The columns of a run's tables, as the process that holds the model finds them before any task starts."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from msgspec.structs import replace

from model_mapreduce_job.exceptions import InputError, ModelContractError
from model_mapreduce_job.formats.prediction_columns import SINGLE, prediction_schema, schema_of_texts
from model_mapreduce_job.formats.records import OverlongLine
from model_mapreduce_job.formats.registry import TABLES, table_format
from model_mapreduce_job.formats.spark_columns import read_columns, written_columns
from model_mapreduce_job.formats.table_format import TableRun
from model_mapreduce_job.formats.table_schemas import (
    columns_to_read,
    output_shape,
    read_schema,
    schema_of_several,
    write_schema,
)
from model_mapreduce_job.formats.table_stamp import written_schema
from model_mapreduce_job.formats.unknown_columns import why_unknown
from model_mapreduce_job.printable import counted
from model_mapreduce_job.storage.inputs import STDIN, is_remote, list_inputs
from model_mapreduce_job.storage.splits import split_files
from model_mapreduce_job.storage.table_files import named_files, split_tables
from model_mapreduce_job.storage.table_survey import survey
from model_mapreduce_job.task.delimited_rows import row_shape
from model_mapreduce_job.task.messages import Surveyed
from model_mapreduce_job.task.table_replays import replayed_tables
from model_mapreduce_job.task.task_files import TaskFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from model_mapreduce_job.models.contract import MLModel
    from model_mapreduce_job.storage.splits import Split
    from model_mapreduce_job.storage.table_files import TableFile
    from model_mapreduce_job.storage.table_survey import Tables
    from model_mapreduce_job.task.messages import Begin, Survey
    from model_mapreduce_job.task.task_options import TaskOptions
    from model_mapreduce_job.task.task_pipeline import TaskPipeline

    MakeTask = Callable[[TaskOptions, TableRun], TaskPipeline]

# How many of the first records the model is asked about, where no output_schema says what they are.
_FIRST_RECORDS: Final = 1000
_MOST_SPLITS: Final = 8
_INPUT: Final = "input"


def surveyed(
    request: Survey, begin: Begin, load: Callable[[TaskOptions], list[MLModel]], make_task: MakeTask
) -> Surveyed:
    """Return the columns of a run's tables, and the files of its input, where that is one.

    load returns the models of a run with these options, make_task what predicts with them into JSON pairs, in
    a process that may be lost. Raises InputError and ModelContractError.
    """
    options = begin.options
    if options.is_replay:
        return _of_replay(request, options, load)
    files: tuple[TableFile, ...] = ()
    tables, columns = TableRun(), ()
    if options.input_protocol in TABLES:
        found = _found(request, options)
        files, columns = found.files, tuple(found.schema.names)
        begin = replace(begin, options=replace(options, input_fields=columns))
    models = load(begin.options)
    if columns:
        tables = columns_to_read(models, found.schema, options)
    if options.output_protocol not in TABLES:
        return Surveyed(tables, files, columns)
    if not tables.is_read:
        tables = replace(tables, returned=write_schema(_texts(begin, models)))
    predictions = {}
    for model, alone in zip(models, begin.options.alone(), strict=True):
        known = prediction_schema(model.output_schema)
        if known is None:
            # as it is read, and with nothing written of it
            text = replace(begin, options=alone, tables=tables)
            known = _of_first_answers(request, text, tables, files, make_task)
        predictions[str(alone.model_qualified_name)] = known
    schema = schema_of_several(predictions) if options.several else next(iter(predictions.values()))
    tables = replace(tables, prediction=write_schema(schema))
    table_format(options.output_protocol).writer(
        pa.BufferOutputStream(), output_shape(tables, options).schema
    )
    return Surveyed(tables, files, columns)


def with_spark_columns(found: Surveyed, options: TaskOptions) -> Surveyed:
    """Return what was found with its columns as Spark has them; raises InputError for what it can't have."""
    read = written = ""
    if found.tables.is_read:
        given = {name for file in found.files for name, _ in file.partition}
        columns = read_schema(found.tables.read)
        read = read_columns([field for field in columns if field.name not in given])
    if found.tables.is_written:
        written = written_columns(written_schema(found.tables, options), options.output_protocol)
    return replace(found, for_spark=(read, written))


def _of_replay(
    request: Survey, options: TaskOptions, load: Callable[[TaskOptions], list[MLModel]]
) -> Surveyed:
    found = _found(request, options)
    tables = replayed_tables(found.schema, options, load)
    return Surveyed(tables, found.files, tuple(read_schema(tables.returned).names))


def _found(request: Survey, options: TaskOptions) -> Tables:
    return survey(table_format(options.source_protocol), request.places or named_files(request.paths))


def _texts(begin: Begin, models: Sequence[MLModel]) -> pa.Schema:
    """Return the columns of a text input, each of texts: those that a csv output would have."""
    names = row_shape(models[0], begin.options, models[1:]).input_columns or (_INPUT,)
    return pa.schema([(name, pa.string()) for name in names])


def _of_first_answers(
    request: Survey, begin: Begin, tables: TableRun, files: tuple[TableFile, ...], make_task: MakeTask
) -> pa.Schema:
    """Return the columns of the first predictions, made in a process that may be lost."""
    if elsewhere := [path for path in request.paths if is_remote(path)]:
        raise InputError(
            f"The model has no output_schema, and {elsewhere[0]} is not on this machine, so the columns of "
            "the output can't be known before. Give the model an output_schema."
        )
    splits = split_tables(files, 1) if tables.is_read else _text_splits(request)
    seen, texts = 0, []
    for split in splits[:_MOST_SPLITS]:
        with TaskFiles(begin).opened(split, b"") as source:
            batches = make_task(begin.options, tables).predict_lines(_first(source.blocks))
            lines = list(chain.from_iterable(batches))[:_FIRST_RECORDS]
        seen += len(lines)
        texts += [text for line in lines if (text := line.rpartition(b"\t")[2]) != b"null"]
        if texts:
            break
    found = schema_of_texts(texts)
    if found is None and seen:
        raise ModelContractError(
            f"The model has no output_schema, and its first {counted(seen, 'prediction')} "
            f"{why_unknown(texts)}, so the columns of the output can't be known. Give it an output_schema, "
            "with one type a field."
        )
    return found or pa.schema([(SINGLE, pa.string())])


def _first(blocks: Iterable[Any]) -> Iterator[Any]:
    left = _FIRST_RECORDS + 1  # a header is among them
    for block in blocks:
        part = block if isinstance(block, OverlongLine) else block[:left]
        yield part
        left -= 1 if isinstance(part, OverlongLine) else len(part)
        if left <= 0:
            return


def _text_splits(request: Survey) -> list[Split]:
    if STDIN in request.paths:
        raise InputError(
            "The model has no output_schema, and standard input can be read only once, so the columns of the "
            "output can't be known before. Give the model an output_schema, or the input as files."
        )
    return split_files(list_inputs(request.paths), 1)
