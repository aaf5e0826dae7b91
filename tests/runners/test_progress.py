"""How far a run is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import termios
from typing import TYPE_CHECKING

import pytest
from local_jobs import LocalJob, write_records

from model_mapreduce_job.runners.local.progress import Lines, Silence, make_progress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def long_input(job: LocalJob) -> Path:
    """Write an input that takes about a second."""
    job.environment["UNHURRIED_SECONDS"] = "0.02"
    job.options = (*job.options[:2], "--model_qualified_name", "unhurried")
    return write_records(job.directory / "in", [{"n": number, "pad": "x" * 40_000} for number in range(60)])


def on_a_terminal(job: LocalJob, *arguments: object) -> str:
    """Return what a run writes to a terminal of 100 columns."""
    above, below = pty.openpty()
    termios.tcsetwinsize(below, (24, 100))
    process = job.start(*arguments, stdout=subprocess.DEVNULL, stderr=below)
    os.close(below)
    shown = b"".join(_until_it_closes(above))
    process.communicate()
    os.close(above)
    assert process.returncode == 0
    return shown.decode()


def _until_it_closes(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            yield os.read(descriptor, 1 << 16)
        except OSError:  # what Linux says when nobody has the other side open any more
            return


@pytest.mark.measured
def test_a_terminal_gets_a_bar_and_a_summary(job: LocalJob, long_input: Path) -> None:
    """Bytes done, time left, records a second and failures; the bar is gone before the summary comes."""
    shown = on_a_terminal(job, long_input)
    pattern = (
        r"\d+%\|.*\| \d[\d.]*M/2\.\d+M \[\d\d:\d\d<\d\d:\d\d, +[\d.]+[kM]?B/s, \d+ records/s, 0 failed\]"
    )
    assert re.search(pattern, shown), shown
    assert shown.index("records/s, 0 failed]") < shown.index("complete: 60 lines")


def test_quiet_is_quiet_on_a_terminal_too(job: LocalJob, long_input: Path) -> None:
    assert on_a_terminal(job, "--quiet", long_input) == ""


def test_elsewhere_nothing_is_told_of_a_short_run(job: LocalJob) -> None:
    """What stands in a log is the summary."""
    ran = job.run(write_records(job.directory / "in", [{"n": 1}]))
    assert ran.errors.splitlines()[0].startswith("lines ")


def test_lines_tell_share_rate_and_time_left() -> None:
    stream = io.StringIO()
    lines = Lines(stream, 1000, seconds=0)
    lines.update(0, 0, 0)
    lines.update(250, 5000, 7)
    first, second = stream.getvalue().splitlines()
    assert re.fullmatch(r"0%, 0 records, 0 failed, 0 records/s", first)
    assert re.fullmatch(r"25%, 5,000 records, 7 failed, [\d,]+ records/s, 0 s left", second)


def test_lines_of_a_stream_tell_what_can_be_known() -> None:
    stream = io.StringIO()
    Lines(stream, 0, seconds=0).update(250, 5000, 7)
    assert re.fullmatch(r"5,000 records, 7 failed, [\d,]+ records/s\n", stream.getvalue())


def test_between_lines_there_is_some_time() -> None:
    stream = io.StringIO()
    lines = Lines(stream, 1000, seconds=60)
    lines.update(250, 5000, 7)
    lines.close()
    assert stream.getvalue() == ""


def test_what_suits_the_stream_is_chosen() -> None:
    assert isinstance(make_progress(io.StringIO(), 1, quiet=False), Lines)
    assert isinstance(make_progress(io.StringIO(), 1, quiet=True), Silence)
