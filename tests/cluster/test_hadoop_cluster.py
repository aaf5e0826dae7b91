"""The Hadoop of cluster.py, at work."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from local_hadoop import LocalHadoop, cluster

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

JOB = Path(__file__).with_name("word_count.py")
WORDS = [f"{n % 7} {n % 3}" for n in range(1000)]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text"
    path.write_text("\n".join(WORDS) + "\n", encoding="ascii")
    return path


def run_job(hadoop: LocalHadoop, text: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run the word count with mrjob; its counters are left beside the input."""
    options = ["-r", "hadoop", "--no-conf", "--python-bin", sys.executable]
    environment = hadoop.environment | {"COUNTERS": str(text.with_suffix(".counters"))}
    command = [sys.executable, str(JOB), *options, *more, str(text)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_all_daemons_are_in_service(hadoop: LocalHadoop) -> None:
    """`status` lists two DataNodes, two NodeManagers and one each of the others, and ends with 0."""
    status = cluster("status")
    in_service = {line.split()[0] for line in status.stdout.splitlines() if "in service" in line}
    workers = {f"{kind}{number}" for kind in ("datanode", "nodemanager") for number in (1, 2)}
    assert in_service >= workers | {"namenode", "resourcemanager", "historyserver"}
    assert None not in hadoop.pids().values()


def test_up_again_changes_nothing(hadoop: LocalHadoop) -> None:
    before = hadoop.pids()
    assert "export HADOOP_HOME=" in cluster("up").stdout
    assert hadoop.pids() == before


def test_what_was_put_into_hdfs_comes_back(hadoop: LocalHadoop, text: Path) -> None:
    hadoop.hadoop("fs", "-put", "-f", text, "/text")
    assert hadoop.hadoop("fs", "-cat", "/text").stdout == text.read_text(encoding="ascii")


def test_a_missing_path_is_told_in_one_line_that_begins_with_the_command(hadoop: LocalHadoop) -> None:
    """No warning comes first: mrjob takes any other beginning for a fault of the file system."""
    missing = hadoop.hadoop("fs", "-ls", "/missing", check=False)
    assert (missing.returncode, missing.stderr) == (1, "ls: `/missing': No such file or directory\n")


def test_mrjob_runs_a_job_and_reads_its_counters(hadoop: LocalHadoop, text: Path) -> None:
    """HADOOP_HOME is all that mrjob is told: it finds the command, the streaming jar and the counters."""
    job = run_job(hadoop, text)
    assert job.returncode == 0, job.stderr
    counts = dict(line.split("\t") for line in job.stdout.splitlines())
    assert {json.loads(word): int(count) for word, count in counts.items()} == Counter(
        " ".join(WORDS).split()
    )
    (counters,) = json.loads(text.with_suffix(".counters").read_text(encoding="utf-8"))
    assert counters["word_count"] == {"lines": len(WORDS)}
    assert counters["Map-Reduce Framework"]["Map input records"] == len(WORDS)


def test_a_driver_can_read_what_a_failed_task_wrote(hadoop: LocalHadoop, text: Path) -> None:
    """It is below HADOOP_HOME/logs, where mrjob looks, whichever node the task ran on."""
    text.write_text("a b\nfail\n", encoding="ascii")
    job = run_job(hadoop, text, "-D", "mapreduce.map.maxattempts=1")
    assert job.returncode != 0
    match = re.search("Looking for task syslogs in (.*)[.]{3}", job.stderr)
    assert match is not None, job.stderr
    written = [path.read_text(encoding="utf-8") for path in Path(match[1]).glob("container_*/stderr")]
    assert any("ValueError: this line was made to fail" in text for text in written)
