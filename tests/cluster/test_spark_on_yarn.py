"""The job on Spark with a Hadoop: YARN starts its tasks, which run in the bundle, and HDFS has its tables."""

from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from cluster_jobs import IRIS, IRIS_SETTINGS, QUICK_JAVA, fingerprint, inline_fingerprint
from local_hadoop import LocalHadoop
from local_jobs import PROJECT, LocalJob

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

INPUT = PROJECT / "data" / "input.ldjson"
MEASURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
PARQUET = ("--input_protocol", "parquet", "--output_protocol", "parquet", "--output-dir")


def irises(count: int) -> pa.Table:
    """Return iris rows."""
    return pa.table({name: pa.array([n / 8 + 0.5 for n in range(count)], pa.float64()) for name in MEASURES})


def test_yarn_runs_its_tasks_in_the_bundle(hadoop: LocalHadoop, iris_bundle: Path, tmp_path: Path) -> None:
    """Parquet from this machine, which is put there, and from HDFS; the driver program runs here.

    Local text comes out on standard output.
    """
    table = irises(200)
    paths = [tmp_path / "rows.parquet", tmp_path / "more.parquet"]
    for path, rows in zip(paths, (table, table.slice(0, 50)), strict=True):
        pq.write_table(rows, path)
    hadoop.hadoop("fs", "-rm", "-r", "-f", "-skipTrash", "/yarn")
    hadoop.hadoop("fs", "-mkdir", "/yarn")
    hadoop.hadoop("fs", "-put", paths[1], "/yarn/more.parquet")
    spark = find_spec("pyspark")
    assert spark is not None
    assert spark.origin is not None
    jars = Path(spark.origin).parent / "jars"
    memory = {"executor.memory": "512m", "yarn.am.memory": "512m"}
    quick = {"yarn.am.extraJavaOptions": QUICK_JAVA, "executor.extraJavaOptions": QUICK_JAVA}
    settings = {"yarn.jars": f"local:{jars}/*", "executor.instances": "1", **memory, **quick}
    options = [option for name, value in settings.items() for option in ("-D", f"spark.{name}={value}")]
    yarn = ("-r", "spark", "--no-conf", "--spark-master", "yarn", "--bundle", str(iris_bundle), *options)
    job = LocalJob(tmp_path, (*yarn, *IRIS), environment={**hadoop.environment, **IRIS_SETTINGS})
    output = "hdfs:///yarn/out"
    ended = job.run(*PARQUET, output, paths[0], "hdfs:///yarn/more.parquet")
    inline = (*PARQUET, tmp_path / "here", *paths)
    assert fingerprint(ended) == inline_fingerprint(tmp_path, *IRIS, *inline, **IRIS_SETTINGS)
    hadoop.hadoop("fs", "-get", output, tmp_path / "there")
    found, expected = (ds.dataset(tmp_path / place).to_table() for place in ("there", "here"))
    assert found.sort_by(MEASURES[0]).equals(expected.sort_by(MEASURES[0]))
    text = job.run(INPUT)
    assert text.code == 0, text.errors
    expected = LocalJob(tmp_path, environment=IRIS_SETTINGS).run(*IRIS, INPUT)
    assert Counter(text.output.splitlines()) == Counter(expected.output.splitlines())


def test_tables_of_hdfs_come_out_there_as_on_one_machine(hadoop: LocalHadoop, tmp_path: Path) -> None:
    """With the columns of directories, whatever the names; a file that is cut off is refused first."""
    for year, city in (("2024", "a%20b"), ("2025", "a%2520b")):
        directory = tmp_path / "in" / f"year={year}" / f"city={city}"
        directory.mkdir(parents=True)
        pq.write_table(irises(100), directory / "größe, [x].parquet", row_group_size=40)
        pq.write_table(irises(0), directory / "none.parquet")
    (tmp_path / "cut.parquet").write_bytes((directory / "none.parquet").read_bytes()[:-9])
    hadoop.hadoop("fs", "-rm", "-r", "-f", "-skipTrash", "/on-spark")
    hadoop.hadoop("fs", "-mkdir", "/on-spark")
    hadoop.hadoop("fs", "-put", tmp_path / "in", tmp_path / "cut.parquet", "/on-spark")
    spark = ("-r", "spark", "--no-conf", "--spark-master", "local[2]", *IRIS)
    job = LocalJob(tmp_path, spark, environment={**hadoop.environment, **IRIS_SETTINGS})
    ended = job.run(*PARQUET, "hdfs:///on-spark/out", "--key", "city", "--key", "year", "hdfs:///on-spark/in")
    inline = (*PARQUET, tmp_path / "here", "--key", "city", "--key", "year", tmp_path / "in")
    assert fingerprint(ended) == inline_fingerprint(tmp_path, *IRIS, *inline, **IRIS_SETTINGS)
    assert "complete: 200 lines = 200 predicted" in ended.errors
    names = hadoop.hadoop("fs", "-ls", "-C", "/on-spark").stdout.split()
    assert names == ["/on-spark/cut.parquet", "/on-spark/in", "/on-spark/out"]
    hadoop.hadoop("fs", "-get", "/on-spark/out", tmp_path / "there")
    assert (tmp_path / "there" / "_SUCCESS").exists()
    found = ds.dataset(tmp_path / "there").to_table()
    cities = {each["values"]: each["counts"] for each in found["city"].value_counts().to_pylist()}
    assert cities == {"a b": 100, "a%20b": 100}
    ended = job.run("-q", *PARQUET, "hdfs:///on-spark/no", "hdfs:///on-spark/cut.parquet")
    assert (ended.code, len(ended.errors.splitlines())) == (1, 1), ended.errors
    assert "hdfs:///on-spark/cut.parquet is cut off or damaged" in ended.errors
