"""One record alone in the foreground: its prediction, its whole traceback, a debugger on a terminal."""

from __future__ import annotations

import os
import pty
import time
from typing import TYPE_CHECKING

import pytest
from local_jobs import LocalJob, numbered, write_records

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def job(tmp_path: Path) -> LocalJob:
    write_records(tmp_path / "a", numbered(2))
    write_records(tmp_path / "b", [{"n": 2, "do": "talk"}, {"n": 3, "do": "refuse"}])
    return LocalJob(tmp_path, ("--model_qualified_name", "obedient"))


def test_a_good_record_gives_its_prediction_and_what_the_model_says(job: LocalJob) -> None:
    """Lines are counted over all inputs; only an exit handler speaks after the answer."""
    ran = job.run("--debug_record", "3", "a", "b")
    assert (ran.code, ran.output.splitlines()[-2:]) == (0, [b'{"n": 2}', b"said at exit"])
    assert b"printed" in ran.output
    assert "written" in ran.errors


def test_a_bad_record_gives_its_whole_traceback(job: LocalJob) -> None:
    ran = job.run("--debug_record", "4", "a", "b")
    assert (ran.code, ran.output) == (1, b"")
    assert "obedient.py" in ran.errors
    assert "raise ValueError" in ran.errors
    assert ran.errors.splitlines()[-1] == "ValueError: 3 is refused"


@pytest.mark.measured
def test_on_a_terminal_a_debugger_opens_where_it_was_raised(job: LocalJob) -> None:
    above, below = pty.openpty()
    process = job.start("--debug_record", "2", "b", stdin=below, stdout=below, stderr=below)
    os.close(below)
    shown = b""
    deadline = time.monotonic() + 60
    while b"(Pdb)" not in shown and time.monotonic() < deadline:
        shown += os.read(above, 1 << 16)
    os.write(above, b"p record['n']\nq\n")
    time.sleep(0.5)
    shown += os.read(above, 1 << 16)
    assert process.wait() == 1
    os.close(above)
    assert b"-> raise ValueError" in shown
    assert b"\n3\r\n" in shown


@pytest.mark.measured
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["9", "a"], "--debug_record 9 is no line of the input, which has 2."),
        (["1", "blank"], "Line 1 is blank: it is no record."),
        (["1"], "--debug_record can't look for a record in -. Give the input as files."),
        (["0", "a"], "'0' is not a whole number from 1"),
        (["1", "--max_record_bytes", "3", "a"], "Line 1 is longer than --max_record_bytes."),
        (["1", "--plan", "a"], "--debug_record predicts one record, and --plan a sample"),
        (["1", "-r", "hadoop", "a"], "--debug_record reads its record here, and this is -r hadoop"),
    ],
)
def test_a_record_that_is_not_there_is_one_line(job: LocalJob, arguments: list[str], words: str) -> None:
    (job.directory / "blank").write_bytes(b" \r\n{}\n")
    ran = job.run("--debug_record", *arguments)
    assert (ran.code, ran.output, ran.errors.count("\n")) == (1, b"", 1)
    assert words in ran.errors


@pytest.mark.measured
def test_rows_and_their_header(job: LocalJob) -> None:
    (job.directory / "table.csv").write_text("n,do\n5,refuse\n")
    assert job.run("--input_protocol", "csv", "--debug_record", "2", "table.csv").code == 1
    header = job.run("--input_protocol", "csv", "--debug_record", "1", "table.csv")
    assert (header.code, header.errors) == (1, "The line names the columns: it is no record.\n")


@pytest.mark.measured
@pytest.mark.parametrize(("name", "lane"), [("n.ldjson", "list"), ("n.csv", "columns")])
def test_a_model_of_both_kinds_is_asked_as_a_run_asks_it(tmp_path: Path, name: str, lane: str) -> None:
    (tmp_path / name).write_text('{"n": 1}\n' if name == "n.ldjson" else "n\n1\n")
    job = LocalJob(tmp_path, ("--model_qualified_name", "of_both_kinds", "--quiet"))
    alone = job.run("--debug_record", 1 if name == "n.ldjson" else 2, name)
    assert (alone.code, alone.errors, alone.output) == (0, "", b'{"by": "%b"}\n' % lane.encode())
    assert job.run(name).output.endswith(b"\t" + alone.output)
