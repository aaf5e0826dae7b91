"""The EMR runner is safe by default, stops what it starts, and lives with a bad connection."""

import bz2
import gzip
import json
import lzma
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from emr_stack.driver import MAIN_JOB, Driver
from emr_stack.faults import Fault
from emr_stack.stack import REGION, EmrStack, emr_stack

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.runners.emr.runner import LOG_DAYS, TMP_DAYS
from model_mapreduce_job.runners.emr.security import DEFINITION, ensure_security_configuration
from model_mapreduce_job.runners.emr.steps import console_link
from model_mapreduce_job.storage.aws_errors import AwsError, aws_errors
from model_mapreduce_job.storage.s3 import ResumingS3Filesystem, ensure_bucket
from model_mapreduce_job.storage.s3_objects import read_ranges
from model_mapreduce_job.storage.table_ranges import FileRange
from model_mapreduce_job.task.signals import signals_as_exit

ALIVE = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"]


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
def s3(stack: EmrStack) -> ResumingS3Filesystem:
    keys = stack.environment()
    return ResumingS3Filesystem(
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        s3_endpoint=stack.endpoint,
        s3_region=REGION,
    )


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "lines.txt"
    path.write_text("first\nlast\n")
    return path


def clusters(stack: EmrStack, name_has: str = "", states: list[str] | None = None) -> list[dict[str, Any]]:
    listed = stack.client("emr").list_clusters(**({"ClusterStates": states} if states else {}))["Clusters"]
    return [cluster for cluster in listed if name_has in cluster["Name"]]


def wait_for_no_cluster(stack: EmrStack) -> None:
    wait_until(lambda: not clusters(stack, states=ALIVE))


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "it did not come to be in time"
        time.sleep(0.1)


# What is started


@dataclass(frozen=True)
class Quiet:
    """A run in which nothing went wrong, on buckets that it was given names for."""

    ended: subprocess.CompletedProcess[str]
    asked: dict[str, Any]


@pytest.fixture(scope="module")
def quiet(stack: EmrStack, tmp_path_factory: pytest.TempPathFactory) -> Quiet:
    place = tmp_path_factory.mktemp("quiet")
    (place / "lines.txt").write_text("first\nlast\n")
    named = ("--cloud-tmp-dir", "s3://named-tmp/work/", "--cloud-log-dir", "s3://named-logs/emr/")
    ended = Driver(stack, place).run(*named, place / "lines.txt")
    assert ended.returncode == 0, ended.stderr
    return Quiet(ended, stack.calls("RunJobFlow")[-1])


def test_a_cluster_is_started_as_mrjob_conf_says(quiet: Quiet) -> None:
    asked = quiet.asked
    assert asked["ReleaseLabel"] == "emr-7.13.0"
    assert asked["SecurityConfiguration"] == "model-mapreduce-job-imdsv2"
    assert asked["AutoTerminationPolicy"] == {"IdleTimeout": 600}
    assert {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"} in asked["Tags"]
    assert asked["ServiceRole"] == "EMR_DefaultRole_V2"
    assert [fleet["InstanceFleetType"] for fleet in asked["Instances"]["InstanceFleets"]] == [
        "MASTER",
        "CORE",
        "TASK",
    ]
    assert "KeepJobFlowAliveWhenNoSteps" not in asked["Instances"]


def test_the_cluster_and_its_console_page_are_printed_before_the_first_step_runs(quiet: Quiet) -> None:
    announced, _, after = quiet.ended.stderr.partition("#/clusterDetails/j-")
    assert f"https://{REGION}.console.aws.amazon.com/emr/home" in announced
    assert "Waiting for Step" not in announced
    assert "Waiting for Step" in after


@pytest.mark.usefixtures("quiet")
def test_a_run_makes_the_security_configuration_that_its_conf_names(stack: EmrStack) -> None:
    made = stack.client("emr").describe_security_configuration(Name="model-mapreduce-job-imdsv2")
    assert json.loads(made["SecurityConfiguration"]) == DEFINITION


def test_the_security_configuration_is_made_once_and_says_what_it_must(stack: EmrStack) -> None:
    client = stack.client("emr")
    for _ in range(2):
        ensure_security_configuration(client, "ours")
    made = json.loads(client.describe_security_configuration(Name="ours")["SecurityConfiguration"])
    assert made == DEFINITION
    assert made["InstanceMetadataServiceConfiguration"]["MinimumInstanceMetadataServiceVersion"] == 2
    # a mode named here would go with each object, and a bucket that wants its KMS key would refuse it
    assert "EncryptionConfiguration" not in made


def test_two_first_runs_at_the_same_time_make_it_once(stack: EmrStack) -> None:
    """The second to look for it finds none, and the first has made it when the second wants to."""
    client = stack.client("emr")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ensure_security_configuration(client, "of-eight-runs"), range(8)))
    assert client.describe_security_configuration(Name="of-eight-runs")["Name"] == "of-eight-runs"


def test_a_security_configuration_that_exists_is_left_as_it_is(stack: EmrStack) -> None:
    client = stack.client("emr")
    client.create_security_configuration(Name="theirs", SecurityConfiguration="{}")
    ensure_security_configuration(client, "theirs")
    assert client.describe_security_configuration(Name="theirs")["SecurityConfiguration"] == "{}"


# Buckets


def expiry_days(stack: EmrStack, bucket: str) -> dict[str, int]:
    rules = stack.client("s3").get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    return {rule["Filter"]["Prefix"]: rule["Expiration"]["Days"] for rule in rules if "Expiration" in rule}


def test_a_bucket_that_is_created_is_encrypted_private_and_expires(
    stack: EmrStack, s3: ResumingS3Filesystem
) -> None:
    ensure_bucket(s3, "made-by-us", {"tmp/": 7, "logs/": 90})
    client = stack.client("s3")
    block = client.get_public_access_block(Bucket="made-by-us")["PublicAccessBlockConfiguration"]
    assert len(block) == 4
    assert all(block.values())
    rules = client.get_bucket_encryption(Bucket="made-by-us")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    lifecycle = client.get_bucket_lifecycle_configuration(Bucket="made-by-us")["Rules"]
    assert expiry_days(stack, "made-by-us") == {"tmp/": 7, "logs/": 90}
    assert any("AbortIncompleteMultipartUpload" in rule for rule in lifecycle)


def test_no_rule_expires_a_whole_bucket(stack: EmrStack, s3: ResumingS3Filesystem) -> None:
    ensure_bucket(s3, "without-prefix", {"": 7})
    assert expiry_days(stack, "without-prefix") == {}


def test_a_bucket_that_exists_is_left_as_it_is(stack: EmrStack, s3: ResumingS3Filesystem) -> None:
    client = stack.client("s3")
    client.create_bucket(Bucket="theirs", CreateBucketConfiguration={"LocationConstraint": REGION})
    ensure_bucket(s3, "theirs", {"tmp/": 7})
    with pytest.raises(ClientError, match="lifecycle configuration does not exist"):
        client.get_bucket_lifecycle_configuration(Bucket="theirs")


def test_a_bucket_that_cant_be_protected_is_not_left_behind(
    stack: EmrStack, s3: ResumingS3Filesystem
) -> None:
    stack.break_next(Fault("error", method="PUT", path="/unprotected.*lifecycle", times=20))
    with pytest.raises(ClientError):
        ensure_bucket(s3, "unprotected", {"tmp/": 7})
    stack.heal()
    assert stack.client("s3").list_buckets()["Buckets"]
    assert "unprotected" not in s3.get_all_bucket_names()


@pytest.mark.usefixtures("quiet")
def test_a_run_creates_the_buckets_that_its_conf_names_and_leaves_only_logs(stack: EmrStack) -> None:
    client = stack.client("s3")
    assert expiry_days(stack, "named-tmp") == {"work/": TMP_DAYS}
    assert expiry_days(stack, "named-logs") == {"emr/": LOG_DAYS}
    assert client.list_objects_v2(Bucket="named-tmp")["KeyCount"] == 0
    assert client.list_objects_v2(Bucket="named-logs")["KeyCount"] > 0


def test_clients_of_s3_are_made_once_for_a_region(s3: ResumingS3Filesystem) -> None:
    """Which takes longer than most of what they are asked, and mrjob wants one each time."""
    for make in (s3.make_s3_client, s3.make_s3_resource):
        assert make() is make() is not make("eu-west-1")


# A bad connection


def put(stack: EmrStack, s3: ResumingS3Filesystem, key: str, data: bytes) -> str:
    ensure_bucket(s3, "readable", {})
    stack.client("s3").put_object(Bucket="readable", Key=key, Body=data)
    return f"s3://readable/{key}"


def test_a_read_that_breaks_off_goes_on_where_it_was(stack: EmrStack, s3: ResumingS3Filesystem) -> None:
    data = os.urandom(3_000_000)
    uri = put(stack, s3, "large", data)
    stack.break_next(Fault("cut", method="GET", path="/readable/large", times=3))
    before = stack.faults_met()
    assert b"".join(s3.cat(uri)) == data
    assert stack.faults_met() - before == 3


def test_ranges_of_objects_are_read_in_their_order_whatever_breaks_off(
    stack: EmrStack, s3: ResumingS3Filesystem
) -> None:
    data = os.urandom(3_000_000)
    uri = put(stack, s3, "ranges", data)
    stack.break_next(Fault("cut", method="GET", path="/readable/ranges", times=3))
    wanted = [FileRange(uri, start, length) for start, length in ((5, 2_000_000), (7, 0), (2_999_990, 10))]
    found = list(read_ranges(s3.make_s3_client(), wanted * 10))
    assert found == [data[one.start : one.end] for one in wanted] * 10


def test_a_read_that_keeps_breaking_off_is_an_error_not_a_short_file(
    stack: EmrStack, s3: ResumingS3Filesystem
) -> None:
    uri = put(stack, s3, "lost", b"x")
    stack.break_next(Fault("cut", method="GET", path="/readable/lost", times=100))
    with pytest.raises(AwsError, match="can't be reached"), aws_errors():
        list(s3.cat(uri))
    stack.heal()


def test_all_members_of_a_compressed_object_are_read(stack: EmrStack, s3: ResumingS3Filesystem) -> None:
    """By its own way, mrjob ends behind the first."""
    texts = [b"first\n", b"x" * 3_000_000, b"last\n"]
    for ending, compress in (".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress):
        uri = put(stack, s3, f"members{ending}", b"".join(map(compress, texts)))
        assert b"".join(s3.cat(uri)) == b"".join(texts)


def test_a_compressed_object_that_is_cut_off_is_told_by_its_name(
    stack: EmrStack, s3: ResumingS3Filesystem
) -> None:
    uri = put(stack, s3, "cut.gz", gzip.compress(b"x" * 1000)[:-1])
    with pytest.raises(InputError, match=r"^s3://readable/cut\.gz is cut off or damaged"):
        list(s3.cat(uri))


def test_a_directory_is_read_without_what_has_a_hidden_name(
    stack: EmrStack, s3: ResumingS3Filesystem
) -> None:
    """The driver learns a csv input's columns so."""
    for key, data in ("hidden/_schema.csv", b"no\n"), ("hidden/rows.csv", b"a,b\n"), ("hidden/.x", b"no\n"):
        put(stack, s3, key, data)
    assert b"".join(s3.cat("s3://readable/hidden/")) == b"a,b\n"


def test_an_empty_object_is_read_as_nothing(stack: EmrStack, s3: ResumingS3Filesystem) -> None:
    assert list(s3.cat(put(stack, s3, "empty", b""))) == []


def test_output_whose_reading_breaks_off_comes_out_whole(driver: Driver, lines: Path) -> None:
    driver.stack.break_next(Fault("cut", method="GET", path="part-00000"))
    ended = driver.run(lines)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "FIRST\nLAST\n"
    assert "broke off at byte" in ended.stderr


def test_a_driver_that_loses_its_connection_waits_for_it_to_come_back(driver: Driver, lines: Path) -> None:
    driver.stack.break_next(Fault("drop", service="elasticmapreduce", path="DescribeStep", times=8))
    ended = driver.run(lines)
    assert ended.returncode == 0, ended.stderr
    assert "AWS can't be reached; the step runs on, trying again" in ended.stderr
    assert "lines=2" in ended.stderr


# Nothing is left running


def test_ctrl_c_terminates_the_cluster_that_was_started(driver: Driver, lines: Path) -> None:
    with driver.start("--sleep", "200", lines) as started:
        started.wait_for("RUNNING for")
        assert started.end(signal.SIGINT) != 0
    wait_for_no_cluster(driver.stack)
    assert "Terminating cluster" in started.log.read_text()


def test_a_driver_whose_terminal_goes_away_terminates_the_cluster_that_it_started(
    driver: Driver, lines: Path
) -> None:
    with driver.start("--sleep", "200", lines) as started:
        started.wait_for("Waiting for Step")
        assert started.end(signal.SIGHUP) == 128 + signal.SIGHUP
    wait_for_no_cluster(driver.stack)


def test_ctrl_c_on_a_shared_cluster_ends_the_step_and_its_application_alone(
    driver: Driver, lines: Path, place: Path
) -> None:
    """CancelSteps leaves the application to YARN, so the next step kills it by its name."""
    with driver.start("--pool-clusters", "--pool-name", "shared", "--sleep", "600", lines) as started:
        started.wait_for("RUNNING for")
        (cluster,) = clusters(driver.stack, "pooling:0.7.4,shared")
        applications = place / "nodes" / cluster["Id"] / "yarn"
        wait_until(lambda: names_in(applications) == [cluster["Name"].split()[0]])
        started.end(signal.SIGINT)
    client = driver.stack.client("emr")
    wait_until(lambda: states(client, cluster["Id"]) == ["CANCELLED", "COMPLETED"])
    wait_until(lambda: names_in(applications) == [])
    assert client.describe_cluster(ClusterId=cluster["Id"])["Cluster"]["Status"]["State"] in ALIVE
    client.terminate_job_flows(JobFlowIds=[cluster["Id"]])


def names_in(applications: Path) -> list[str]:
    return [path.read_text() for path in applications.glob("application_*") if not path.suffix]


def states(client: Any, cluster_id: str) -> list[str]:
    steps = client.list_steps(ClusterId=cluster_id)["Steps"]
    return [step["Status"]["State"] for step in reversed(steps)]


@pytest.mark.parametrize("operation", ["AddTags", "AddJobFlowSteps"])
def test_an_error_right_after_a_cluster_was_created_leaves_none(
    driver: Driver, lines: Path, operation: str
) -> None:
    driver.stack.break_next(Fault("error", service="elasticmapreduce", path=operation, times=20))
    ended = driver.run(lines)
    assert ended.returncode == 1
    assert f"AWS refused {operation}" in ended.stderr
    cluster_id = ended.stderr.partition("#/clusterDetails/")[2].split()[0]
    wait_for_no_cluster(driver.stack)
    status = driver.stack.client("emr").describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]
    assert status["StateChangeReason"]["Message"] == "Terminated by user request"


def test_a_failed_run_leaves_its_logs_on_s3_and_no_input(driver: Driver, lines: Path) -> None:
    ended = driver.run("--cloud-tmp-dir", "s3://failed-tmp/tmp/", "--fail-on", "last", lines)
    assert ended.returncode == 1
    client = driver.stack.client("s3")
    assert client.list_objects_v2(Bucket="failed-tmp", Prefix="tmp/")["KeyCount"] == 0
    assert client.list_objects_v2(Bucket="failed-tmp", Prefix="logs/")["KeyCount"] > 0
    assert expiry_days(driver.stack, "failed-tmp") == {"tmp/": TMP_DAYS, "logs/": LOG_DAYS}


# What the run reads


def objects_in(stack: EmrStack, bucket: str, **objects: bytes) -> Any:
    client = stack.client("s3")
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    for key, body in objects.items():
        client.put_object(Bucket=bucket, Key=key, Body=body)
    return client


def test_nested_prefixes_are_read_and_a_result_is_marked_by_the_driver_alone(
    driver: Driver, stack: EmrStack
) -> None:
    nested = {"in/dt=1/a": b"first\n", "in/dt=2/h=1/b": b"second\n", "in/_tmp/c": b"no\n", "in/_SUCCESS": b""}
    client = objects_in(stack, "nested", **nested)
    ended = driver.run("--output-dir", "s3://nested/out", "s3://nested/in/")
    assert ended.returncode == 0, ended.stderr
    parts = [entry["Key"] for entry in client.list_objects_v2(Bucket="nested", Prefix="out/")["Contents"]]
    # this job has no driver of ours, which would publish it
    assert parts == ["out/part-00000", "out/part-00001"]
    assert "lines=2" in ended.stderr


def test_an_archived_object_is_refused_before_anything_starts(driver: Driver, stack: EmrStack) -> None:
    client = objects_in(stack, "archived", **{"in/a": b"x\n"})
    for number in range(7):
        client.put_object(Bucket="archived", Key=f"in/{number}", Body=b"x\n", StorageClass="DEEP_ARCHIVE")
    before = len(stack.calls("RunJobFlow"))
    ended = driver.run("s3://archived/in/")
    assert ended.returncode == 1
    assert "7 objects of the input can't be read, being archived: s3://archived/in/0 (DEEP_ARCHIVE)" in (
        ended.stderr
    )
    assert "s3://archived/in/4 (DEEP_ARCHIVE) and 2 more" in ended.stderr
    assert len(stack.calls("RunJobFlow")) == before


def test_local_files_of_any_name_and_in_directories_are_uploaded(driver: Driver, tmp_path: Path) -> None:
    for name in ("in/a[1].txt", "in/b{c,d}.txt", "in/deep/e*f?.txt", "in/_hidden"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{name}\n")
    ended = driver.run(tmp_path / "in")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "IN/A[1].TXT\nIN/B{C,D}.TXT\nIN/DEEP/E*F?.TXT\n"


def test_a_requester_who_pays_says_so_to_s3_and_to_hadoop(driver: Driver, stack: EmrStack) -> None:
    objects_in(stack, "paid", **{"in/a": b"x\n"})
    pays = "fs.s3a.requester.pays.enabled=true"
    ended = driver.run("-D", pays, "s3://paid/in/")
    assert ended.returncode == 0, ended.stderr
    listed = [call for call in stack.requests("s3") if call["path"].startswith("/paid?list-type=2")]
    assert listed
    assert all(call["payer"] == "requester" for call in listed)
    (step,) = stack.calls("AddJobFlowSteps")[-1]["Steps"]
    assert pays in step["HadoopJarStep"]["Args"]


def test_counts_that_were_not_read_prove_nothing_and_publish_nothing(driver: Driver, lines: Path) -> None:
    model = ("--model_qualified_name", "iris_model", "--max_error_rate", "0.5", "--no-read-logs")
    driver.stack.client("s3").create_bucket(
        Bucket="unread", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    ended = driver.run(*model, "--output-dir", "s3://unread/out", lines, job=MAIN_JOB)
    assert ended.returncode == 1, ended.stderr
    assert "--unproven" in ended.stderr.splitlines()[-1]
    listed = driver.stack.client("s3").list_objects_v2(Bucket="unread")["Contents"]
    assert not [entry["Key"] for entry in listed if entry["Key"].endswith("_SUCCESS")]


# Logs


def test_logs_of_a_cluster_that_stays_up_are_waited_for_no_longer_than_they_take(
    driver: Driver, lines: Path
) -> None:
    started = time.monotonic()
    ended = driver.run("--pool-clusters", "--pool-name", "logs", lines)
    assert ended.returncode == 0, ended.stderr
    assert time.monotonic() - started < 180  # mrjob's own wait is 600 s
    assert "Waiting for logs to come to S3 (cluster is WAITING" in ended.stderr
    assert "lines=2" in ended.stderr
    (cluster,) = clusters(driver.stack, "pooling:0.7.4,logs")
    driver.stack.client("emr").terminate_job_flows(JobFlowIds=[cluster["Id"]])


def test_ctrl_c_while_logs_are_waited_for_goes_on_without_them(driver: Driver, lines: Path) -> None:
    with driver.start("--pool-clusters", "--pool-name", "impatient", lines) as started:
        started.wait_for("Waiting for logs")
        assert started.end(signal.SIGINT) == 0
    assert "No counters found" in started.log.read_text()


def test_the_cause_of_a_failure_on_a_cluster_that_stays_up_is_shown(driver: Driver, lines: Path) -> None:
    ended = driver.run("--pool-clusters", "--pool-name", "cause", "--fail-on", "last", lines)
    assert ended.returncode == 1
    assert "ValueError: told to fail on last" in ended.stderr


# Words and signals


def test_signals_raise_system_exit_and_go_back_to_what_they_did() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as exited, signals_as_exit():
        os.kill(os.getpid(), signal.SIGTERM)
    assert exited.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals_as_exit():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_console_link_is_of_the_region_and_cluster() -> None:
    link = "https://eu-west-1.console.aws.amazon.com/emr/home?region=eu-west-1#/clusterDetails/j-1"
    assert console_link("eu-west-1", "j-1") == link
