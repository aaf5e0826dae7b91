"""What is left of a run: its whole output under the name that was asked for, or nothing."""

from __future__ import annotations

import gzip
import json
import os
import resource
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from local_jobs import LocalJob, ended, numbered, output_of, wait_until, write_records

if TYPE_CHECKING:
    from subprocess import Popen

STAGING = ".out.unfinished"


@pytest.fixture
def records(job: LocalJob) -> Path:
    return write_records(job.directory / "in", numbered(20))


def files_of(job: LocalJob) -> set[str]:
    return {path.name for path in job.directory.iterdir()} - {"tmp"}


@pytest.mark.parametrize("umask", [0o022, 0o027])
def test_output_appears_with_the_rights_that_the_user_gives_to_files(
    job: LocalJob, records: Path, umask: int
) -> None:
    """The run's own files are private; its output, and the directories made for it, follow the umask."""
    ran = job.run("--output-dir", "results/out", records, umask=umask)
    assert (ran.code, ran.output) == (0, b"")
    out = job.directory / "results" / "out"
    modes = {path.name: path.stat().st_mode & 0o777 for path in [out.parent, out, *out.iterdir()]}
    directory, file = 0o777 & ~umask, 0o666 & ~umask
    assert modes == {"results": directory, "out": directory, "part-00000": file, "_SUCCESS": file}
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_an_output_that_is_there_is_refused_before_any_work(job: LocalJob) -> None:
    """Not even the input is opened: a pipe that nobody writes to would be waited for."""
    (job.directory / "out").mkdir()
    (job.directory / "out" / "part-00000").write_text("old")
    os.mkfifo(job.directory / "fifo")
    ran = job.run("--output-dir", "out", "fifo")
    assert (ran.code, ran.output) == (1, b"")
    assert (
        ran.errors == f"The output {job.directory}/out is there already. Name another, or remove it first.\n"
    )
    assert output_of(job.directory / "out") == b"old"


def test_an_empty_directory_and_a_link_are_outputs_too(job: LocalJob, records: Path) -> None:
    """An empty directory is filled; where the name is a link, what it leads to."""
    (job.directory / "disk" / "empty").mkdir(parents=True)
    (job.directory / "out").symlink_to(job.directory / "disk" / "empty")
    ran = job.run("--output-dir", "out", records)
    assert ran.code == 0, ran.errors
    assert (job.directory / "out").is_symlink()
    assert len(output_of(job.directory / "disk" / "empty").splitlines()) == 20


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("in/out", "can't be made: File exists"),
        ("/proc/out", "can't be made: No such file or directory"),
        ("hdfs://cluster/out", "is not on this machine"),
        ("o" * 300, "can't be made: File name too long"),
    ],
)
@pytest.mark.parametrize("job", ["inline"], indirect=True)
def test_an_output_that_cannot_be_made_is_one_line(
    job: LocalJob, records: Path, place: str, words: str
) -> None:
    """A file in the way, a place where nothing can be made, another machine's, a name too long."""
    ran = job.run("--output-dir", place, records)
    assert (ran.code, ran.errors.count("\n")) == (1, 1)
    assert words in ran.errors
    assert files_of(job) == {"in"}


def test_a_run_that_fails_has_no_output_and_keeps_what_is_finished(job: LocalJob) -> None:
    """More failures than are allowed: exit code 3; who allows more need not predict again."""
    write_records(job.directory / "in", [*numbered(20), {"n": 1, "do": "refuse"}])
    ran = job.run("--output-dir", "out", "--max_error_rate", 0, "--quiet", "in")
    assert (ran.code, ran.output, ran.errors.count("\n")) == (3, b"", 1)
    assert "ValueError: 1 is refused" in ran.errors
    assert "Kept: 1 finished part. The same command with --resume goes on." in ran.errors
    assert files_of(job) == {"in", STAGING}
    ran = job.run("--output-dir", "out", "--resume", "in")
    assert ran.code == 0, ran.errors
    assert files_of(job) == {"in", "out"}


def test_nothing_of_a_failed_run_is_printed(job: LocalJob) -> None:
    """Standard output stays empty until the run is known to be whole."""
    write_records(job.directory / "in", [*numbered(20), {"n": 1, "do": "refuse"}])
    ran = job.run("--max_error_rate", 0, "--quiet", "in")
    assert (ran.code, ran.output, ran.errors.count("\n")) == (3, b"", 1)


def test_standard_output_on_a_full_disk_is_one_line(job: LocalJob, records: Path) -> None:
    """/dev/full takes nothing, as a full disk does."""
    with Path("/dev/full").open("wb") as full:
        ran = job.run("--quiet", records, stdout=full)
    assert (ran.code, ran.errors.count("\n")) == (1, 1)
    assert "No space left on device" in ran.errors


@pytest.mark.parametrize("where", [("--output-dir", "out"), ()])
def test_a_disk_that_takes_no_more_is_one_line_and_leaves_nothing(
    job: LocalJob, where: tuple[str, ...]
) -> None:
    """A limit on the size of files stands for the full disk: the kernel refuses to write, in any process."""
    write_records(job.directory / "in", [{"n": number, "pad": "x" * 1000} for number in range(500)])

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    job.measured = False  # coverage could not write either, and would say so
    ran = job.run("--quiet", *where, "in", preexec_fn=limit)
    assert (ran.code, ran.output, ran.errors.count("\n")) == (1, b"", 1)
    assert "File too large" in ran.errors
    assert files_of(job) == {"in"}


@pytest.mark.parametrize(
    ("number", "code", "line"),
    [(signal.SIGINT, 130, "Stopped by Ctrl-C."), (signal.SIGTERM, 143, "Stopped by SIGTERM.")],
)
@pytest.mark.parametrize("to_all", [False, True], ids=["driver", "group"])
def test_a_signal_ends_a_run_with_one_line(
    job: LocalJob, number: signal.Signals, code: int, line: str, to_all: bool
) -> None:
    """Whether only the driver gets it, or all that the terminal started; twice is no more than once."""
    process = start_and_wait(job)
    send = os.killpg if to_all else os.kill
    send(process.pid, number)
    send(process.pid, number)
    ran = ended(process)
    assert (ran.code, ran.output, ran.errors) == (code, b"", f"{line}\n")
    assert files_of(job) == {"in", "reached"}


def test_a_killed_driver_leaves_no_workers_and_no_result(job: LocalJob) -> None:
    """SIGKILL can't be answered: the kernel ends the workers, even one that hangs; the next run cleans up."""
    process = start_and_wait(job, do="hang_in_c")
    process.kill()
    assert ended(process).code == -signal.SIGKILL
    wait_until(lambda: job.processes() == [])
    assert not (job.directory / "out").exists()
    assert job.left() != []
    write_records(job.directory / "in", numbered(5))
    ran = job.run("--output-dir", "out", "in")
    assert ran.code == 0, ran.errors
    assert len(output_of(job.directory / "out").splitlines()) == 5
    assert not (job.directory / STAGING).exists()


@pytest.mark.parametrize("job", ["local"], indirect=True)
def test_a_killed_driver_leaves_no_worker_behind_a_setup_script(job: LocalJob) -> None:
    """Not even where a shell stands between them, as with --setup."""
    process = start_and_wait(job, "--setup", "true", do="hang_in_c")
    process.kill()
    ended(process)
    assert job.processes() == []
    job.run(write_records(job.directory / "one", numbered(1)))


def test_two_runs_cannot_make_one_output(job: LocalJob, records: Path) -> None:
    """The second is told so, and does the first no harm."""
    process = start_and_wait(job)
    ran = job.run("--output-dir", "out", records)
    assert ran.code == 1
    assert ran.errors == f"Another run is making {job.directory}/out. Wait for it, or name another output.\n"
    (job.directory / "go_on").touch()
    assert ended(process).code == 0
    assert json.loads(output_of(job.directory / "out").partition(b"\t")[2]) == {"n": 0}


def start_and_wait(job: LocalJob, *options: str, do: str = "wait_for_file") -> Popen[bytes]:
    """Start a run into `out` that comes to a record on which it waits, or hangs; return when it's there."""
    reached, go_on = job.directory / "reached", job.directory / "go_on"
    first = {"n": 0, "do": "wait_for_file", "reached": str(reached), "go_on": str(go_on)}
    write_records(job.directory / "in", [first] if do == "wait_for_file" else [first, {"n": 1, "do": do}])
    process = job.start("--output-dir", "out", *options, "in", process_group=0)
    wait_until(reached.exists)
    if do != "wait_for_file":
        go_on.touch()
    return process


@pytest.mark.parametrize("job", ["inline"], indirect=True)
def test_a_home_that_the_shell_has_left_is_expanded_and_a_finished_run_says_so(
    job: LocalJob, records: Path
) -> None:
    """As in --output-dir=~/out."""
    job.environment["HOME"] = str(job.directory)
    ran = job.run("--output-dir=~/out", records)
    assert ran.code == 0, ran.errors
    assert files_of(job) == {"in", "out"}
    ran = job.run("--output-dir=~/out", "--resume", records)
    assert (ran.code, ran.errors.count("\n")) == (1, 1)
    assert ran.errors.startswith(f"{job.directory}/out is finished: its _SUCCESS is there")


@pytest.mark.parametrize("job", ["inline"], indirect=True)
def test_a_named_pipe_is_decompressed_by_its_ending(job: LocalJob) -> None:
    """While it's read; its bytes are no lines."""
    os.mkfifo(job.directory / "in.gz")
    process = job.start("--quiet", "in.gz")
    packed = gzip.compress(b"".join(b'{"n": %d}\n' % number for number in range(50)))
    (job.directory / "in.gz").write_bytes(packed)
    ran = ended(process)
    assert (ran.code, [value["n"] for value in ran.values]) == (0, list(range(50)))


def test_an_input_that_grows_while_it_is_read_ends_the_run(job: LocalJob) -> None:
    """Its last line may have been cut apart; nothing is published."""
    process = start_and_wait(job)
    with (job.directory / "in").open("ab") as file:
        file.write(b'{"n": 5}\n')
    (job.directory / "go_on").touch()
    ran = ended(process)
    assert (ran.code, ran.output, ran.errors.count("\n")) == (1, b"", 1)
    assert f"{job.directory}/in became longer while the run went on" in ran.errors
    assert not (job.directory / "out").exists()
