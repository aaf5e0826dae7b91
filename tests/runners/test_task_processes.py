"""Tasks that are mrjob's own affair: some at a time, and none left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from threading import Timer

import pytest
from local_jobs import wait_until

from model_mapreduce_job.runners.local.task_processes import TaskProcesses
from model_mapreduce_job.task.signals import signals_as_exit

LONG = "98765"  # seconds; a number by which nobody else sleeps
MEET = """
import sys, time
from pathlib import Path
mine, other = map(Path, sys.argv[1:])
mine.touch()
while not other.exists():
    time.sleep(0.01)
"""


def test_as_many_run_at_a_time_as_there_are_workers(tmp_path: Path) -> None:
    """Two that wait for each other come to an end, and nothing else is said of them."""
    processes = TaskProcesses(2)
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    processes.run(
        partial(processes.call, [sys.executable, "-c", MEET, *names]) for names in ((one, two), (two, one))
    )


def test_no_functions_are_no_work() -> None:
    TaskProcesses(2).run([])


def test_one_that_fails_ends_the_others() -> None:
    processes = TaskProcesses(2)
    commands = [["sleep", LONG], ["false"], ["sleep", LONG]]
    with pytest.raises(subprocess.CalledProcessError, match="exit status 1"):
        processes.run(partial(processes.call, command) for command in [["true"], *commands[1:], commands[0]])
    assert sleepers() == []


def test_a_signal_ends_all_of_them_and_what_they_have_started(tmp_path: Path) -> None:
    processes = TaskProcesses(2)
    command = ["sh", "-c", f"touch {tmp_path}/started; sleep {LONG} & wait"]
    Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
    with pytest.raises(SystemExit), signals_as_exit():
        processes.run(partial(processes.call, command) for _ in range(5))
    assert (tmp_path / "started").exists()
    wait_until(lambda: sleepers() == [], 10)


def test_nothing_is_started_after_the_end() -> None:
    """A thread may come to it only then."""
    processes = TaskProcesses(1)
    with pytest.raises(subprocess.CalledProcessError):
        processes.run([partial(processes.call, ["false"])])
    started = time.monotonic()
    processes.call(["sleep", LONG])
    assert time.monotonic() - started < 60


def sleepers() -> list[int]:
    """Return this user's processes that sleep for as long as those of these tests do."""
    return [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if _read(path) == b"sleep\0%b\0" % LONG.encode()
    ]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
