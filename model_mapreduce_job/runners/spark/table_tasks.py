"""What a task on Spark does with tables: Arrow's batches in, through a pipeline, and out."""

from __future__ import annotations

import platform
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from model_mapreduce_job.formats.lines import blocks_of
from model_mapreduce_job.formats.spark_columns import as_type, spark_arrow_schema
from model_mapreduce_job.formats.table_schemas import read_schema
from model_mapreduce_job.formats.table_stamp import written_schema
from model_mapreduce_job.models.arrow_arrays import arrow_array
from model_mapreduce_job.pipeline.model_warnings import ModelWarnings
from model_mapreduce_job.runners.spark.table_plan import TablePlan
from model_mapreduce_job.task import memory
from model_mapreduce_job.task.delimited_options import text_reading
from model_mapreduce_job.task.factory import TaskFactory
from model_mapreduce_job.task.node import attempt_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from model_mapreduce_job.task.messages import Begin


@contextmanager
def naming_task(task: Any) -> Iterator[None]:
    """Note in an error which task it ends, in the words that Spark has for tasks of lines alone."""
    try:
        yield
    except Exception as error:
        number, attempt = task.partitionId(), task.taskAttemptId()
        error.add_note(
            f"Task {number} in stage {task.stageId()} failed (TID {attempt}) ({platform.node()} executor)"
        )
        raise


def output_batches(job: Any, plan: bytes, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield what Spark writes for a task's batches, then send its report; plan is its TablePlan in JSON."""
    memory.settle_for_batches()
    known = TablePlan.of(plan)
    begin = msgspec.structs.replace(job.begin(job.run_options.task), tables=known.tables)
    task = TaskFactory(begin).make(attempt_number())
    as_written = _rows_written(begin) if known.writes else _lines_written
    blocks = _rows_read(known, batches) if known.reads else _lines_read(begin, batches)
    if (header := task.header()) is not None:
        yield _lines_written([header])
    with ModelWarnings().kept() as warned:
        for output in task.predict_lines(blocks):
            if len(output):
                yield as_written(output)
        warned.add_to(task.report)
    job.send_report(task.report.built())


def _rows_read(plan: TablePlan, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield batches with the run's columns, in their own types."""
    schema = read_schema(plan.tables.read)
    for batch in batches:
        given = _given(plan, batch.column(batch.num_columns - 1)) if plan.partitions else {}
        columns = iter(batch.columns)
        found = [given[field.name] if field.name in given else next(columns) for field in schema]
        arrays = [as_type(column, field.type) for column, field in zip(found, schema, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _given(plan: TablePlan, files: pa.Array) -> dict[str, pa.Array]:
    """Return the columns that the directories of files give, for rows that are in these."""
    coded = files.dictionary_encode()
    partitions = [plan.partition_of(file) for file in coded.dictionary.to_pylist()]
    values = [dict(partition) for partition in partitions]
    names = list(values[0]) if values else [name for name, _ in next(iter(plan.partitions.values()))]
    return {
        name: arrow_array([one[name] for one in values], pa.string()).take(coded.indices) for name in names
    }


def _lines_read(begin: Begin, batches: Iterator[pa.RecordBatch]) -> Iterator[Any]:
    """Yield blocks of lines, of batches whose only column has their bytes."""
    reading = text_reading(begin.options)
    lines = chain.from_iterable(batch.column(0).to_pylist() for batch in batches)
    yield from reading.utf_8_lines(blocks_of(lines, reading.max_record_bytes))


def _rows_written(begin: Begin) -> Callable[[pa.RecordBatch], pa.RecordBatch]:
    schema = spark_arrow_schema(written_schema(begin.tables, begin.options))
    names = spark_names(len(schema))

    def written(rows: pa.RecordBatch) -> pa.RecordBatch:
        arrays = [as_type(column, kind) for column, kind in zip(rows.columns, schema.types, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, names)

    return written


def _lines_written(lines: Any) -> pa.RecordBatch:
    return pa.record_batch([arrow_array(list(lines), pa.binary())], spark_names(1))


def spark_names(count: int) -> list[str]:
    """Return names for columns on their way through Spark, where a person's own would be read as SQL."""
    return [f"c{number}" for number in range(count)]
