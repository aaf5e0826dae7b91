"""What happens to a run on Hadoop when parts fail: complete output, no line twice, the same fingerprint.

And to the Hadoop of cluster.py itself: what of it is killed is started again, and it leaves nothing.
"""

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cluster_jobs import OBEDIENT, Task, environment_of, fingerprint, inline_fingerprint, on_hadoop
from local_cluster.hadoop import HadoopCluster
from local_cluster.layout import default_layout
from local_cluster.ports import LOOPBACK, Listener, listeners
from local_cluster.processes import Process, stop
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
TEXT = "".join(f"{number}\n" for number in range(100))


@dataclass(frozen=True)
class Seen:
    """What was seen of a cluster at work, of what was left when it was taken down, and of its new start."""

    daemons: set[int | None]
    listeners: dict[int, list[Listener]]
    environment: dict[str, str]
    left: list[Process]
    kept: str


@pytest.fixture(scope="module")
def seen(hadoop: LocalHadoop, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Take a cluster down while tasks sleep, of which some have lost their NodeManager; bring it up again."""
    text = tmp_path_factory.mktemp("sleeping") / "text"
    text.write_text(TEXT, encoding="ascii")
    hadoop.hadoop("fs", "-put", "-f", text, "/sleeping")
    daemons = set(hadoop.pids().values())
    with sleeping_job(hadoop):
        listening = {process.pid: listeners(process.pid) for process in hadoop.processes()}
        environment = environment_of(pids_of(hadoop, "sleep")[0])
        hadoop.kill("nodemanager1")
        cluster("down")
        left = hadoop.processes()
    cluster("up", PYTHONPATH="of-the-developer")
    return Seen(daemons, listening, environment, left, hadoop.hadoop("fs", "-cat", "/sleeping").stdout)


@contextmanager
def sleeping_job(hadoop: LocalHadoop) -> Iterator[None]:
    """Have a job whose tasks sleep running on the cluster."""
    hadoop.hadoop("fs", "-rm", "-r", "-f", "-skipTrash", "/slept")
    once = ("-D", "mapreduce.am.max-attempts=1")
    command = hadoop.streaming("/sleeping", "/slept", *once, "-mapper", "sleep 120")
    client = subprocess.Popen(command, env=hadoop.environment, stderr=subprocess.DEVNULL)
    try:
        assert eventually(lambda: bool(pids_of(hadoop, "sleep")), LIMIT_S), "no task started"
        yield
    finally:
        client.kill()
        client.wait()
        stop(HadoopCluster(default_layout()).containers(), patience_s=0)


def pids_of(hadoop: LocalHadoop, program: str) -> list[int]:
    """Return the processes of the cluster that run a program."""
    paths = {process.pid: Path(f"/proc/{process.pid}/comm") for process in hadoop.processes()}
    return [pid for pid, path in paths.items() if path.exists() and path.read_text().strip() == program]


def test_nothing_listens_on_other_addresses_while_a_job_runs(seen: Seen) -> None:
    """That includes the application master, whose servers Hadoop itself would put on all addresses."""
    of_jobs = seen.listeners.keys() - seen.daemons
    assert any(seen.listeners[pid] for pid in of_jobs), "the application master was not seen"
    assert {each.address for sockets in seen.listeners.values() for each in sockets} == {LOOPBACK}


def test_tasks_get_nothing_of_the_environment_that_the_cluster_was_started_in(
    seen: Seen, hadoop: LocalHadoop
) -> None:
    """The fixture starts the cluster with a PYTHONPATH; a task's environment has none."""
    assert seen.environment["HADOOP_HOME"] == str(hadoop.home)
    assert "PYTHONPATH" not in seen.environment
    assert set(seen.environment["PATH"].split(":")) <= {
        *("/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/usr/sbin", "/bin", "/sbin", ".")
    }


def test_down_leaves_no_process_and_keeps_what_is_in_hdfs(seen: Seen) -> None:
    """Not even tasks whose NodeManager was killed, so that nobody is left to end them."""
    assert seen.left == []
    assert seen.kept == TEXT


def test_a_killed_daemon_is_reported_and_started_again_alone(hadoop: LocalHadoop) -> None:
    before = hadoop.pids()
    hadoop.kill("nodemanager2")
    status = cluster("status", check=False)
    assert status.returncode == 1
    assert "not running" in next(line for line in status.stdout.splitlines() if "nodemanager2" in line)
    cluster("up")
    changed = {name for name, pid in hadoop.pids().items() if pid != before[name]}
    assert changed == {"nodemanager2"}


@dataclass(frozen=True)
class Records:
    """Records of which one waits until a file is there, and the fingerprint of their output."""

    path: Path
    reached: Path
    go_on: Path
    fingerprint: str


@dataclass
class Disturbed:
    """A run that waits in its middle, so that it can be disturbed there."""

    hadoop: LocalHadoop
    job: LocalJob
    records: Records
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """Start the run, and return when a task waits at its record in the middle."""
        process = self.job.start(*options, "--output-dir", f"hdfs://{OUTPUT}", self.records.path)
        self.started.append(process)
        if not eventually(lambda: self.records.reached.exists() or process.poll() is not None, LIMIT_S):
            process.kill()
        assert self.records.reached.exists(), ended(process).errors
        return process

    def finish(self, process: subprocess.Popen[bytes]) -> Ended:
        """Let the run go on, and return what it came to."""
        self.records.go_on.touch()
        return ended(process)

    def end(self) -> None:
        """End what a failed test has left."""
        self.records.go_on.touch()
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
        assert fingerprint(run) == self.records.fingerprint
        assert f"complete: {RECORDS:,} lines" in run.errors
        lines = self.hadoop.hadoop("fs", "-cat", f"{OUTPUT}/part-*").stdout.splitlines()
        assert set(Counter(lines).values()) == {1}
        assert len(lines) == RECORDS
        assert f"{OUTPUT}/_SUCCESS" in self.hadoop.hadoop("fs", "-ls", "-C", OUTPUT).stdout.split()


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """Write the records of all runs that are disturbed."""
    place = tmp_path_factory.mktemp("records")
    reached, go_on = place / "reached", place / "go on"
    lines: list[dict[str, object]] = [{"n": number, "pad": PADDING} for number in range(RECORDS)]
    lines[700] |= {"do": "wait_for_file", "reached": str(reached), "go_on": str(go_on)}
    path = write_records(place / "records", lines)
    go_on.touch()
    return Records(path, reached, go_on, inline_fingerprint(place, *OBEDIENT, path))


@pytest.fixture
def disturbed(
    hadoop: LocalHadoop, models_bundle: Path, records: Records, tmp_path: Path
) -> Iterator[Disturbed]:
    """Give a run to disturb; the cluster is whole again afterwards."""
    hadoop.hadoop("fs", "-rm", "-r", "-f", "-skipTrash", "/faults")
    for mark in (records.reached, records.go_on):
        mark.unlink(missing_ok=True)
    job = on_hadoop(hadoop, tmp_path, "--bundle", str(models_bundle), *OBEDIENT)
    disturbed = Disturbed(hadoop, job, records)
    yield disturbed
    disturbed.end()
    cluster("up")


def test_a_killed_task_is_tried_again_and_a_killed_datanode_costs_nothing(disturbed: Disturbed) -> None:
    # a second attempt beside the one that waits would wait as well, and none be the only one
    process = disturbed.start("-D", "mapreduce.map.speculative=false")
    waiting = disturbed.waiting()
    disturbed.hadoop.kill("datanode1")
    os.kill(waiting.pid, signal.SIGKILL)
    assert eventually(lambda: disturbed.waiting().attempt != waiting.attempt, LIMIT_S)
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
    disturbed.records.go_on.touch()
    second = disturbed.job.run("--output-dir", f"hdfs://{OUTPUT}", disturbed.records.path)
    disturbed.check(second)
    assert disturbed.hadoop.hadoop("fs", "-ls", "-C", "/faults").stdout.split() == [OUTPUT]
