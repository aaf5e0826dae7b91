"""A task of Hadoop streaming, started as Hadoop starts it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from local_jobs import SCRIPT, TESTS, write_records

ATTEMPT = {
    "mapreduce_task_attempt_id": "attempt_1_0001_m_000000_0",
    "mapreduce_map_input_file": "hdfs://nn/in",
    "mapreduce_map_input_start": "0",
    "mapreduce_map_input_length": "1000",
}
OBEDIENT = ("--mapper", "--step-num=0", "--model_qualified_name", "obedient")
BEATING = """
import time
from model_mapreduce_job.task.keeper import keep
from model_mapreduce_job.task.streaming import StreamingListener
page = keep(StreamingListener(2, 0.02))
page.add_lines(1234)
time.sleep(1)
"""


def run_task(path: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    """Run a task over a file."""
    settings = {"APP_SETTINGS": "models.settings.TestModels", "PYTHONPATH": str(TESTS)}
    with path.open("rb") as stdin:
        return subprocess.run(
            [sys.executable, SCRIPT, *OBEDIENT, *options],
            env={**os.environ, **settings, **ATTEMPT},
            stdin=stdin,
            capture_output=True,
            check=False,
        )


def test_it_says_where_it_runs_and_on_what(tmp_path: Path) -> None:
    done = run_task(write_records(tmp_path / "records", [{"n": 1}]))
    assert done.stdout == b'{"n": 1}\t{"n": 1}\n'
    place = f"This task runs on {os.uname().nodename} and reads hdfs://nn/in, bytes 0 to 1,000."
    assert done.stderr.decode().splitlines()[0] == place
    assert b"reporter:counter:predictions,lines,1\n" in done.stderr


@pytest.mark.measured
def test_what_a_model_prints_goes_to_standard_error(tmp_path: Path) -> None:
    done = run_task(write_records(tmp_path / "records", [{"n": 1, "do": "talk"}]))
    assert done.stdout == b'{"n": 1, "do": "talk"}\t{"n": 1}\n'
    assert b"printed\n" in done.stderr


@pytest.mark.measured
def test_the_error_that_ended_it_is_marked(tmp_path: Path) -> None:
    done = run_task(write_records(tmp_path / "records", [{} for _ in range(1500)]))
    assert done.returncode == 3
    assert b"\nThe task failed: TooManyFailuresError: The first 1," in done.stderr


def test_its_log_has_examples_of_failures_by_the_line_that_it_read(tmp_path: Path) -> None:
    done = run_task(write_records(tmp_path / "records", [{"n": 1}, {"n": 2, "do": "refuse"}]))
    assert done.returncode == 0
    (line,) = [
        line for line in done.stderr.decode().splitlines() if line.startswith("Example of a failure: ")
    ]
    assert line.startswith("Example of a failure: ValueError: 2 is refused (at obedient.py:")
    assert line.endswith(" (line 2 of what this task reads)")


def test_a_crash_shows_where_the_interpreter_was(tmp_path: Path) -> None:
    done = run_task(write_records(tmp_path / "records", [{"n": 1, "do": "segfault"}]))
    assert done.returncode == -11
    assert b"Fatal Python error: Segmentation fault" in done.stderr


@pytest.mark.measured
def test_the_heart_beats_until_the_task_ends() -> None:
    done = subprocess.run([sys.executable, "-c", BEATING], capture_output=True, text=True, check=True)
    beats = done.stderr.splitlines()
    assert len(beats) >= 3
    assert set(beats) == {"reporter:status:1234 lines predicted"}


def test_the_heart_stops_with_a_task_that_is_killed(tmp_path: Path) -> None:
    """Whoever reads its standard error reads its end, so nobody holds it open any more."""
    script = tmp_path / "task.py"
    script.write_text(BEATING.replace("sleep(1)", "sleep(100)"), encoding="utf-8")
    with subprocess.Popen([sys.executable, script], stderr=subprocess.PIPE) as task:
        assert task.stderr
        task.stderr.readline()
        task.kill()
        started = time.monotonic()
        task.stderr.read()
    assert time.monotonic() - started < 50
