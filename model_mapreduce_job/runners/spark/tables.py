"""Tables in Spark's driver program: its own readers and writers, with the run's pipeline between them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pyspark
from pyspark import TaskContext
from pyspark.sql import DataFrame, functions
from pyspark.sql.types import StructField, StructType
from pyspark.sql.udf import UserDefinedFunction
from pyspark.util import PythonEvalType

from model_mapreduce_job.runners.spark.table_plan import TablePlan
from model_mapreduce_job.runners.spark.table_tasks import spark_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa
    from pyspark.sql import SparkSession

    Predict = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]

# What a person's own settings could change of the values, or of which rows there are.
_SETTINGS: Final = {
    "spark.sql.caseSensitive": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.writeLegacyFormat": "false",
    "spark.sql.sources.useV1SourceList": "avro,csv,json,kafka,orc,parquet,text",
    "spark.sql.execution.arrow.useLargeVarTypes": "false",
}
_LINES: Final = (
    '{"type": "struct", "fields": [{"name": "value", "type": "binary", "nullable": true, "metadata": {}}]}'
)


def read_frame(session: SparkSession, paths: list[str], text: bytes) -> DataFrame:
    """Return the rows of files, or the lines of text ones as bytes, as a plan in JSON says.

    The files' names are the last column where the plan needs them.
    """
    plan = TablePlan.of(text)
    for name, value in _SETTINGS.items():
        session.conf.set(name, value)
    if not plan.reads:
        lines = session.read.text(paths, lineSep="\n", recursiveFileLookup=True)
        return lines.select(functions.col("value").cast("binary"))
    # the driver has named each file; what its directories say is the plan's to know
    reader = session.read.schema(_columns(plan.read_columns)).option("recursiveFileLookup", value=True)
    frame = reader.format(plan.reads).load(paths)
    if not plan.partitions:
        return frame
    return frame.select("*", frame.metadataColumn("_metadata").getField("file_path").alias("file"))


def predictor(make_job: Callable[[], Any], plan: bytes) -> Predict:
    """Return what makes an output of a task's batches, as a plan in JSON says, with the task's job."""

    def predict(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        # the job makes the package importable
        job = make_job()
        from model_mapreduce_job.runners.spark.table_tasks import naming_task, output_batches  # noqa: PLC0415 - as above

        with naming_task(TaskContext.get()):
            yield from output_batches(job, plan, batches)

    return predict


def write_frame(frame: DataFrame, predict: Predict, text: bytes, path: str, codec: str | None) -> None:
    """Write what tasks make of a frame's batches, as a plan in JSON says."""
    plan = TablePlan.of(text)
    output = _mapped(frame, predict, _columns(plan.written_columns or _LINES))
    if plan.writes:
        output.write.format(plan.writes).option("compression", "zstd").save(path)
        return
    lines = output.select(functions.col("value").cast("string"))
    lines.write.text(path, compression=codec, lineSep="\n")


def _mapped(frame: DataFrame, predict: Predict, columns: StructType) -> DataFrame:
    """Return what a function makes of batches, as DataFrame.mapInArrow does, which asks for pandas."""
    plain = frame.toDF(*spark_names(len(frame.columns)))
    names = spark_names(len(columns))
    returned = StructType(
        [StructField(name, field.dataType) for name, field in zip(names, columns, strict=True)]
    )
    kind = PythonEvalType.SQL_MAP_ARROW_ITER_UDF
    called: Any = UserDefinedFunction(predict, returnType=returned, evalType=kind)(*plain.columns)
    java: Any = plain._jdf  # the way to Java
    is_three = pyspark.__version__.startswith("3.")
    mapped = (
        java.mapInArrow(called._jc.expr(), False)  # noqa: FBT003 - the signature of Java's method
        if is_three
        else java.mapInArrow(called._jc, False, None)  # noqa: FBT003 - the signature of Java's method
    )
    return DataFrame(mapped, frame.sparkSession).toDF(*columns.names)


def _columns(text: str) -> StructType:
    return StructType.fromJson(json.loads(text))
