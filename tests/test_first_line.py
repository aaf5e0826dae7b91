"""The first line of a job's input, read by the driver before the run; and what comes of it in whole runs."""

from __future__ import annotations

import gzip
import io
import os
from typing import TYPE_CHECKING

import pytest

from model_mapreduce_job.driver.first_line import Unread

if TYPE_CHECKING:
    from local_jobs import LocalJob

CSV = ("--input_protocol", "csv", "--quiet")
ROWS = b"n,name\n1,a\n2,b\n"
ANSWERS = [{"n": 1}, {"n": 2}]


def test_what_was_read_is_read_again() -> None:
    stream = Unread(b"first\n", io.BytesIO(b"second\nthird\n"))
    assert [stream.read(100), stream.read(100), stream.read(100)] == [b"first\n", b"second\nthird\n", b""]
    assert list(Unread(b"first\n", io.BytesIO(b"second\nthird\n"))) == [b"first\n", b"second\n", b"third\n"]


def test_columns_come_from_the_first_line(job: LocalJob) -> None:
    """Of the first file, compressed or not, and of standard input, which is read on from its start."""
    (job.directory / "in.csv").write_bytes(ROWS)
    (job.directory / "in.csv.gz").write_bytes(gzip.compress(ROWS))
    for source, stdin in (("in.csv", None), ("in.csv.gz", None), ("-", ROWS)):
        ran = job.run(*CSV, source, stdin=stdin)
        assert (ran.code, ran.errors, ran.values) == (0, "", ANSWERS)


@pytest.mark.measured
def test_a_pipe_is_not_read_for_its_first_line(job: LocalJob) -> None:
    """It would be gone. With --columns it's input as any other, and its header is no record."""
    os.mkfifo(job.directory / "fifo")
    ran = job.run(*CSV, "fifo")
    assert (ran.code, ran.errors.count("\n")) == (1, 1)
    assert ran.errors.startswith("The input fifo can be read only once")


@pytest.mark.measured
@pytest.mark.parametrize("job", ["inline"], indirect=True)
@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("in.csv", b"", "The input in.csv is empty, so it names no columns. Name them with --columns a,b,c."),
        ("in.csv", b"\n1,a\n", "The input in.csv begins with a blank line, where its header belongs."),
        ("in.csv", b"a,b\r1,2\r", "The lines of the input in.csv end in CR alone."),
        (
            "in.csv",
            b"PAR1\x15",
            "The input in.csv is no text in UTF-8: it looks like a Parquet file; read it",
        ),
        ("in.csv.gz", b"", "in.csv.gz is cut off or damaged: it is empty."),
        ("nothing", None, "There is no input nothing."),
    ],
)
def test_without_a_first_line_there_is_one_line(
    job: LocalJob, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (job.directory / name).write_bytes(content)
    ran = job.run(*CSV, name)
    assert (ran.code, ran.errors.count("\n")) == (1, 1)
    assert ran.errors.startswith(words)
