"""One process that runs many commands of `hadoop`: the same answers as from one process each, and no orphans.

tests/fake_hadoop.py stands for both; tests/cluster/test_java_server_on_hadoop.py has the real ones.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest

from model_mapreduce_job.runners.hadoop.client_process import ClientProcess
from model_mapreduce_job.storage.hadoop_client import HadoopClient
from model_mapreduce_job.storage.hadoop_commands import ClusterError
from model_mapreduce_job.storage.hadoop_fs import HadoopShell
from model_mapreduce_job.storage.java_server import JAR
from model_mapreduce_job.task.signals import signals_as_exit

FAKE = Path(__file__).with_name("fake_hadoop.py")
LARGE = 5 << 20
WARNING = "Each command to Hadoop starts a Java machine"


@pytest.fixture
def hdfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "hdfs"
    root.mkdir()
    (root / "a").write_bytes(b"a\n")
    (root / "large").write_bytes(bytes(LARGE))
    monkeypatch.setenv("FAKE_HDFS", str(root))
    monkeypatch.setenv("FAKE_JAVA", "serves")
    return root


@pytest.fixture
def shell(hdfs: Path) -> Iterator[HadoopShell]:
    assert hdfs.exists()
    shell = HadoopShell([sys.executable, str(FAKE)], lambda: None)
    yield shell
    shell.close()


def servers(hdfs: Path) -> list[list[str]]:
    """Return the id and the class path of each process that was to serve commands."""
    path = hdfs.parent / "servers"
    return [line.split() for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def is_there(pid: int) -> bool:
    """Return whether a process still runs, a second later at most."""
    for _ in range(50):
        if not Path(f"/proc/{pid}").exists() or Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            return False
        time.sleep(0.1)
    return True


def test_one_process_runs_all_commands(hdfs: Path, shell: HadoopShell) -> None:
    shell.mkdir("hdfs:///d")
    shell.put(str(hdfs / "a"), "hdfs:///d/b")
    assert b"".join(shell.read(["hdfs:///d/b", "hdfs:///a"])) == b"a\na\n"
    assert shell.exists("hdfs:///d/b")
    assert not shell.exists("hdfs:///missing")
    shell.remove(["hdfs:///d"])
    assert not (hdfs / "d").exists()
    ((pid, classpath),) = servers(hdfs)
    assert classpath.split(os.pathsep)[-1] == str(JAR)
    shell.close()
    assert not is_there(int(pid))


def test_what_a_command_says_is_not_taken_for_the_next_ones(hdfs: Path, shell: HadoopShell) -> None:
    assert shell.look(["hdfs:///missing"]).missing == {"hdfs:///missing"}
    assert shell.look(["hdfs:///a"]).missing == frozenset()
    with pytest.raises(ClusterError, match=r"hdfs:///missing can't be read: cat: `hdfs:///missing': No such"):
        list(shell.read(["hdfs:///missing"]))
    assert list(shell.read(["hdfs:///a"])) == [b"a\n"]
    assert len(servers(hdfs)) == 1


def test_the_jar_comes_after_the_persons_own_class_path(
    hdfs: Path, shell: HadoopShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HADOOP_CLASSPATH", "/site/lib/*")
    shell.exists("hdfs:///a")
    assert servers(hdfs)[0][1] == f"/site/lib/*:{JAR}"


def test_a_greeting_of_the_sites_own_is_skipped(
    hdfs: Path, shell: HadoopShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_JAVA", "greeting")
    assert list(shell.read(["hdfs:///a"])) == [b"a\n"]
    assert not (hdfs.parent / "calls").read_text(encoding="utf-8").startswith("fs -cat hdfs:///a\nfs")


def test_reading_can_be_left_and_the_process_serves_on(hdfs: Path, shell: HadoopShell) -> None:
    for _ in range(3):
        chunks = shell.read(["hdfs:///large"])
        assert next(chunks)
        chunks.close()
    assert sum(map(len, shell.read(["hdfs:///large"]))) == LARGE
    assert len(servers(hdfs)) == 1


def test_a_command_that_does_not_end_when_it_is_left_is_ended_with_its_process(
    hdfs: Path, shell: HadoopShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_JAVA", "hangs")
    chunks = shell.read(["hdfs:///large"])
    assert next(chunks)
    chunks.close()
    assert not is_there(int(servers(hdfs)[0][0]))
    assert list(shell.read(["hdfs:///a"])) == [b"a\n"]


def test_while_one_command_is_read_another_has_a_process_of_its_own(hdfs: Path, shell: HadoopShell) -> None:
    chunks = shell.read(["hdfs:///large"])
    first = next(chunks)
    assert list(shell.read(["hdfs:///a"])) == [b"a\n"]
    assert len(first) + sum(map(len, chunks)) == LARGE
    assert len(servers(hdfs)) == 1


def test_the_client_of_a_job_runs_there_as_it_does_in_a_process(hdfs: Path, shell: HadoopShell) -> None:
    """Its lines come as they are written, whichever of its streams they are for."""
    command = [sys.executable, str(FAKE), "jar", "streaming.jar"]
    served, process = shell.serve(command), ClientProcess(command, dict(os.environ))
    assert served
    expected = [b"packageJobJar: []\n", b"Running job: job_1\n", b"Streaming Command Failed!"]
    assert list(served.lines()) == expected
    assert len(b"".join(process.lines())) == sum(map(len, expected))
    assert served.code == process.code == 5
    assert shell.serve(["/other/hadoop", "jar", "streaming.jar"]) is None
    assert shell.serve([*command[:2], "dfsadmin"]) is None
    assert len(servers(hdfs)) == 1


def test_a_client_that_is_ended_ends_its_java_machine(hdfs: Path, shell: HadoopShell) -> None:
    """What it had written may name its job, which has to be ended too."""
    command = [sys.executable, str(FAKE), "jar", "streaming.jar"]
    served, process = shell.serve(command), ClientProcess(command, dict(os.environ))
    assert served
    read = [served.lines(), process.lines()]
    assert [next(lines) for lines in read] == [b"packageJobJar: []\n"] * 2
    time.sleep(0.3)
    for client in (served, process):
        assert b"Running job: job_1\nStreaming Command Failed!" in client.kill()
    assert not is_there(int(servers(hdfs)[0][0]))
    assert shell.exists("hdfs:///a")


def test_a_signal_ends_a_client_in_a_process_of_its_own_at_once() -> None:
    """Not when its job is done, which may take hours."""
    client = ClientProcess(["/bin/sleep", "60"], dict(os.environ))
    Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
    started = time.monotonic()
    with pytest.raises(SystemExit), signals_as_exit():
        list(client.lines())
    assert time.monotonic() - started < 20


def test_a_java_that_cannot_serve_is_reported_once_and_each_command_starts_its_own(
    hdfs: Path, shell: HadoopShell, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FAKE_JAVA", "")
    with caplog.at_level(logging.WARNING, "mrjob.hadoop"):
        assert shell.exists("hdfs:///a")
        assert not shell.exists("hdfs:///missing")
    (message,) = caplog.messages
    assert message.startswith(WARNING)
    assert message.endswith("Could not find or load main class modelmapreducejob.CommandServer")
    assert len(servers(hdfs)) == 1


def test_a_command_in_which_its_process_ended_failed_and_is_not_run_again(
    hdfs: Path, shell: HadoopShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have done its work: a second time, a rename would fail and a file be written twice."""
    monkeypatch.setenv("FAKE_JAVA", "dies")
    with pytest.raises(ClusterError, match="its Java machine ended before it was done"):
        shell.mkdir("hdfs:///d")
    assert (hdfs.parent / "calls").read_text(encoding="utf-8").count("-mkdir") == 1
    assert shell.exists("hdfs:///d")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_process_ends_with_a_driver_that_is_killed(hdfs: Path, number: signal.Signals) -> None:
    """Whatever ends the driver: its end closes the standard input."""
    code = (
        "import sys, time\n"
        "from model_mapreduce_job.storage.hadoop_fs import HadoopShell\n"
        "shell = HadoopShell(sys.argv[1:], lambda: None)\n"
        "print(shell.exists('hdfs:///a'), flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, sys.executable, str(FAKE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout
        assert driver.stdout.readline() == "True\n"
        driver.send_signal(number)
    assert not is_there(int(servers(hdfs)[0][0]))


def test_without_a_jar_each_command_starts_a_java_machine(hdfs: Path, tmp_path: Path) -> None:
    client = HadoopClient([sys.executable, str(FAKE)], tmp_path / "no.jar")
    command = client.run(["fs", "-cat", "hdfs:///a"])
    assert list(command.out()) == [b"a\n"]
    client.close()
    assert servers(hdfs) == []
