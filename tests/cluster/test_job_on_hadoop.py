"""The job on a real Hadoop: the answers of one machine, whole output or none, one line for a mistake."""

import json
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
    OBEDIENT,
    Task,
    fingerprint,
    half_failed,
    on_hadoop,
    summary_of,
)
from hostile_rows import FILES, ROWS
from local_hadoop import LocalHadoop, eventually
from local_jobs import PROJECT, LocalJob, write_records
from report_contract import check_report

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

INPUT = PROJECT / "data" / "input.ldjson"


@pytest.fixture
def job(hadoop: LocalHadoop, iris_bundle: Path, tmp_path: Path) -> Iterator[LocalJob]:
    """Give the iris job, which leaves nothing in the temporary directories of this machine and of HDFS."""
    job = on_hadoop(hadoop, tmp_path, "--bundle", str(iris_bundle), *IRIS, **IRIS_SETTINGS)
    yield job
    assert job.processes() == []
    assert [name for name in job.left() if job.token in name] == []  # onnxruntime leaves a file
    listed = hadoop.hadoop("fs", "-ls", "-C", "tmp/mrjob", check=False).stdout.split()
    assert [path for path in listed if job.token in path] == []


@pytest.fixture
def obedient(hadoop: LocalHadoop, models_bundle: Path, tmp_path: Path) -> LocalJob:
    """Give the job with a model that does what a record says."""
    return on_hadoop(hadoop, tmp_path, "--bundle", str(models_bundle), *OBEDIENT)


def test_several_models_are_each_counted_and_compared(job: LocalJob, tmp_path: Path) -> None:
    """A class of the bundle beside a file that travels with the job, as on one machine."""
    file = PROJECT / "examples" / "iris_model" / "iris_model" / "model_files" / "iris.onnx"
    challenger = ("--model_file", f"challenger={file}", "--model_output", "label")
    features = ("--features", "sepal_length,sepal_width,petal_length,petal_width")
    ended = job.run(*challenger, *features, "--summary_file", tmp_path / "summary.json", INPUT)
    inline = LocalJob(tmp_path, environment=IRIS_SETTINGS).run(*IRIS, *challenger, *features, INPUT)
    assert fingerprint(ended) == fingerprint(inline)
    assert "challenger and iris_model agree on species in 14 of 14 records (100.00%)" in ended.errors
    counts = summary_of(tmp_path / "summary.json")["counts_of_models"]
    assert {name: (own["predicted"], own["failed"]) for name, own in counts.items()} == {
        "iris_model": (14, 1),
        "challenger": (14, 1),
    }


def test_a_replay_predicts_again_what_has_failed(hadoop: LocalHadoop, job: LocalJob, tmp_path: Path) -> None:
    """Of a file of this machine, and of that run's own output, whose directory has to be whole."""
    earlier, whole = half_failed(tmp_path)
    ended = job.run("--output-dir", "hdfs:///replayed", "--replay", earlier)
    assert fingerprint(ended) == whole
    assert "complete: 15 lines = 6 kept + 8 predicted + 1 failed + 0 blank" in ended.errors
    again = job.run("--replay", "hdfs:///replayed")
    assert fingerprint(again) == whole
    assert "complete: 15 lines = 14 kept + 0 predicted + 1 failed + 0 blank" in again.errors
    hadoop.hadoop("fs", "-rm", "/replayed/_SUCCESS")
    assert "is a directory without _SUCCESS" in job.run("--replay", "hdfs:///replayed").errors


@pytest.mark.parametrize(("kind", "ending"), FILES)
def test_any_bytes_give_the_same_output_as_on_one_machine(  # noqa: PLR0913, PLR0917 - fixtures
    hadoop: LocalHadoop,
    job: LocalJob,
    rows_fingerprint: dict[str, str],
    rows_in_hdfs: str,
    kind: str,
    ending: str,
) -> None:
    """Lines with CRs, TABs and bytes that are no UTF-8 among them; bz2 is split between tasks, gz is not."""
    name, output = f"rows.{kind}{ending}", f"/same-{kind}{ending}"
    options = ("--input_protocol", kind)
    ended = job.run(*options, "--output-dir", f"hdfs://{output}", f"{rows_in_hdfs}/{name}")
    assert fingerprint(ended) == rows_fingerprint[kind]
    assert f"complete: {ROWS // 1000}," in ended.errors
    parts = hadoop.hadoop("fs", "-ls", "-C", output).stdout.split()
    tasks = 1 if ending == ".gz" else 2
    assert parts == [f"{output}/_SUCCESS", *(f"{output}/part-{number:05}" for number in range(tasks))]


def test_local_input_comes_out_on_standard_output(job: LocalJob, tmp_path: Path) -> None:
    """No line has a TAB at its end, and the summary says what it says on one machine."""
    ended = job.run("--summary_file", tmp_path / "hadoop.json", INPUT)
    assert ended.code == 0, ended.errors
    inline = LocalJob(tmp_path, environment=IRIS_SETTINGS)
    expected = inline.run(*IRIS, "--summary_file", tmp_path / "inline.json", INPUT)
    assert Counter(ended.output.splitlines()) == Counter(expected.output.splitlines())
    ours, theirs = summary_of(tmp_path / "hadoop.json"), summary_of(tmp_path / "inline.json")
    for same in ("model", "fingerprint", "failed_share"):
        assert ours[same] == theirs[same]
    assert ours["counts"]["lines"] == theirs["counts"]["lines"] == 15


def test_a_hadoop_that_runs_no_class_of_ours_costs_time_alone(
    hadoop: LocalHadoop, job: LocalJob, tmp_path: Path
) -> None:
    """Each command starts a Java machine then, and the log says so once."""
    wrapper = tmp_path / "hadoop"
    wrapper.write_text(
        f'#!/bin/sh\ncase $1 in modelmapreducejob.*) exit 1;; esac\nexec {hadoop.command()[0]} "$@"\n',
        encoding="utf-8",
    )
    wrapper.chmod(0o755)
    ended = job.run("--hadoop-bin", wrapper, INPUT)
    assert ended.code == 0, ended.errors
    assert len(ended.output.splitlines()) == 15
    assert ended.errors.count("Each command to Hadoop starts a Java machine") == 1


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

    The run's input is what it has on standard input.
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
    ended = job.run("--bundle", "none", "--task-python-bin", alone, *files, stdin=INPUT.read_bytes())
    assert ended.code == 0, ended.errors
    assert len(ended.output.splitlines()) == 15


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
    ports = json.loads((PROJECT / "cluster" / ".work" / "run" / "ports.json").read_text(encoding="utf-8"))
    conf = tmp_path / "conf"
    shutil.copytree(hadoop.environment["HADOOP_CONF_DIR"], conf)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        for path in conf.glob("*.xml"):
            text = path.read_text(encoding="utf-8")
            path.write_text(
                text.replace(f":{ports[setting]}<", f":{closed.getsockname()[1]}<"), encoding="utf-8"
            )
        job.environment["HADOOP_CONF_DIR"] = str(conf)
        ended = job.run("-q", *arguments)
    assert ended.code == 1
    (line,) = ended.errors.splitlines()
    assert "can't be reached" in line


def test_a_task_that_gives_up_says_why_where_and_on_what(job: LocalJob, tmp_path: Path) -> None:
    """The exit code is that of one machine."""
    path = write_records(tmp_path / "wrong", [{"n": number} for number in range(3000)])
    ended = job.run("-q", "--max_error_rate", "0.5", path)
    assert ended.code == 3
    line = ended.errors.splitlines()[-1]
    host = re.escape(socket.gethostname())
    place = rf"A task failed on {host}, reading {re.escape(str(path))}, bytes [\d,]+ to [\d,]+: "
    assert re.match(rf"{place}The first 1,\d+ records of the input all failed", line), line
    assert "Traceback" not in ended.errors


def test_a_model_that_cannot_be_loaded_says_how_it_ended(obedient: LocalJob, tmp_path: Path) -> None:
    path = write_records(tmp_path / "records", [{"n": 1}])
    ended = obedient.run("-q", "--model_qualified_name", "fatal_to_load", path)
    assert ended.code == 1
    assert re.search(r"A task failed on \S+, reading \S+records, .*SIGSEGV", ended.errors.splitlines()[-1])


def test_all_that_tasks_report_comes_home_and_counts_once(obedient: LocalJob, tmp_path: Path) -> None:
    """The profile as well, of the attempt that was committed alone: the first one is killed half-way."""
    check_report(obedient, tmp_path, loses_an_attempt=True)


def test_a_slow_model_is_not_taken_for_a_dead_one(obedient: LocalJob, tmp_path: Path) -> None:
    """It computes in C for longer than Hadoop lets a task be silent, and keeps the interpreter to itself.

    What it prints for another record stays out of the output.
    """
    slow = {"n": 1, "do": "compute_in_c", "seconds": 55}
    path = write_records(tmp_path / "slow", [slow, {"n": 2, "do": "talk"}, {"n": 3}])
    # counted from the launch of a container, which may have to unpack the bundle first
    limits = {"mapreduce.task.timeout": 40_000, "mapreduce.task.timeout.check-interval-ms": 1000}
    ended = obedient.run(*(part for name, ms in limits.items() for part in ("-D", f"{name}={ms}")), path)
    assert ended.code == 0, ended.errors
    assert sorted(value["n"] for value in ended.values) == [1, 2, 3]
    assert "Failed map tasks" not in ended.errors


def test_stopping_the_driver_stops_its_tasks(hadoop: LocalHadoop, obedient: LocalJob, tmp_path: Path) -> None:
    reached, go_on = tmp_path / "reached", tmp_path / "go on"
    wait = {"n": 1, "do": "wait_for_file", "reached": str(reached), "go_on": str(go_on)}
    process = obedient.start("--output-dir", "hdfs:///stopped/out", write_records(tmp_path / "wait", [wait]))
    try:
        assert eventually(reached.exists, 120), "no task started"
        assert Task.of(obedient)
        process.terminate()
        errors = process.communicate(timeout=60)[1].decode()
        assert process.returncode == 143
    finally:
        process.kill()
        process.communicate()
    assert obedient.processes() == []
    assert hadoop.hadoop("fs", "-ls", "-C", "/stopped").stdout == ""
    (job,) = set(re.findall(r"application_(\d+_\d+)", errors))
    staged = "/tmp/hadoop-yarn/staging/*/.staging"  # noqa: S108 - in HDFS, where YARN keeps it
    assert job not in hadoop.hadoop("fs", "-ls", "-R", "-C", staged).stdout
