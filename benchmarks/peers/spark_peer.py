"""PySpark: its JSON or Parquet reader with a schema, the model in mapInPandas, part files, on local[N]."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator

import pandas as pd
from frames import with_predictions
from peer_options import PeerOptions, peer_options
from pyspark.sql import SparkSession
from pyspark.sql.types import DataType, DoubleType, StringType, StructField, StructType
from served_model import MODELS, ServedModel

SPARK_TYPES: dict[type, DataType] = {str: StringType(), float: DoubleType()}
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "20000",
}


def run(options: PeerOptions) -> None:
    """Predict `options.input` into a directory of part files."""
    model = MODELS[options.model]
    spark = _session(options.workers)
    reader = spark.read.schema(_record_schema(model))
    is_parquet = options.input.suffix == ".parquet"
    records = reader.parquet(str(options.input)) if is_parquet else reader.json(str(options.input))
    predicted = records.mapInPandas(_predictor(options.model), _output_schema(model))
    if is_parquet:
        predicted.write.parquet(str(options.output), compression="zstd")
    else:
        predicted.write.json(str(options.output), ignoreNullFields=False)
    spark.stop()


def _session(workers: int) -> SparkSession:
    # Spark starts its Python workers by name, and looks up this machine's address, unless told.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    builder = SparkSession.builder.master(f"local[{workers}]").appName("peer")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _predictor(model_name: str) -> Callable[[Iterable[pd.DataFrame]], Iterator[pd.DataFrame]]:
    def predict_frames(frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            yield with_predictions(frame, model_name)

    return predict_frames


def _record_schema(model: ServedModel) -> StructType:
    numbers = [StructField(name, DoubleType()) for name in model.numbers]
    return StructType(numbers + [StructField(name, StringType()) for name in model.texts])


def _output_schema(model: ServedModel) -> StructType:
    outputs = [StructField(name, SPARK_TYPES[kind]) for name, kind in model.prediction.items()]
    return StructType(_record_schema(model).fields + outputs)


if __name__ == "__main__":
    run(peer_options("Predict line-delimited JSON or Parquet with PySpark."))
