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
    inline_fingerprint,
    local_fingerprint,
    on_hadoop,
    summary_of,
)
from hostile_rows import COMPRESSIONS, FORMATS
from local_hadoop import LocalHadoop, eventually
from local_jobs import PROJECT, LocalJob, write_records

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

INPUT = PROJECT / "data" / "input.ldjson"


@pytest.fixture
def job(hadoop: LocalHadoop, iris_bundle: Path, tmp_path: Path) -> Iterator[LocalJob]:
    """Give the iris job, which leaves nothing in the temporary directories of this machine and of HDFS."""
    before = temporary(hadoop)
    job = on_hadoop(hadoop, tmp_path, "--bundle", str(iris_bundle), *IRIS, **IRIS_SETTINGS)
    yield job
    assert job.processes() == []
    assert [name for name in job.left() if "shipped_script" in name] == []  # onnxruntime leaves a file
    assert temporary(hadoop) == before


def temporary(hadoop: LocalHadoop) -> set[str]:
    """Return the temporary directories of runs in HDFS; one that a killed driver has left stays there."""
    listed = hadoop.hadoop("fs", "-ls", "-C", "tmp/mrjob", check=False).stdout.split()
    return {path for path in listed if "shipped_script" in path}


@pytest.fixture
def obedient(hadoop: LocalHadoop, models_bundle: Path, tmp_path: Path) -> LocalJob:
    """Give the job with a model that does what a record says."""
    return on_hadoop(hadoop, tmp_path, "--bundle", str(models_bundle), *OBEDIENT)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_any_bytes_give_the_same_output_as_on_one_machine(  # noqa: PLR0913, PLR0917 - fixtures
    hadoop: LocalHadoop, job: LocalJob, rows: Path, rows_in_hdfs: str, kind: str, ending: str, tmp_path: Path
) -> None:
    """Lines with CRs, TABs and bytes that are no UTF-8 among them; bz2 is split between tasks, gz is not."""
    name, output = f"rows.{kind}{ending}", f"/same-{kind}{ending}"
    options = ("--input_protocol", kind)
    ended = job.run(*options, "--output-dir", f"hdfs://{output}", f"{rows_in_hdfs}/{name}")
    same_run = (tmp_path, *IRIS, *options, rows / name)
    assert fingerprint(ended) == inline_fingerprint(*same_run, **IRIS_SETTINGS)
    assert fingerprint(ended) == local_fingerprint(*same_run, **IRIS_SETTINGS)
    assert "complete: 100," in ended.errors
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


def test_standard_input_is_input(job: LocalJob) -> None:
    ended = job.run(stdin=INPUT.read_bytes())
    assert ended.code == 0, ended.errors
    assert len(ended.output.splitlines()) == 15


def test_too_many_failures_leave_nothing_that_can_be_taken_for_a_result(
    hadoop: LocalHadoop, job: LocalJob
) -> None:
    ended = job.run("--max_error_rate", "0.01", "--output-dir", "hdfs:///refused/out", INPUT)
    assert ended.code == 3, ended.errors
    assert "more than --max_error_rate 0.01 allows" in ended.errors.splitlines()[-1]
    assert hadoop.hadoop("fs", "-ls", "-C", "/refused").stdout == ""


def test_the_tasks_have_nothing_but_the_bundle(job: LocalJob, iris_bundle: Path, tmp_path: Path) -> None:
    """They run without a network, this machine's Python, what's installed for it, and the sources."""
    hidden = [sys.prefix, sys.base_prefix, PROJECT / "model_mapreduce_job", PROJECT / "examples"]
    wrapper = tmp_path / "alone.sh"
    wrapper.write_text(
        "".join(f"mount -t tmpfs none {path}\n" for path in hidden if str(path) != "/usr")
        + 'exec bundle/bin/python "$@"\n',
        encoding="utf-8",
    )
    alone = "unshare --map-root-user --mount --net /bin/sh -e alone.sh"
    files = ("--archives", f"{iris_bundle}#bundle", "--files", f"{wrapper}#alone.sh", "--no-bootstrap-mrjob")
    ended = job.run("--task-python-bin", alone, *files, INPUT)
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


def test_a_slow_model_is_not_taken_for_a_dead_one(obedient: LocalJob, tmp_path: Path) -> None:
    """It computes in C for longer than Hadoop lets a task be silent, and keeps the interpreter to itself."""
    path = write_records(tmp_path / "slow", [{"n": 1, "do": "compute_in_c", "seconds": 40}])
    ended = obedient.run("-D", "mapreduce.task.timeout=25000", path)
    assert ended.code == 0, ended.errors
    assert ended.values == [{"n": 1}]
    assert "Failed map tasks" not in ended.errors


def test_what_a_model_prints_stays_out_of_the_output(obedient: LocalJob, tmp_path: Path) -> None:
    path = write_records(tmp_path / "talk", [{"n": 1, "do": "talk"}, {"n": 2}])
    ended = obedient.run(path)
    assert ended.code == 0, ended.errors
    assert sorted(value["n"] for value in ended.values) == [1, 2]


def test_stopping_the_driver_stops_its_tasks(hadoop: LocalHadoop, obedient: LocalJob, tmp_path: Path) -> None:
    reached, go_on = tmp_path / "reached", tmp_path / "go on"
    wait = {"n": 1, "do": "wait_for_file", "reached": str(reached), "go_on": str(go_on)}
    process = obedient.start("--output-dir", "hdfs:///stopped/out", write_records(tmp_path / "wait", [wait]))
    try:
        assert eventually(reached.exists, 120), "no task started"
        assert Task.of(obedient)
        process.terminate()
        assert process.wait(60) == 143
    finally:
        process.kill()
        process.communicate()
    assert obedient.processes() == []
    assert hadoop.hadoop("fs", "-ls", "-C", "/stopped").stdout == ""
