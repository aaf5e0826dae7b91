"""The stand-in for EMR runs what it is given as EMR does, and shows what became of it as EMR does."""

import gzip
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from emr_stack import records
from emr_stack.driver import Driver
from emr_stack.faults import Fault
from emr_stack.hadoop_inputs import input_files
from emr_stack.node import make_node
from emr_stack.stack import SECRET, EmrStack, emr_stack
from emr_stack.step_runner import StepContext, StepResult
from emr_stack.streaming import BadStepError, StreamingStep, parse_streaming_step
from emr_stack.tasks import ProcessStepRunner

from model_mapreduce_job.runners.emr.steps import kill_step
from model_mapreduce_job.storage.s3_inputs import S3Pattern

Pair = tuple[subprocess.CompletedProcess[str], subprocess.CompletedProcess[str]]

CLUSTER = re.compile(r"Created new cluster (j-\w+)")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("emr")


@pytest.fixture(scope="module")
def stack(place: Path) -> Iterator[EmrStack]:
    with emr_stack(place) as running:
        yield running


@pytest.fixture
def driver(stack: EmrStack, tmp_path: Path) -> Iterator[Driver]:
    yield Driver(stack, tmp_path)
    stack.heal()


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "lines.txt"
    path.write_text("first\nsecond\tpart\n\nlast")
    return path


@pytest.fixture(scope="module", autouse=True)
def pooled(stack: EmrStack, place: Path) -> Iterator[Future[Pair]]:
    """Two runs that share a cluster; mrjob sleeps ten seconds for its lock, and other tests run meanwhile."""
    path = place / "pooled.txt"
    path.write_text("pooled\n")
    idle = ("--extra-cluster-param", "AutoTerminationPolicy.IdleTimeout=3600")

    def run() -> subprocess.CompletedProcess[str]:
        return Driver(stack, place).run("--pool-clusters", "--pool-name", "joined", *idle, path)

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(lambda: (run(), run()))


def cluster_of(stderr: str) -> str:
    found = CLUSTER.search(stderr)
    assert found, stderr
    return found[1]


def state_of(stack: EmrStack, cluster_id: str) -> dict[str, Any]:
    return stack.client("emr").describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]


def objects(stack: EmrStack) -> list[tuple[str, str]]:
    s3 = stack.client("s3")
    names = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    return [
        (name, item["Key"]) for name in names for item in s3.list_objects_v2(Bucket=name).get("Contents", ())
    ]


# A job from its submission to its output


def test_a_job_gives_its_output_and_counters(driver: Driver, lines: Path) -> None:
    ended = driver.run(lines)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "FIRST\nSECOND\tPART\n\nLAST\n"
    assert "lines=4" in ended.stderr
    assert "Map input records=4" in ended.stderr
    status = state_of(driver.stack, cluster_of(ended.stderr))
    assert status["State"] == "TERMINATED"


def test_a_failing_step_ends_with_its_own_traceback_and_the_input_it_read(
    driver: Driver, lines: Path
) -> None:
    ended = driver.run("--fail-on", "last", "-D", "mapreduce.map.maxattempts=2", lines)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "Failed map tasks=2" in ended.stderr
    assert "ValueError: told to fail on last" in ended.stderr
    assert "lines.txt" in ended.stderr.partition("while reading input from")[2]
    status = state_of(driver.stack, cluster_of(ended.stderr))
    assert status["State"] == "TERMINATED_WITH_ERRORS"


def test_a_failing_bootstrap_ends_the_cluster_and_shows_what_it_said(driver: Driver, lines: Path) -> None:
    ended = driver.run("--bootstrap", "sudo dnf install -y no-such-package", lines)
    assert ended.returncode == 1
    assert "Error: Unable to find a match: no-such-package" in ended.stderr
    reason = state_of(driver.stack, cluster_of(ended.stderr))["StateChangeReason"]["Message"]
    assert "bootstrap action 1 returned a non-zero return code" in reason


def test_a_cluster_that_someone_terminates_ends_the_run(driver: Driver, lines: Path) -> None:
    with driver.start("--sleep", "200", lines) as started:
        started.wait_for("RUNNING for")
        cluster_id = cluster_of(started.log.read_text())
        driver.stack.client("emr").terminate_job_flows(JobFlowIds=[cluster_id])
        assert started.process.wait(100) == 1
    assert "Terminated by user request" in started.log.read_text()


def test_the_next_run_joins_the_cluster_that_a_pooled_run_left(pooled: Future[Pair]) -> None:
    first, second = pooled.result()
    assert first.returncode == 0, first.stderr
    assert second.returncode == 0, second.stderr
    assert second.stdout == first.stdout
    assert f"Adding our job to existing cluster {cluster_of(first.stderr)}" in second.stderr


def test_a_cluster_without_work_ends_itself_after_its_idle_timeout(driver: Driver, lines: Path) -> None:
    ended = driver.run(
        "--pool-clusters",
        "--pool-name",
        "idle",
        "--extra-cluster-param",
        "AutoTerminationPolicy.IdleTimeout=60",
        lines,
    )
    cluster_id = cluster_of(ended.stderr)
    wait_until(lambda: state_of(driver.stack, cluster_id)["State"] == "TERMINATED")


def test_a_step_that_is_not_understood_fails_with_the_reason_in_its_log(stack: EmrStack) -> None:
    stack.client("s3").create_bucket(
        Bucket="by-hand", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    emr = stack.client("emr")
    step = {"Jar": "command-runner.jar", "Args": ["spark-submit", "x.py"]}
    cluster_id = emr.run_job_flow(
        Name="by hand",
        LogUri="s3://by-hand/logs/",
        Instances={"KeepJobFlowAliveWhenNoSteps": False},
        Steps=[{"Name": "spark", "ActionOnFailure": "TERMINATE_CLUSTER", "HadoopJarStep": step}],
    )["JobFlowId"]
    wait_until(lambda: state_of(stack, cluster_id)["State"] == "TERMINATED_WITH_ERRORS")
    step_id = emr.list_steps(ClusterId=cluster_id)["Steps"][0]["Id"]
    log = stack.client("s3").get_object(Bucket="by-hand", Key=f"logs/{cluster_id}/steps/{step_id}/stderr.gz")
    assert b"Not a valid JAR: command-runner.jar spark-submit" in gzip.decompress(log["Body"].read())


def test_a_cluster_that_is_over_takes_no_steps(stack: EmrStack) -> None:
    emr = stack.client("emr")
    cluster_id = emr.run_job_flow(Name="over", Instances={"KeepJobFlowAliveWhenNoSteps": True})["JobFlowId"]
    emr.terminate_job_flows(JobFlowIds=[cluster_id])
    with pytest.raises(emr.exceptions.ClientError, match="may not be modified"):
        emr.add_job_flow_steps(JobFlowId=cluster_id, Steps=[{"Name": "late", "HadoopJarStep": {"Jar": "x"}}])


def test_throttled_and_broken_requests_are_tried_again(
    driver: Driver, lines: Path, pooled: Future[Pair]
) -> None:
    pooled.result()  # these faults are not for that run
    for fault in (
        Fault("throttle", method="PUT", path=r"/files/.*lines\.txt", times=2),
        Fault("error", method="PUT", path=r"/files/.*mrjob\.zip"),
        Fault("drop", method="GET", times=1),
        Fault("throttle", service="elasticmapreduce", path="DescribeStep"),
    ):
        driver.stack.break_next(fault)
    before = driver.stack.faults_met()
    ended = driver.run(lines)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("FIRST")
    assert driver.stack.faults_met() - before == 5


def test_nothing_secret_is_in_any_log(driver: Driver, lines: Path, stack: EmrStack) -> None:
    ended = driver.run("--verbose", lines)
    assert ended.returncode == 0
    assert SECRET not in ended.stderr
    s3 = stack.client("s3")
    logs = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for bucket, key in objects(stack)]
    assert len(logs) > 3
    assert not any(SECRET.encode() in gzip.decompress(log) for log in logs)


def wait_until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to be in time"
        time.sleep(0.1)


# A step's parts


class DictStore:
    """A Store that keeps its objects in a dict."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = dict(objects)

    def read(self, uri: str) -> bytes:
        return self.objects[uri]

    def write(self, uri: str, data: bytes) -> None:
        self.objects[uri] = data

    def download(self, uri: str, path: Path) -> None:
        path.write_bytes(self.objects[uri])

    def ls(self, prefix: str) -> list[str]:
        return sorted(uri for uri in self.objects if uri.startswith(prefix))


def run_step(tmp_path: Path, objects: dict[str, bytes], *args: str) -> tuple[StepResult, dict[str, bytes]]:
    store = DictStore(objects)
    node = make_node(tmp_path / "node", "i-0", "http://127.0.0.1:1")
    context = StepContext(node, store, lambda: False, lambda: False, number=1, started=1)
    common = ["hadoop-streaming", "-input", "s3://b/in", "-output", "s3://b/out/"]
    result = ProcessStepRunner().run(parse_streaming_step("command-runner.jar", [*common, *args]), context)
    return result, {uri: data for uri, data in store.objects.items() if uri.startswith("s3://b/out/")}


def test_each_input_object_is_a_task_and_a_part(tmp_path: Path) -> None:
    result, out = run_step(
        tmp_path,
        {"s3://b/in/1": b"b\n", "s3://b/in/2": b"a\n"},
        "-D",
        "mapreduce.job.reduces=0",
        "-mapper",
        "cat",
    )
    assert result.succeeded
    assert out == {
        "s3://b/out/_SUCCESS": b"",
        "s3://b/out/part-00000": b"b\t\n",
        "s3://b/out/part-00001": b"a\t\n",
    }


def test_success_is_not_marked_where_the_job_asks_for_that(tmp_path: Path) -> None:
    unmarked = ("-D", "mapreduce.fileoutputcommitter.marksuccessfuljobs=false")
    result, out = run_step(tmp_path, {"s3://b/in": b"x\n"}, *unmarked, "-mapper", "cat")
    assert result.succeeded
    assert list(out) == ["s3://b/out/part-00000"]


NESTED = {f"s3://b/in/{key}": b"x\n" for key in ("a", "dt=1/b", "_tmp/c", "dt=1/.d", "_SUCCESS", "dt=2/")}


def test_a_directory_in_an_input_directory_is_not_a_file(tmp_path: Path) -> None:
    result, _ = run_step(tmp_path, NESTED, "-mapper", "cat")
    assert not result.succeeded
    assert "Not a file: in/dt=1" in result.syslog


@pytest.mark.parametrize(
    ("path", "files"),
    [
        ("s3://b/in", ["in/a", "in/dt=1/b"]),
        ("s3://b/in/", ["in/a", "in/dt=1/b"]),
        ("s3://b/in/dt=*", ["in/dt=1/b"]),
        ("s3://b/in/*/b", ["in/dt=1/b"]),
        ("s3://b/*", ["in/a", "in/dt=1/b"]),
        ("s3://b/in/_tmp/c", ["in/_tmp/c"]),
        ("s3://b/in/d?=1", ["in/dt=1/b"]),
    ],
)
def test_an_input_names_the_files_that_hadoop_reads(path: str, files: list[str]) -> None:
    assert input_files(DictStore(NESTED), path, recursive=True) == [f"s3://b/{file}" for file in files]
    # the runner's own listing is the same
    keys = [uri.removeprefix("s3://b/") for uri in NESTED]
    assert [key for key in keys if S3Pattern(path).names(key)] == files


@pytest.mark.parametrize("path", ["s3://b/i", "s3://b/in/_*", "s3://b/in/dt=2", "s3://b/in/*/c/d"])
def test_an_input_that_names_no_file_does_not_exist(path: str) -> None:
    with pytest.raises(BadStepError, match="does not exist"):
        input_files(DictStore(NESTED), path, recursive=True)
    assert not any(S3Pattern(path).names(uri.removeprefix("s3://b/")) for uri in NESTED)


def test_an_application_outlives_the_client_that_submitted_it_until_yarn_kills_it(tmp_path: Path) -> None:
    """As CancelSteps leaves it; `yarn application -list` names it."""
    node = make_node(tmp_path / "node", "i-0", "http://127.0.0.1:1")
    context = StepContext(node, DictStore({"s3://b/in": b"x\n"}), lambda: True, lambda: False, 1, 1)
    step = StreamingStep("sleep 60", "s3://b/out", ("s3://b/in",), jobconf={"mapreduce.job.name": "mine"})
    assert not ProcessStepRunner().run(step, context).succeeded
    listed = ("yarn", "application", "-list")

    def run(*command: str) -> str:
        ended = subprocess.run(command, env=node.environment, capture_output=True, text=True, check=True)
        return ended.stdout

    wait_until(lambda: "mine" in run(*listed))
    run(*kill_step("mine")["HadoopJarStep"]["Args"])
    wait_until(lambda: "mine" not in run(*listed))


def test_keys_only_on_request_leaves_lines_as_they_were_printed(tmp_path: Path) -> None:
    _, out = run_step(
        tmp_path, {"s3://b/in": b"b\nc\td\n"}, "-D", "stream.map.output=keyonlytext", "-mapper", "cat"
    )
    assert out["s3://b/out/part-00000"] == b"b\nc\td\n"


def test_reducers_get_the_pairs_in_order_of_their_keys(tmp_path: Path) -> None:
    objects = {"s3://b/in/1": b"b\t1\na\t2\n", "s3://b/in/2": b"a\t3\n"}
    result, out = run_step(tmp_path, objects, "-mapper", "cat", "-reducer", "cat")
    assert out["s3://b/out/part-00000"] == b"a\t2\na\t3\nb\t1\n"
    assert "Reduce input records=3" in result.syslog


def test_compressed_input_is_read_to_its_last_member(tmp_path: Path) -> None:
    packed = gzip.compress(b"one\n") + gzip.compress(b"two\n")
    _, out = run_step(tmp_path, {"s3://b/in/1.gz": packed}, "-mapper", "cat")
    assert out["s3://b/out/part-00000"] == b"one\t\ntwo\t\n"


def test_files_and_archives_are_in_the_tasks_directory_under_their_names(tmp_path: Path) -> None:
    objects = {"s3://b/in": b"x\n", "s3://b/a/script": b"#!/bin/sh\ncat name/inside\necho $GREETING $a_b\n"}
    objects["s3://b/a/packed.tar.gz"] = tar_of(tmp_path, "inside", "from the archive\n")
    _, out = run_step(
        tmp_path, objects,
        "-files", "s3://b/a/script#run.sh", "-archives", "s3://b/a/packed.tar.gz#name",
        "-cmdenv", "GREETING=hello", "-D", "a.b=conf", "-mapper", "run.sh",
    )  # fmt: skip
    assert out["s3://b/out/part-00000"] == b"from the archive\t\nhello conf\t\n"


def tar_of(tmp_path: Path, name: str, text: str) -> bytes:
    import tarfile  # noqa: PLC0415 for this test alone

    (tmp_path / name).write_text(text)
    with tarfile.open(tmp_path / "packed.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / name, name)
    return (tmp_path / "packed.tar.gz").read_bytes()


def test_output_that_exists_is_refused_and_left_alone(tmp_path: Path) -> None:
    result, out = run_step(tmp_path, {"s3://b/in": b"x\n", "s3://b/out/part-00000": b"old"}, "-mapper", "cat")
    assert not result.succeeded
    assert "already exists" in result.syslog
    assert out == {"s3://b/out/part-00000": b"old"}


def test_a_failed_step_leaves_no_output(tmp_path: Path) -> None:
    result, out = run_step(tmp_path, {"s3://b/in/1": b"x\n", "s3://b/in/2": b"y\n"}, "-mapper", "grep x")
    assert not result.succeeded
    assert out == {}


def test_tasks_see_nothing_of_the_developers_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEVELOPERS_OWN", "1")
    _, out = run_step(
        tmp_path,
        {"s3://b/in": b"x\n"},
        "-mapper",
        "python3.11 -c 'import os, json; print(json.dumps(dict(os.environ)))'",
    )
    environment = json.loads(out["s3://b/out/part-00000"])
    assert "DEVELOPERS_OWN" not in environment
    assert environment["HOME"] == str(tmp_path / "node" / "home")
    assert environment["mapreduce_task_attempt_id"] == "attempt_1_0001_m_000000_0"


def test_a_nodes_python_has_only_what_bootstrap_installed(tmp_path: Path) -> None:
    result, _ = run_step(
        tmp_path,
        {"s3://b/in": b"x\n"},
        "-D",
        "mapreduce.map.maxattempts=1",
        "-mapper",
        "python3.11 -c 'import mrjob'",
    )
    assert not result.succeeded
    assert "No module named 'mrjob'" in result.containers[0].stderr


def test_counters_are_those_of_the_successful_attempts(tmp_path: Path) -> None:
    report = "sh -c 'echo reporter:counter:mine,seen,2 >&2; test ${mapreduce_task_attempt_id#*m_000000_} = 1'"
    result, _ = run_step(tmp_path, {"s3://b/in": b"x\n"}, "-mapper", report)
    assert result.succeeded
    assert "\t\tseen=2" in result.syslog


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b"a\n", [b"a"]),
        (b"a\r\nb\rc\n\n", [b"a", b"b", b"c", b""]),
    ],
)
def test_lines_end_where_hadoop_ends_them(data: bytes, expected: list[bytes]) -> None:
    assert records.lines(data) == expected


def test_a_delimiter_set_by_the_job_ends_lines_alone() -> None:
    assert records.lines(b"a\rb\r\n", b"\n") == [b"a\rb\r"]


def test_whole_file_input_comes_with_its_offset() -> None:
    assert records.mapper_input([b"s3://b/1", b"s3://b/2"], with_offset=True) == b"0\ts3://b/1\n9\ts3://b/2\n"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["-mapper"], "Missing argument for option: -mapper"),
        (["-input", "a", "-output", "b", "-partitioner", "x"], "Unrecognized option: -partitioner"),
        (["-mapper", "cat", "-input", "a"], "Required argument"),
    ],
)
def test_bad_streaming_arguments_are_named(args: list[str], message: str) -> None:
    with pytest.raises(BadStepError, match=message):
        parse_streaming_step("command-runner.jar", ["hadoop-streaming", *args])


def test_a_job_of_mappers_alone_has_no_reduces() -> None:
    assert StreamingStep(mapper="cat", output="o", inputs=("i",)).reduces == 0
