"""The job on a standalone Spark cluster: same answers, from HDFS and on standard output."""

from collections import Counter
from pathlib import Path

import pytest
from cluster_jobs import IRIS, IRIS_SETTINGS, fingerprint, summary_of
from hostile_rows import ROWS
from local_hadoop import LocalHadoop
from local_jobs import PROJECT, LocalJob

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

INPUT = PROJECT / "data" / "input.ldjson"


@pytest.fixture
def standalone(hadoop: LocalHadoop, spark_master: str, iris_bundle: Path, tmp_path: Path) -> LocalJob:
    """Give the iris job on a cluster, whose executors run in the bundle."""
    options = ("-r", "spark", "--no-conf", "--spark-master", spark_master, "--bundle", str(iris_bundle))
    return LocalJob(tmp_path, (*options, *IRIS), environment={**hadoop.environment, **IRIS_SETTINGS})


def test_a_cluster_reads_from_hdfs_and_writes_to_it(
    hadoop: LocalHadoop,
    standalone: LocalJob,
    rows_fingerprint: dict[str, str],
    rows_in_hdfs: str,
    tmp_path: Path,
) -> None:
    """The executors have nothing but the bundle; counters, summary and proof are there."""
    output = ("--output-dir", "hdfs:///spark/out", "--summary_file", tmp_path / "summary.json")
    ended = standalone.run(*output, f"{rows_in_hdfs}/rows.ldjson")
    assert fingerprint(ended) == rows_fingerprint["ldjson"]
    assert summary_of(tmp_path / "summary.json")["counts"]["lines"] == ROWS
    names = hadoop.hadoop("fs", "-ls", "-C", "/spark").stdout.split()
    assert names == ["/spark/out"]
    assert "/spark/out/_SUCCESS" in hadoop.hadoop("fs", "-ls", "-C", "/spark/out").stdout.split()


def test_local_input_comes_out_on_a_clusters_standard_output(standalone: LocalJob, tmp_path: Path) -> None:
    ended = standalone.run(INPUT)
    assert ended.code == 0, ended.errors
    expected = LocalJob(tmp_path, environment=IRIS_SETTINGS).run(*IRIS, INPUT)
    assert Counter(ended.output.splitlines()) == Counter(expected.output.splitlines())
