"""A run that was stopped goes on where its finished parts end; its output is that of an undisturbed run."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import profile_facts
import pytest
from local_jobs import Ended, LocalJob, ended, output_of, wait_until, write_records

if TYPE_CHECKING:
    from collections.abc import Callable

PAD = "x" * 2000


@pytest.fixture
def stopped(job: LocalJob) -> Ended:
    """Stop a run of about six tasks at a record in the fourth, or so."""
    return stop(job, signal.SIGTERM)


def stop(job: LocalJob, number: signal.Signals, meanwhile: Callable[[], object] = int) -> Ended:
    """Stop a run of several finished parts; something may happen before that."""
    reached, go_on = (str(job.directory / name) for name in ("reached", "go_on"))
    waits = {"do": "wait_for_file", "reached": reached, "go_on": go_on}
    records = [{"n": record, "pad": PAD, **(waits if record == 2000 else {})} for record in range(3000)]
    write_records(job.directory / "in", records)
    process = job.start("--output-dir", "out", "in")
    wait_until(Path(reached).exists)
    wait_until(lambda: len(finished(job)) >= 3)
    meanwhile()
    process.send_signal(number)
    Path(go_on).touch()
    return ended(process)


def finished(job: LocalJob) -> dict[str, int]:
    """Return the finished parts of a run that is not, with the time of their making."""
    return {path.name: path.stat().st_mtime_ns for path in (job.directory / ".out.unfinished").glob("part-*")}


def test_a_stopped_run_goes_on_where_its_finished_parts_end(job: LocalJob, stopped: Ended) -> None:
    """It says so when it's stopped; what was finished is not done again."""
    found = re.fullmatch(
        r"Stopped by SIGTERM\. Kept: (\d) finished parts?\. The same command with --resume goes on\.\n",
        stopped.errors,
    )
    before = finished(job)
    assert found
    assert (stopped.code, int(found[1])) == (143, len(before))
    ran = job.run("--output-dir", "out", "--resume", "in")
    assert ran.code == 0, ran.errors
    assert "complete: 3,000 lines = 3,000 predicted + 0 failed + 0 blank" in ran.errors
    after = {path.name: path.stat().st_mtime_ns for path in (job.directory / "out").iterdir()}
    assert {name: after[name] for name in before} == before
    undisturbed = job.run("--output-dir", "other", "in")
    assert undisturbed.code == 0
    assert contents(job.directory / "out") == contents(job.directory / "other")


@pytest.mark.measured
@pytest.mark.parametrize("change", [Path.touch, Path.unlink])
@pytest.mark.parametrize("job", ["inline"], indirect=True)
def test_no_run_goes_on_with_an_input_that_has_changed_meanwhile(
    job: LocalJob, change: Callable[[Path], object]
) -> None:
    """A stopped run that could not be resumed doesn't say that it could."""
    ran = stop(job, signal.SIGTERM, lambda: change(job.directory / "in"))
    assert re.fullmatch(
        r"Stopped by SIGTERM\. Kept: \d finished parts?, of the input as it was\. Start over .*\n",
        ran.errors,
    )


def test_so_does_one_that_was_killed(job: LocalJob) -> None:
    """A killed driver keeps nothing on purpose, but its finished parts are there.

    Its profile is of all records; the time of those that were finished was another run's.
    """
    job.options = (*job.options, "--profile", "profile.json")
    stop(job, signal.SIGKILL)
    before = finished(job)
    ran = job.run("--output-dir", "out", "--resume", "--fingerprint", "in")
    assert (ran.code, ran.errors.count("\n")) == (1, 1)
    assert "fingerprint is not the same (it was False, now it is True)" in ran.errors
    assert finished(job) == before
    ran = job.run("--output-dir", "out", "--resume", "in")
    assert ran.code == 0, ran.errors
    lines = output_of(job.directory / "out").splitlines()
    assert [json.loads(line.partition(b"\t")[2])["n"] for line in lines] == list(range(3000))
    assert finished(job) == {}
    profile = profile_facts.read(job.directory / "profile.json")
    timed = sum(sum(worker["records"]) for worker in profile.about["throughput"]["workers"])
    assert 0 < timed < profile.records == 3000


@pytest.mark.parametrize("job", ["inline"], indirect=True)
def test_only_a_run_of_the_same_input_model_and_options_goes_on(
    job: LocalJob, stopped: Ended, tmp_path: Path
) -> None:
    """Another environment, number of workers or input is named, and nothing is lost by it."""
    before = finished(job)
    (tmp_path / "second").write_text("")
    again = ("--output-dir", "out", "--resume", "in")
    for others, named in (
        (("--cmdenv", "A=b"), "cmdenv"),
        (("-r", "local", "--num-cores", 3), "num_cores"),
        (("second",), "input"),
    ):
        ran = job.run(*again, *others)
        assert (ran.code, ran.errors.count("\n")) == (1, 1)
        assert ran.errors.startswith(f"Can't resume {job.directory}/out: {named} is not the same")
    os.utime(job.directory / "in")
    ran = job.run(*again)
    assert ran.errors.startswith(f"Can't resume {job.directory}/out: input is not the same")
    assert finished(job) == before
    assert stopped.code == 143


@pytest.mark.parametrize("job", ["inline"], indirect=True)
def test_without_resume_a_run_starts_over(job: LocalJob, stopped: Ended) -> None:
    """What an earlier run left is removed, not mixed in."""
    assert stopped.code == 143
    write_records(job.directory / "in", [{"n": 1}])
    ran = job.run("--output-dir", "out", "in")
    assert ran.code == 0, ran.errors
    assert contents(job.directory / "out") == {"_SUCCESS": b"", "part-00000": b'{"n": 1}\t{"n": 1}\n'}


@pytest.mark.measured
@pytest.mark.parametrize("job", ["inline"], indirect=True)
def test_there_is_nothing_to_resume_without_files_or_an_output_directory(job: LocalJob) -> None:
    """Standard input and pipes can't be read again; standard output can't be gone on with."""
    os.mkfifo(job.directory / "fifo")
    for arguments, words in (
        (("--resume", "in"), "--resume goes on with the parts of an --output-dir."),
        (("--resume", "--output-dir", "out", "-"), "--resume can't go on with standard input."),
        (("--resume", "--output-dir", "out", "fifo"), "--resume can't go on with fifo, which is no file."),
    ):
        write_records(job.directory / "in", [])
        ran = job.run(*arguments)
        assert (ran.code, ran.errors.count("\n")) == (1, 1)
        assert ran.errors.startswith(words)


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}
