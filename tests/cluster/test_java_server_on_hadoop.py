"""The Java class that runs the driver's commands on a real Hadoop: what each command of its own would do."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from local_hadoop import LocalHadoop, eventually

from model_mapreduce_job.plan.small_files import SmallFiles
from model_mapreduce_job.storage.hadoop_client import HadoopClient
from model_mapreduce_job.storage.hadoop_commands import Command, ProcessCommand, complaint
from model_mapreduce_job.storage.hadoop_fs import HadoopShell
from model_mapreduce_job.storage.java_server import JAR, ServedCommand
from model_mapreduce_job.task.child_processes import die_with_parent

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

PRIVATE = ("-D", "fs.permissions.umask-mode=077")
NAMES = ("a b", "caf\u00e9", "100%25", "-rf", "\U0001f600,[x]")
LARGE = 200 << 20


@pytest.fixture(scope="module")
def client(hadoop: LocalHadoop) -> Iterator[HadoopClient]:
    client = HadoopClient(hadoop.command(), JAR, partial(die_with_parent, os.getpid()))
    yield client
    client.close()


def done(command: Command) -> tuple[int, bytes, str]:
    """Return a command's exit code, its output, and the error that it reports."""
    out = b"".join(command.out())
    return command.code, out, complaint(command.errors)


def served(client: HadoopClient, *words: str) -> tuple[int, bytes, str]:
    command = client.run(words)
    assert isinstance(command, ServedCommand)
    return done(command)


def test_commands_answer_as_those_with_a_java_machine_each(
    hadoop: LocalHadoop, client: HadoopClient, tmp_path: Path
) -> None:
    """Also about files of any name, and about what is not there."""
    for name in NAMES:
        (tmp_path / name).write_text(name, encoding="utf-8")
    served(client, "fs", "-rm", "-r", "-f", "-skipTrash", "/served")
    assert served(client, "fs", "-mkdir", "-p", "/served/in")[0] == 0
    sources = [(tmp_path / name).as_uri() for name in NAMES]
    assert served(client, "fs", "-put", *sources, "/served/in/")[0] == 0
    for words in (
        ("version",),
        ("fs", "-ls", "-R", "/served/in", "/served/missing"),
        ("fs", "-ls", "-d", "/served/i*"),
        ("fs", "-cat", "/served/in/*"),
        ("fs", "-cat", "/served/missing"),
        ("fs", "-mkdir", "/served/in"),
        ("fs", "-mv", "/served/in/a b", "/served/in/caf*"),
        ("fs", "-nothing"),
    ):
        assert served(client, *words) == done(ProcessCommand(hadoop.command(*words)))
    listed = served(client, "fs", "-ls", "-C", "/served/in")[1].decode().splitlines()
    assert sorted(listed) == sorted(f"/served/in/{name}" for name in NAMES)


def test_small_files_are_read_several_at_a_time(hadoop: LocalHadoop, tmp_path: Path) -> None:
    """Those of any name, and one that is shorter than it was when it was listed."""
    shell = HadoopShell(hadoop.command(), partial(die_with_parent, os.getpid()))
    for name in NAMES:
        (tmp_path / name).write_text(name, encoding="utf-8")
    shell.invoke_hadoop(["fs", "-rm", "-r", "-f", "-skipTrash", "/few"])
    shell.invoke_hadoop(["fs", "-put", tmp_path.as_uri(), "/few"])
    sizes = {uri: file.size for uri, file in shell.find_files("hdfs:///few").items()}
    assert len(sizes) == len(NAMES)
    for longer in (0, 1):
        small = SmallFiles(shell, {uri: size + longer for uri, size in sizes.items()})
        for uri in sizes:
            with small.open(uri, 0) as source:
                assert source.read(1 << 20).decode() == uri.rpartition("/")[2]
    server = shell.hand_over()
    assert server
    server.close()


def test_each_command_has_its_own_umask(client: HadoopClient) -> None:
    """Though the filesystems of one Java machine are the same to all."""
    served(client, "fs", "-rm", "-r", "-f", "-skipTrash", "/umask")
    for words in (
        (*PRIVATE, "-mkdir", "-p", "/umask/own"),
        ("-mkdir", "/umask/all"),
        (*PRIVATE, "-mkdir", "/umask/2"),
    ):
        assert served(client, "fs", *words)[0] == 0
    listed = served(client, "fs", "-stat", "%a", "/umask/own", "/umask/all", "/umask/2")[1]
    assert listed.split() == [b"700", b"755", b"700"]


def test_a_large_file_is_read_in_bounded_memory_and_can_be_left(client: HadoopClient, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(LARGE)
    assert served(client, "fs", "-put", "-f", large.as_uri(), "/large")[0] == 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size = 0
    for chunk in client.run(("fs", "-cat", "/large")).out():
        size += len(chunk)
    assert size == LARGE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 << 10
    chunks = client.run(("fs", "-cat", "/large")).out()
    assert next(chunks)
    chunks.close()
    assert served(client, "fs", "-rm", "-skipTrash", "/large")[0] == 0


def test_other_commands_than_it_knows_have_a_java_machine_each(client: HadoopClient) -> None:
    """That of a jar that is no streaming job's, among them."""
    for words in (("classpath",), ("jar", str(JAR), "modelmapreducejob.None")):
        command = client.run(words)
        assert isinstance(command, ProcessCommand)
        done(command)


@pytest.mark.parametrize("busy", [False, True])
def test_it_ends_with_a_driver_that_is_killed(hadoop: LocalHadoop, busy: bool) -> None:
    """In the middle of a command too: here one whose listing nobody reads."""
    code = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from model_mapreduce_job.storage.hadoop_client import HadoopClient\n"
        "client = HadoopClient(sys.argv[2:], Path(sys.argv[1]))\n"  # only its standard input ends it
        "list(client.run(['version']).out())\n"
        f"command = client.run(['fs', '-ls', '-R', '/']) if {busy} else None\n"
        "print(client._server._process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(JAR), *hadoop.command()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout
        pid = int(driver.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        driver.send_signal(signal.SIGKILL)
    assert eventually(lambda: not Path(f"/proc/{pid}").exists(), 10)
