"""The Spark of cluster.py, at work: for mrjob's own runner, and for the job."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest
from cluster_jobs import IRIS, IRIS_SETTINGS, QUICK_EXECUTORS, fingerprint, inline_fingerprint, summary_of
from hostile_rows import ROWS
from local_cluster.layout import default_layout
from local_cluster.ports import LOOPBACK, listeners
from local_cluster.spark import SparkCluster
from local_hadoop import LocalHadoop, cluster
from local_jobs import LocalJob, write_records

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

JOB = Path(__file__).with_name("word_count.py")
WORDS = [f"{n % 7} {n % 3}" for n in range(1000)]


def job_command(master: str, *arguments: str) -> list[str]:
    """Return the command line of the word count on Spark."""
    options = ["-r", "spark", "--no-conf", "--spark-master", master, "--python-bin", sys.executable]
    return [sys.executable, str(JOB), *options, *arguments]


def job_environment(hadoop: LocalHadoop, counters: Path) -> dict[str, str]:
    """Return the environment of a driver on Spark whose files are in HDFS."""
    return hadoop.environment | {"COUNTERS": str(counters), "SPARK_LOCAL_IP": LOOPBACK}


def test_mrjob_runs_a_job_on_spark_and_reads_its_counters(
    hadoop: LocalHadoop, spark_master: str, tmp_path: Path
) -> None:
    text, counters = tmp_path / "text", tmp_path / "counters"
    text.write_text("\n".join(WORDS) + "\n", encoding="ascii")
    environment = job_environment(hadoop, counters)
    command = job_command(spark_master, str(text))
    job = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert job.returncode == 0, job.stderr
    counts = dict(line.split("\t") for line in job.stdout.splitlines())
    assert {json.loads(word): int(count) for word, count in counts.items()} == Counter(
        " ".join(WORDS).split()
    )
    assert json.loads(counters.read_text(encoding="utf-8")) == [{"word_count": {"lines": len(WORDS)}}]


def test_the_job_reads_from_hdfs_and_this_machine_and_writes_to_hdfs(  # noqa: PLR0913, PLR0917 - fixtures
    hadoop: LocalHadoop, spark_master: str, iris_bundle: Path, rows: Path, rows_in_hdfs: str, tmp_path: Path
) -> None:
    """The executors have nothing but the bundle; counters, summary and proof are there."""
    options = ("-r", "spark", "--no-conf", "--spark-master", spark_master, "--bundle", str(iris_bundle))
    job = LocalJob(
        tmp_path, (*options, *QUICK_EXECUTORS, *IRIS), environment={**hadoop.environment, **IRIS_SETTINGS}
    )
    hadoop.hadoop("fs", "-rm", "-r", "-f", "-skipTrash", "/spark")
    output = ("--output-dir", "hdfs:///spark/out", "--summary_file", tmp_path / "summary.json")
    here = write_records(tmp_path / "here.ldjson", [{"sepal_length": 5.1}])
    ended = job.run(*output, f"{rows_in_hdfs}/rows.ldjson", here)
    inline = (*IRIS, rows / "rows.ldjson", here)
    assert fingerprint(ended) == inline_fingerprint(tmp_path, *inline, **IRIS_SETTINGS)
    assert summary_of(tmp_path / "summary.json")["counts"]["lines"] == ROWS + 1
    listed = hadoop.hadoop("fs", "-ls", "-C", "/spark", "/spark/out").stdout.split()
    assert listed[0] == "/spark/out"
    assert "/spark/out/_SUCCESS" in listed[1:]


def test_nothing_listens_on_other_addresses_and_down_leaves_no_process(spark_master: str) -> None:
    """Seen with an application on the cluster, so that the workers have executors."""
    spark = SparkCluster(default_layout())
    daemons = {daemon.pid for daemon in spark.status()}
    with application(spark_master):
        found = {process.pid: listeners(process.pid) for process in spark.all_processes()}
        cluster("spark-down")
        assert list(spark.all_processes()) == []
    assert any(found[pid] for pid in found.keys() - daemons), "no executor was seen"
    addresses = {ip_address(listener.address) for sockets in found.values() for listener in sockets}
    assert {getattr(address, "ipv4_mapped", None) or address for address in addresses} == {
        ip_address(LOOPBACK)
    }


@contextmanager
def application(master: str) -> Iterator[None]:
    """Have an application that has run something, and stays."""
    script = "import sys, pyspark; context = pyspark.SparkContext(sys.argv[1]); "
    script += "print(context.parallelize([1]).count(), flush=True); input()"
    environment = {**os.environ, "SPARK_LOCAL_IP": LOOPBACK, "PYSPARK_PYTHON": sys.executable}
    client = subprocess.Popen(
        [sys.executable, "-c", script, master],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert client.stdout.readline() == b"1\n"
        yield
    finally:
        # its JVM is in the same process group
        os.killpg(client.pid, signal.SIGKILL)
        client.communicate()
