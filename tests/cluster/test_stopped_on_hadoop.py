"""A run on Hadoop that is stopped: one line, a signal's exit code, and nothing of the run anywhere."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_jobs import IRIS, IRIS_SETTINGS, on_hadoop
from local_hadoop import LocalHadoop
from local_jobs import PROJECT, Ended, LocalJob, ended

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

INPUT = PROJECT / "data" / "input.ldjson"
OUTPUT = "/stopped/out"
ALIVE = "NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING"
# gzip's header has the time of packing (RFC 1952, 2.3): with another one it is another bundle
GZIP_TIME, GZIP_TIME_BYTES = 4, 4
_STAGING = re.compile(r"Disabling Erasure Coding for path: (\S+)")
_JAR = re.compile(r"packageJobJar: .* (\S+\.jar) tmpDir=")


@pytest.fixture(scope="module")
def new_bundle(iris_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a bundle that the cluster has not seen."""
    path = tmp_path_factory.mktemp("bundle") / "new.tar.gz"
    path.write_bytes(iris_bundle.read_bytes())
    with path.open("r+b") as file:
        file.seek(GZIP_TIME)
        file.write(os.urandom(GZIP_TIME_BYTES))
    return path


@pytest.fixture
def job(hadoop: LocalHadoop, iris_bundle: Path, tmp_path: Path) -> Iterator[LocalJob]:
    """Give the iris job, which leaves nothing on this machine, in HDFS's temporary directory and in YARN."""
    hadoop.hadoop("fs", "-rm", "-r", "-f", "-skipTrash", OUTPUT)
    job = on_hadoop(hadoop, tmp_path, "--bundle", str(iris_bundle), *IRIS, **IRIS_SETTINGS)
    yield job
    assert job.processes() == []
    assert job.left() == []
    assert job.token not in hadoop.hadoop("fs", "-ls", "-C", "tmp/mrjob").stdout
    assert [name for name in hadoop.applications(ALIVE).values() if job.token in name] == []


def stopped_at(job: LocalJob, words: str, number: signal.Signals, *options: str) -> Ended:
    """Send a run a signal when it has written a line with these words; what it came to."""
    process = job.start(*options, INPUT, bufsize=0)  # communicate() knows of no buffer
    assert process.stderr
    seen = b""
    while words.encode() not in seen:
        line = process.stderr.readline()
        assert line, seen.decode()
        seen += line
    process.send_signal(number)
    run = ended(process)
    return Ended(run.code, run.output, seen.decode() + run.errors)


def test_a_bundle_that_was_not_whole_is_nowhere_and_the_next_run_puts_it_in_its_place(
    hadoop: LocalHadoop, job: LocalJob, new_bundle: Path
) -> None:
    """The signal comes while it is put into HDFS, or just before that."""
    run = stopped_at(job, "Tasks run in", signal.SIGTERM, "--bundle", str(new_bundle))
    assert (run.code, run.errors.splitlines()[-1]) == (143, "Stopped by SIGTERM.")
    place = f"tmp/mrjob/bundles/{run.errors.partition('whose sha256 is ')[2].split()[0]}"
    assert hadoop.hadoop("fs", "-ls", place, check=False).stdout == ""
    stopped_at(job, "packageJobJar", signal.SIGTERM, "--bundle", str(new_bundle))
    assert hadoop.hadoop("fs", "-stat", "%n %b", f"{place}/*").stdout.split() == [
        "bundle.tar.gz",
        str(new_bundle.stat().st_size),
    ]


@pytest.mark.parametrize(
    ("words", "number", "line"),
    [
        ("Disabling Erasure Coding", signal.SIGTERM, "Stopped by SIGTERM."),
        ("Submitting tokens", signal.SIGINT, "Stopped by Ctrl-C."),
        ("Submitted application", signal.SIGTERM, "Stopped by SIGTERM."),
    ],
)
def test_a_job_whose_application_master_has_not_come_up_leaves_nothing(
    hadoop: LocalHadoop, job: LocalJob, words: str, number: signal.Signals, line: str
) -> None:
    """Neither in YARN's staging area, nor where the client has packed its jar."""
    output = ("--output-dir", f"hdfs://{OUTPUT}")
    run = stopped_at(job, words, number, *output)
    assert (run.code, run.errors.splitlines()[-1]) == (128 + number, line)
    assert "Traceback" not in run.errors
    (staging,), (jar,) = _STAGING.findall(run.errors), _JAR.findall(run.errors)
    assert hadoop.hadoop("fs", "-test", "-e", staging, check=False).returncode == 1
    assert Path(jar).is_relative_to(job.tmp)
    assert hadoop.hadoop("fs", "-ls", "-C", "/stopped", check=False).stdout == ""


def test_an_output_that_is_whole_is_called_so_and_the_rest_is_removed(
    hadoop: LocalHadoop, job: LocalJob
) -> None:
    """The signal comes while the run removes what it needs no more."""
    run = stopped_at(job, "Removing temp directory", signal.SIGTERM, "--output-dir", f"hdfs://{OUTPUT}")
    assert run.code == 143, run.errors
    assert run.errors.splitlines()[-1] == f"Stopped by SIGTERM. The output hdfs://{OUTPUT} is complete."
    assert hadoop.hadoop("fs", "-ls", "-C", "/stopped").stdout.split() == [OUTPUT]
    assert f"{OUTPUT}/_SUCCESS" in hadoop.hadoop("fs", "-ls", "-C", OUTPUT).stdout.split()
