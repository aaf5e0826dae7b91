"""The guard, which ends a process of Spark's whose batch takes too long."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

from local_jobs import wait_until

from model_mapreduce_job.task.guard import guarded_memory
from model_mapreduce_job.task.keeper import Page

HANGS = """
import signal, time
from model_mapreduce_job.task.guard import guarded_memory
from model_mapreduce_job.task.keeper import Page
signal.signal(signal.SIGALRM, signal.SIG_IGN)
page = Page(guarded_memory())
page.begin({seconds})
page.end()
page.begin({seconds})
time.sleep(1000)
"""


def children() -> set[str]:
    return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


def test_a_batch_that_takes_too_long_ends_the_process() -> None:
    ran = subprocess.run([sys.executable, "-c", HANGS.format(seconds=0.2)], check=False, timeout=60)
    assert ran.returncode == -signal.SIGKILL


def test_a_batch_that_ends_in_time_ends_nothing_and_the_guard_goes_with_its_page() -> None:
    before = children()
    page = Page(guarded_memory())
    assert len(children() - before) == 1
    page.begin(0.05)
    page.end()
    del page
    gc.collect()
    assert children() == before


def test_the_guard_ends_with_the_process_that_it_watches() -> None:
    process = subprocess.Popen([sys.executable, "-c", HANGS.format(seconds=1000)])
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    wait_until(lambda: path.read_text().split() != [])
    (guard,) = path.read_text().split()
    process.kill()
    process.wait()
    wait_until(lambda: not Path(f"/proc/{guard}").exists(), 10)
