"""The job on Spark whose tasks YARN starts: the driver program runs here, the tasks in the bundle."""

from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from cluster_jobs import IRIS, IRIS_SETTINGS, fingerprint, inline_fingerprint
from local_hadoop import LocalHadoop
from local_jobs import PROJECT, LocalJob

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

INPUT = PROJECT / "data" / "input.ldjson"
MEASURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")


def test_yarn_runs_its_tasks_in_the_bundle(hadoop: LocalHadoop, iris_bundle: Path, tmp_path: Path) -> None:
    """Parquet from this machine, which is put there; the driver program runs here."""
    table = pa.table({name: pa.array([n / 8 + 0.5 for n in range(200)]) for name in MEASURES})
    pq.write_table(table, tmp_path / "rows.parquet")
    spark = find_spec("pyspark")
    assert spark is not None
    assert spark.origin is not None
    jars = Path(spark.origin).parent / "jars"
    settings = {"yarn.jars": f"local:{jars}/*", "executor.memory": "512m", "yarn.am.memory": "512m"}
    options = [option for name, value in settings.items() for option in ("-D", f"spark.{name}={value}")]
    yarn = ("-r", "spark", "--no-conf", "--spark-master", "yarn", "--bundle", str(iris_bundle), *options)
    job = LocalJob(tmp_path, (*yarn, *IRIS), environment={**hadoop.environment, **IRIS_SETTINGS})
    output = "hdfs:///yarn/out"
    ended = job.run("--output_protocol", "parquet", "--output-dir", output, tmp_path / "rows.parquet")
    inline = ("--output_protocol", "parquet", "--output-dir", tmp_path / "here", tmp_path / "rows.parquet")
    assert fingerprint(ended) == inline_fingerprint(tmp_path, *IRIS, *inline, **IRIS_SETTINGS)
    hadoop.hadoop("fs", "-get", output, tmp_path / "there")
    found, expected = (ds.dataset(tmp_path / place).to_table() for place in ("there", "here"))
    assert found.sort_by(MEASURES[0]).equals(expected.sort_by(MEASURES[0]))
    text = job.run(INPUT)
    assert text.code == 0, text.errors
    assert len(text.output.splitlines()) == 15
