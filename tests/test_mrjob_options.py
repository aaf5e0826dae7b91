"""mrjob's own options keep working on the local engine."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

import pytest
from local_jobs import TESTS, LocalJob, numbered, write_records

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def archive(job: LocalJob) -> Path:
    """Return an archive with a file, and a link to that file."""
    (job.directory / "packed").write_text("from the archive")
    (job.directory / "link").symlink_to("packed")
    path = job.directory / "data.tar.gz"
    with tarfile.open(path, "w:gz") as packing:
        packing.add(job.directory / "packed", "inner/packed")
        packing.add(job.directory / "link", "inner/link")
    return path


@pytest.mark.measured
def test_files_archives_and_environment_reach_the_tasks(job: LocalJob, archive: Path) -> None:
    """They are in the task's directory, links in archives too."""
    (job.directory / "table.txt").write_text("a file")
    records = [{"read": "names.txt"}, {"read": "data/inner/packed"}, {"read": "data/inner/link"}]
    environment = ["ABC", "mapreduce_map_input_file", "mapreduce_task_ismap", "user_defined"]
    write_records(job.directory / "in", [*records, *({"env": name} for name in environment)])
    ran = job.run(
        *("--files", "table.txt#names.txt", "--archives", f"{archive}#data"),
        *("--cmdenv", "ABC=def", "-D", "user.defined=yes", "in"),
    )
    assert ran.code == 0, ran.errors
    given = ["def", f"file://{job.directory}/in", "true", "yes"]
    assert ran.values == ["a file", "from the archive", "from the archive", *given]


@pytest.mark.parametrize("job", ["local"], indirect=True)
def test_setup_commands_run_before_the_tasks(job: LocalJob) -> None:
    """What they export and make is there; what they print is no output; their lock is not left."""
    write_records(job.directory / "in", [{"env": "MADE"}, {"read": "made"}])
    lock = job.directory / "lock"
    ran = job.run(
        *("--setup", "export MADE=$(printf here)", "--setup", "echo made | tee made"),
        *("--setup", f"readlink /proc/$$/fd/9 > {lock}", "in"),
    )
    # in the run's own directory: in /tmp, another user could put a link there
    assert lock.read_text().startswith(f"{job.tmp}/")
    assert ran.code == 0, ran.errors
    assert ran.values == ["here", "made\n"]


@pytest.mark.parametrize("job", ["local"], indirect=True)
def test_a_setup_command_that_fails_is_one_line(job: LocalJob) -> None:
    """It says how the task ended, and what was told last."""
    write_records(job.directory / "in", numbered(3))
    ran = job.run("--setup", "cat no-such-disk", "in")
    assert (ran.code, ran.output, ran.errors.count("\n")) == (1, b"", 1)
    assert "exit code 1: cat: no-such-disk: No such file or directory" in ran.errors


def test_output_is_printed_as_asked(job: LocalJob) -> None:
    """--no-output prints none, --cat-output prints it beside an output directory."""
    write_records(job.directory / "in", numbered(2))
    assert job.run("--no-output", "in").output == b""
    ran = job.run("--cat-output", "--output-dir", "out", "in")
    assert ran.values == numbered(2)
    assert (job.directory / "out" / "part-00000").read_bytes() == ran.output


def test_temporary_files_stay_when_that_is_asked_for(job: LocalJob) -> None:
    """Nor does a later run take them for those of a killed one."""
    write_records(job.directory / "in", numbered(2))
    (job.directory / "temporary").mkdir()
    job.run("--cleanup", "NONE", "--local-tmp-dir", "temporary", "in")
    (kept,) = (job.directory / "temporary").iterdir()
    assert list(kept.rglob("part-00000"))
    assert job.run("--local-tmp-dir", "temporary", "in").values == numbered(2)
    assert list((job.directory / "temporary").iterdir()) == [kept]


def test_steps_and_their_output_directory(job: LocalJob) -> None:
    """--step-output-dir keeps what is between two steps."""
    job.script = TESTS / "jobs" / "two_steps.py"
    write_records(job.directory / "in", numbered(3))
    ran = job.run("--step-output-dir", "between", "in")
    assert ran.code == 0, ran.errors
    assert ran.values == [{"n": 0}, {"n": 1}, {"n": 2}]
    between = b"".join(path.read_bytes() for path in (job.directory / "between").rglob("part-*"))
    assert between.count(b"\n") == 3
