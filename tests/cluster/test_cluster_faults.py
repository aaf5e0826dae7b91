"""What happens to a run on Hadoop when parts fail: complete output, no line twice, the same fingerprint."""

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cluster_jobs import OBEDIENT, Task, fingerprint, inline_fingerprint, on_hadoop
from local_hadoop import LocalHadoop, cluster, eventually
from local_jobs import Ended, LocalJob, ended, write_records

from model_mapreduce_job.storage.java_server import CLASS

pytestmark = [pytest.mark.cluster, pytest.mark.alone, pytest.mark.timeout(900)]

RECORDS = 2_000
# So large that Hadoop can't read ahead to the end of a split while one of its records waits: a task that has
# read all that it is to read is not worth a second attempt.
PADDING = "x" * 4_000
LIMIT_S = 180
OUTPUT = "/faults/out"


@dataclass
class Disturbed:
    """A run that waits in its middle, so that it can be disturbed there."""

    hadoop: LocalHadoop
    job: LocalJob
    path: Path
    reached: Path
    go_on: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """Start the run, and return when a task waits at its record in the middle."""
        process = self.job.start(*options, "--output-dir", f"hdfs://{OUTPUT}", self.path)
        self.started.append(process)
        if not eventually(lambda: self.reached.exists() or process.poll() is not None, LIMIT_S):
            process.kill()
        assert self.reached.exists(), ended(process).errors
        return process

    def finish(self, process: subprocess.Popen[bytes]) -> Ended:
        """Let the run go on, and return what it came to."""
        self.go_on.touch()
        return ended(process)

    def end(self) -> None:
        """End what a failed test has left."""
        self.go_on.touch()
        self.job.kill()
        for process in self.started:
            if process.poll() is None:
                process.communicate()

    def waiting(self) -> Task:
        """Return the task that waits: the only one, once the others are done."""
        assert eventually(lambda: len(Task.of(self.job)) == 1, LIMIT_S), Task.of(self.job)
        return Task.of(self.job)[0]

    def check(self, run: Ended) -> None:
        """Fail unless the output is whole, has no line twice, and is what the inline runner gives."""
        expected = inline_fingerprint(self.job.directory, *OBEDIENT, self.path)
        assert fingerprint(run) == expected
        assert f"complete: {RECORDS:,} lines" in run.errors
        lines = self.hadoop.hadoop("fs", "-cat", f"{OUTPUT}/part-*").stdout.splitlines()
        assert set(Counter(lines).values()) == {1}
        assert len(lines) == RECORDS
        assert f"{OUTPUT}/_SUCCESS" in self.hadoop.hadoop("fs", "-ls", "-C", OUTPUT).stdout.split()


@pytest.fixture
def disturbed(hadoop: LocalHadoop, models_bundle: Path, tmp_path: Path) -> Iterator[Disturbed]:
    """Give a run to disturb; the cluster is whole again afterwards."""
    hadoop.hadoop("fs", "-rm", "-r", "-f", "-skipTrash", "/faults")
    reached, go_on = tmp_path / "reached", tmp_path / "go on"
    records: list[dict[str, object]] = [{"n": number, "pad": PADDING} for number in range(RECORDS)]
    records[700] |= {"do": "wait_for_file", "reached": str(reached), "go_on": str(go_on)}
    job = on_hadoop(hadoop, tmp_path, "--bundle", str(models_bundle), *OBEDIENT)
    disturbed = Disturbed(hadoop, job, write_records(tmp_path / "records", records), reached, go_on)
    yield disturbed
    disturbed.end()
    cluster("up")


def test_a_killed_task_is_tried_again(disturbed: Disturbed) -> None:
    # a second attempt beside the one that waits would wait as well, and none be the only one
    process = disturbed.start("-D", "mapreduce.map.speculative=false")
    os.kill(disturbed.waiting().pid, signal.SIGKILL)
    disturbed.check(disturbed.finish(process))


def test_the_other_node_takes_over_from_a_killed_one(disturbed: Disturbed) -> None:
    """Its orphaned task goes on at the same time, and tries to finish as well."""
    # before its task is given to another node, Hadoop would try for three minutes to end it on the dead one
    process = disturbed.start(
        *("-D", "yarn.client.nodemanager-connect.max-wait-ms=5000"),
        *("-D", "mapreduce.map.speculative=false"),
    )
    disturbed.hadoop.kill(disturbed.waiting().node)
    assert eventually(lambda: len({task.attempt for task in Task.of(disturbed.job)}) > 1, LIMIT_S)
    disturbed.check(disturbed.finish(process))


def test_a_killed_datanode_costs_nothing(disturbed: Disturbed) -> None:
    process = disturbed.start()
    disturbed.hadoop.kill("datanode1")
    disturbed.check(disturbed.finish(process))


def test_speculative_attempts_give_one_answer(disturbed: Disturbed) -> None:
    """A second attempt overtakes the first, and one of the two is thrown away."""
    process = disturbed.start(
        *("-D", "mapreduce.map.speculative=true"),
        *("-D", "mapreduce.job.maps=4"),
        *("-D", "mapreduce.job.speculative.minimum-allowed-tasks=1"),
        *("-D", "mapreduce.job.speculative.retry-after-no-speculate=500"),
        *("-D", "mapreduce.job.speculative.slowtaskthreshold=0.1"),
    )
    assert eventually(lambda: any(task.attempt.endswith("_1") for task in Task.of(disturbed.job)), LIMIT_S)
    disturbed.check(disturbed.finish(process))


def java_of(job: LocalJob) -> list[int]:
    """Return the Java machines by which drivers ask Hadoop."""
    commands = {pid: Path(f"/proc/{pid}/cmdline") for pid in job.pids()}
    return [pid for pid, path in commands.items() if path.exists() and CLASS.encode() in path.read_bytes()]


def test_a_killed_driver_leaves_nothing_in_the_way_of_the_next(disturbed: Disturbed) -> None:
    """What it had started goes on for a while, where nobody takes it for a result."""
    first = disturbed.start()
    assert len(java_of(disturbed.job)) == 1
    first.kill()
    first.communicate()
    assert eventually(lambda: not java_of(disturbed.job), 10)
    assert disturbed.hadoop.hadoop("fs", "-test", "-e", OUTPUT, check=False).returncode == 1
    disturbed.go_on.touch()
    second = disturbed.job.run("--output-dir", f"hdfs://{OUTPUT}", disturbed.path)
    disturbed.check(second)
    assert disturbed.hadoop.hadoop("fs", "-ls", "-C", "/faults").stdout.split() == [OUTPUT]


def test_records_that_crash_or_hang_cost_themselves(
    hadoop: LocalHadoop, models_bundle: Path, tmp_path: Path
) -> None:
    """The output is that of the inline runner, failures and their reasons among it."""
    bad = ("segfault", "leave", "be_killed", "hang", "hang_in_c")
    records: list[dict[str, object]] = [{"n": number} for number in range(RECORDS)]
    for place, action in enumerate(bad):
        records[100 + 400 * place] |= {"do": action}
    path = write_records(tmp_path / "records", records)
    options = (*OBEDIENT, "--predict_timeout", "2", "--on_error", "explain")
    job = on_hadoop(hadoop, tmp_path, "--bundle", str(models_bundle), *options)
    run = job.run(path)
    assert fingerprint(run) == inline_fingerprint(tmp_path, *options, path)
    assert f"complete: {RECORDS:,} lines = {RECORDS - len(bad):,} predicted + {len(bad)} failed" in run.errors
    assert "3 x ProcessDied" in run.errors
    assert "2 x PredictTimeout" in run.errors
