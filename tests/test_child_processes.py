"""Processes that another one started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from forked import ForkedProcess
from local_jobs import wait_until

from model_mapreduce_job.task.child_processes import how_it_ended, wait_or_kill


def forked(seconds: float, code: int = 0) -> ForkedProcess:
    pid = os.fork()
    if pid == 0:
        time.sleep(seconds)
        os._exit(code)
    return ForkedProcess(pid)


def test_a_child_is_not_waited_for_longer_than_that() -> None:
    assert wait_or_kill(forked(1000), 0.02) == -signal.SIGKILL


def test_one_that_ends_in_time_is_not_killed() -> None:
    assert wait_or_kill(forked(0.05, 3), 10) == 3
    assert wait_or_kill(subprocess.Popen(["true"]), 10) == 0


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "exit code 0"), (3, "exit code 3"), (-9, "killed by SIGKILL"), (-40, "killed by signal 40")],
)
def test_how_it_ended_is_told_in_words(code: int, words: str) -> None:
    assert how_it_ended(code) == words


def test_a_process_that_hangs_in_c_dies_with_its_parent(tmp_path: Path) -> None:
    """Python gets no chance to notice."""
    code = f"""
import ctypes, os, time
from pathlib import Path
from model_mapreduce_job.task.child_processes import die_with_parent
parent = os.getpid()
if os.fork() == 0:
    die_with_parent(parent)
    Path({str(tmp_path / "child")!r}).write_text(str(os.getpid()))
    ctypes.PyDLL(None).sleep(1000)
time.sleep(1000)
"""
    parent = subprocess.Popen([sys.executable, "-c", code])
    wait_until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text() != "")
    child = int((tmp_path / "child").read_text())
    parent.kill()
    parent.wait()
    wait_until(
        lambda: not Path(f"/proc/{child}/cmdline").exists() or not Path(f"/proc/{child}/cmdline").read_text()
    )


def test_a_process_whose_parent_is_gone_already_ends() -> None:
    code = "from model_mapreduce_job.task.child_processes import die_with_parent; die_with_parent(1)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 1
