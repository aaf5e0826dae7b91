"""What Spark does in tests, so that its Java machine learns which classes that takes; run by spark-submit."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa


def unchanged(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the batches that a task is given."""
    yield from batches


def main(place: Path) -> None:
    """Read and write text, lines by way of Python, and a table by way of Arrow."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 - only the tests of the cluster install it

    session = SparkSession.builder.getOrCreate()
    (place / "text").write_text("a\nb\n")
    lines = session.read.text(str(place / "text"), lineSep="\n", recursiveFileLookup=True)
    lines.rdd.map(lambda row: row.value).saveAsTextFile(str(place / "lines"))
    lines.write.parquet(str(place / "table"))
    table = session.read.parquet(str(place / "table"))
    table.mapInArrow(unchanged, table.schema).write.parquet(str(place / "again"))
    session.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
