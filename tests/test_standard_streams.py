"""Whatever the standard streams are, the output is whole, or the run says that it is not."""

from __future__ import annotations

import fcntl
import os
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from local_jobs import SCRIPT, Ended, LocalJob, ended, wait_until, write_records

if TYPE_CHECKING:
    from pathlib import Path

LINES = 3000
NOT_WHOLE = "What was written of the output is not whole."


@pytest.fixture
def job(tmp_path: Path) -> LocalJob:
    write_records(tmp_path / "in", [{"n": n, "pad": "x" * 50} for n in range(LINES)])
    return LocalJob(tmp_path, ("--model_qualified_name", "obedient"), measured=False)


def shell(job: LocalJob, redirections: str, *arguments: str) -> Ended:
    """Run the job as a shell starts it that redirects its streams."""
    words = ["sh", "-c", f'exec "$@" {redirections}', "sh", sys.executable, str(SCRIPT), *job.options]
    process = subprocess.Popen(
        [*words, *arguments],
        cwd=job.directory,
        env=job.variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    return ended(process)


def test_a_reader_slower_than_its_non_blocking_pipe_gets_every_line(job: LocalJob) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    process = job.start("--quiet", "in", stdout=writing)
    wait_until(lambda: not select.select([], [writing], [], 0)[1])
    os.close(writing)
    with open(reading, "rb") as file:  # noqa: PTH123 - a descriptor
        lines = sum(1 for _ in file)
    assert (lines, ended(process).code) == (LINES, 0)


def test_input_from_a_non_blocking_pipe_is_waited_for(job: LocalJob) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    process = job.start("--quiet", stdin=reading)
    for part in (b'{"n": 1}\n{"n"', b": 2}\n"):
        time.sleep(0.7)
        os.write(writing, part)
    os.close(writing)
    assert ended(process).values == [{"n": 1}, {"n": 2}]
    os.close(reading)


@pytest.mark.parametrize(
    ("redirection", "reason"), [("> /dev/full", "No space left on device"), (">&-", "Bad file descriptor")]
)
def test_output_that_can_not_be_written_is_an_error(job: LocalJob, redirection: str, reason: str) -> None:
    ran = shell(job, redirection, "--quiet", "in")
    assert ran.code == 1
    assert ran.errors == f"The output can't be written: {reason}. {NOT_WHOLE}\n"


def test_a_run_that_is_stopped_while_it_prints_says_that_its_output_is_not_whole(job: LocalJob) -> None:
    process = job.start("--quiet", "in")
    wait_until(lambda: select.select([process.stdout], [], [], 0)[0])  # of which a pipe takes a part
    process.terminate()
    ran = ended(process)
    assert (ran.code, ran.errors) == (143, f"Stopped by SIGTERM. {NOT_WHOLE}\n")
    assert 0 < ran.output.count(b"\n") < LINES


def test_help_that_can_not_be_written_is_an_error(job: LocalJob) -> None:
    ran = shell(job, "> /dev/full", "--help")
    assert (ran.code, ran.errors.count("\n")) == (1, 1)
    assert "No space left on device" in ran.errors


@pytest.mark.parametrize("redirection", ["2> /dev/full", "2>&-", "2>&- <&-"])
def test_messages_that_can_not_be_written_change_nothing(job: LocalJob, redirection: str) -> None:
    ran = shell(job, redirection, "in")
    assert (ran.code, len(ran.values)) == (0, LINES)


def test_all_streams_may_be_closed_where_none_is_needed(job: LocalJob) -> None:
    ran = shell(job, ">&- 2>&- <&-", "--output-dir", "out", "in")
    assert ran.code == 0
    assert (job.directory / "out" / "part-00000").read_bytes().count(b"\n") == LINES
    assert (job.directory / "out" / "_SUCCESS").exists()


def test_standard_input_that_is_closed_is_no_empty_input(job: LocalJob) -> None:
    ran = shell(job, "<&-", "--quiet")
    assert (ran.code, ran.output, ran.errors.count("\n")) == (1, b"", 1)


def test_messages_into_a_full_non_blocking_pipe_are_waited_for(job: LocalJob) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    filled = os.write(writing, b"x" * fcntl.fcntl(writing, fcntl.F_GETPIPE_SZ))
    with (job.directory / "out").open("wb") as output:
        process = job.start("in", stderr=writing, stdout=output)
    os.close(writing)
    time.sleep(2)
    with open(reading, "rb") as file:  # noqa: PTH123 - a descriptor
        messages = file.read()[filled:].decode()
    assert process.wait() == 0
    assert f"complete: {LINES:,} lines" in messages
    assert (job.directory / "out").read_bytes().count(b"\n") == LINES
