"""The job on a real Hadoop: the answers of one machine, whole output or none, one line for a mistake."""

import re
import shutil
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_jobs import (
    IRIS,
    IRIS_SETTINGS,
    fingerprint,
    half_failed,
    on_hadoop,
    summary_of,
)
from hostile_rows import COMPLETE, FILES, OPTIONS
from local_hadoop import LocalHadoop
from local_jobs import PROJECT, LocalJob, write_records

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

INPUT = PROJECT / "data" / "input.ldjson"
REPLAYED = "complete: 15 lines = 6 kept + 8 predicted + 1 failed + 0 blank"
# Hadoop's clients try ten times to reach a server: a tenth of a second apart instead of a whole one
SOON = "<property><name>ipc.client.connect.retry.interval</name><value>100</value></property>"


@pytest.fixture(scope="module")
def tokens(hadoop: LocalHadoop) -> Iterator[list[str]]:
    """Collect the tokens of runs, which leave nothing in the temporary directory of HDFS."""
    tokens: list[str] = []
    yield tokens
    listed = hadoop.hadoop("fs", "-ls", "-C", "tmp/mrjob", check=False).stdout.split()
    assert [path for path in listed if any(token in path for token in tokens)] == []


@pytest.fixture
def job(hadoop: LocalHadoop, iris_bundle: Path, tokens: list[str], tmp_path: Path) -> Iterator[LocalJob]:
    """Give the iris job, which leaves nothing in the temporary directories of this machine and of HDFS."""
    job = on_hadoop(hadoop, tmp_path, "--bundle", str(iris_bundle), *IRIS, **IRIS_SETTINGS)
    tokens.append(job.token)
    yield job
    assert job.processes() == []
    assert [name for name in job.left() if job.token in name] == []  # onnxruntime leaves a file


def test_several_models_are_each_counted_and_compared(job: LocalJob, tmp_path: Path) -> None:
    """A class of the bundle beside a file that travels with the job, as on one machine."""
    file = PROJECT / "examples" / "iris_model" / "iris_model" / "model_files" / "iris.onnx"
    challenger = ("--model_file", f"challenger={file}", "--model_output", "label")
    features = ("--features", "sepal_length,sepal_width,petal_length,petal_width")
    ended = job.run(*challenger, *features, "--summary_file", tmp_path / "summary.json", INPUT)
    inline = LocalJob(tmp_path, environment=IRIS_SETTINGS).run(*IRIS, *challenger, *features, INPUT)
    assert fingerprint(ended) == fingerprint(inline)
    assert Counter(ended.output.splitlines()) == Counter(inline.output.splitlines())
    assert "challenger and iris_model agree on species in 14 of 14 records (100.00%)" in ended.errors
    counts = summary_of(tmp_path / "summary.json")["counts_of_models"]
    assert {name: (own["predicted"], own["failed"]) for name, own in counts.items()} == {
        "iris_model": (14, 1),
        "challenger": (14, 1),
    }


def test_a_replay_predicts_again_what_has_failed(hadoop: LocalHadoop, job: LocalJob, tmp_path: Path) -> None:
    """Of a directory in HDFS, which has to be whole."""
    earlier, whole = half_failed(tmp_path)
    (tmp_path / "replayed").mkdir()
    (tmp_path / "replayed" / "_SUCCESS").touch()
    shutil.copy(earlier, tmp_path / "replayed" / "part-00000")
    hadoop.hadoop("fs", "-rm", "-r", "-f", "-skipTrash", "/replayed")
    hadoop.hadoop("fs", "-put", tmp_path / "replayed", "/replayed")
    ended = job.run("--replay", "hdfs:///replayed")
    assert fingerprint(ended) == fingerprint(whole)
    assert REPLAYED in ended.errors
    hadoop.hadoop("fs", "-rm", "/replayed/_SUCCESS")
    assert "is a directory without _SUCCESS" in job.run("--replay", "hdfs:///replayed").errors


def test_a_hadoop_that_runs_no_class_of_ours_costs_time_alone(
    hadoop: LocalHadoop, job: LocalJob, tmp_path: Path
) -> None:
    """Each command starts a Java machine then, and the log says so once; here of a file's replay."""
    wrapper = tmp_path / "hadoop"
    wrapper.write_text(
        f'#!/bin/sh\ncase $1 in modelmapreducejob.*) exit 1;; esac\nexec {hadoop.command()[0]} "$@"\n',
        encoding="utf-8",
    )
    wrapper.chmod(0o755)
    earlier, whole = half_failed(tmp_path)
    ended = job.run("--hadoop-bin", wrapper, "--replay", earlier)
    assert fingerprint(ended) == fingerprint(whole)
    assert Counter(ended.output.splitlines()) == Counter(whole.output.splitlines())
    assert REPLAYED in ended.errors
    assert ended.errors.count("Each command to Hadoop starts a Java machine") == 1


@pytest.mark.parametrize(("kind", "tasks"), [("ldjson", 3), ("csv", 5)])
def test_any_bytes_give_the_same_output_as_on_one_machine(  # noqa: PLR0913, PLR0917 - fixtures
    hadoop: LocalHadoop,
    job: LocalJob,
    rows_fingerprint: dict[str, str],
    rows_in_hdfs: str,
    kind: str,
    tasks: int,
) -> None:
    """Lines with CRs, TABs and bytes that are no UTF-8 among them.

    The text of each format is split between tasks, and so is bz2; gz is one task's.
    """
    output = f"/same-{kind}"
    inputs = [f"{rows_in_hdfs}/{name}" for name in FILES[kind]]
    least = f"mapreduce.job.maps={tasks - 1}"
    ended = job.run("-D", least, *OPTIONS[kind], "--output-dir", f"hdfs://{output}", *inputs)
    assert fingerprint(ended) == rows_fingerprint[kind]
    assert COMPLETE in ended.errors
    parts = hadoop.hadoop("fs", "-ls", "-C", output).stdout.split()
    assert parts == [f"{output}/_SUCCESS", *(f"{output}/part-{number:05}" for number in range(tasks))]


def test_a_plan_looks_at_hdfs_and_leaves_nothing(job: LocalJob, rows_in_hdfs: str) -> None:
    ended = job.run("--plan", f"{rows_in_hdfs}/rows.ldjson", f"{rows_in_hdfs}/rows.ldjson.gz")
    assert ended.code == 0, ended.errors
    assert b"2 files" in ended.output


def test_too_many_failures_leave_nothing_that_can_be_taken_for_a_result(
    hadoop: LocalHadoop, job: LocalJob
) -> None:
    ended = job.run("--max_error_rate", "0.01", "--output-dir", "hdfs:///refused/out", INPUT)
    assert ended.code == 3, ended.errors
    assert "more than --max_error_rate 0.01 allows" in ended.errors.splitlines()[-1]
    assert hadoop.hadoop("fs", "-ls", "-C", "/refused").stdout == ""


def test_the_tasks_have_nothing_but_the_bundle(job: LocalJob, iris_bundle: Path, tmp_path: Path) -> None:
    """They run without a network, this machine's Python, what's installed for it, and the sources.

    The run's input is what it has on standard input. Its output comes out on standard output, where no line
    has a TAB at its end, and the summary says what it says on one machine.
    """
    hidden = [sys.prefix, sys.base_prefix, PROJECT / "model_mapreduce_job", PROJECT / "examples"]
    wrapper = tmp_path / "alone.sh"
    wrapper.write_text(
        "".join(f"mount -t tmpfs none {path}\n" for path in hidden if str(path) != "/usr")
        + 'exec bundle/bin/python "$@"\n',
        encoding="utf-8",
    )
    alone = "unshare --map-root-user --mount --net /bin/sh -e alone.sh"
    files = ("--archives", f"{iris_bundle}#bundle", "--files", f"{wrapper}#alone.sh", "--no-bootstrap-mrjob")
    asked = ("--summary_file", tmp_path / "hadoop.json", "--bundle", "none", "--task-python-bin", alone)
    ended = job.run(*asked, *files, stdin=INPUT.read_bytes())
    assert ended.code == 0, ended.errors
    inline = LocalJob(tmp_path, environment=IRIS_SETTINGS)
    expected = inline.run(*IRIS, "--summary_file", tmp_path / "inline.json", stdin=INPUT.read_bytes())
    assert Counter(ended.output.splitlines()) == Counter(expected.output.splitlines())
    ours, theirs = summary_of(tmp_path / "hadoop.json"), summary_of(tmp_path / "inline.json")
    for same in ("model", "fingerprint", "failed_share"):
        assert ours[same] == theirs[same]
    assert ours["counts"]["lines"] == theirs["counts"]["lines"] == 15


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["hdfs:///nothing/here.ldjson"], "There is no input hdfs:///nothing/here.ldjson."),
        (["nothing-here.ldjson"], "There is no input nothing-here.ldjson."),
        (["--output-dir", "hdfs:///rows", str(INPUT)], "The output hdfs:///rows is there already."),
        (
            ["--hadoop-bin", "/nowhere/hadoop", "hdfs:///rows"],
            "/nowhere/hadoop can't be started: No such file",
        ),
        (["--bundle", "no.tar.gz", str(INPUT)], "There is no bundle no.tar.gz. Make one: make bundle."),
    ],
)
def test_a_mistake_costs_one_line_and_no_run(
    job: LocalJob, rows_in_hdfs: str, arguments: list[str], message: str
) -> None:
    assert rows_in_hdfs == "hdfs:///rows"
    ended = job.run("-q", *arguments)
    assert ended.code == 1
    assert ended.output == b""
    (line,) = ended.errors.splitlines()
    assert line.startswith(message)


@pytest.mark.parametrize(
    ("setting", "arguments"),
    [("namenode_rpc", ["hdfs:///rows"]), ("resourcemanager_client", [str(INPUT)])],
)
def test_a_dead_cluster_is_told_in_one_line(
    hadoop: LocalHadoop, job: LocalJob, tmp_path: Path, setting: str, arguments: list[str]
) -> None:
    """Its address is in the configuration, and nobody answers there."""
    ports = hadoop.ports()
    conf = tmp_path / "conf"
    shutil.copytree(hadoop.environment["HADOOP_CONF_DIR"], conf)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        for path in conf.glob("*.xml"):
            text = path.read_text(encoding="utf-8")
            text = text.replace(f":{ports[setting]}<", f":{closed.getsockname()[1]}<")
            path.write_text(text.replace("</configuration>", f"{SOON}</configuration>"), encoding="utf-8")
        job.environment["HADOOP_CONF_DIR"] = str(conf)
        ended = job.run("-q", *arguments)
    assert ended.code == 1
    (line,) = ended.errors.splitlines()
    assert "can't be reached" in line


def test_a_task_that_gives_up_says_why_where_and_on_what(job: LocalJob, tmp_path: Path) -> None:
    """The exit code is that of one machine."""
    path = write_records(tmp_path / "wrong", [{"n": number} for number in range(3000)])
    ended = job.run("-q", "--max_error_rate", "0.5", "-D", "mapreduce.map.maxattempts=1", path)
    assert ended.code == 3
    line = ended.errors.splitlines()[-1]
    host = re.escape(socket.gethostname())
    place = rf"A task failed on {host}, reading {re.escape(str(path))}, bytes [\d,]+ to [\d,]+: "
    assert re.match(rf"{place}The first 1,\d+ records of the input all failed", line), line
    assert "Traceback" not in ended.errors
