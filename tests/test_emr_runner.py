"""The EMR runner is safe by default, stops what it starts, and lives with a bad connection."""

import bz2
import gzip
import json
import lzma
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from emr_stack.driver import Driver
from emr_stack.faults import Fault
from emr_stack.stack import REGION, EmrStack, emr_stack

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.runners.aws_errors import AwsError, aws_errors
from model_mapreduce_job.runners.emr import LOG_DAYS, TMP_DAYS, console_link
from model_mapreduce_job.runners.emr_security import DEFINITION, ensure_security_configuration
from model_mapreduce_job.runners.s3 import ResumingS3Filesystem, ensure_bucket
from model_mapreduce_job.runners.signals import signals_as_exit

ALIVE = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmrStack]:
    with emr_stack(tmp_path_factory.mktemp("emr")) as running:
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
    deadline = time.monotonic() + 30
    while alive := clusters(stack, states=ALIVE):
        assert time.monotonic() < deadline, alive
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
    assert asked["SecurityConfiguration"] == "model-mapreduce-job"
    assert asked["AutoTerminationPolicy"] == {"IdleTimeout": 600}
    assert {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"} in asked["Tags"]
    assert asked["ServiceRole"] == "EMR_DefaultRole_V2"
    assert [fleet["InstanceFleetType"] for fleet in asked["Instances"]["InstanceFleets"]] == [
        "MASTER",
        "CORE",
    ]
    assert "KeepJobFlowAliveWhenNoSteps" not in asked["Instances"]


def test_the_cluster_and_its_console_page_are_printed_before_the_first_step_runs(quiet: Quiet) -> None:
    announced, _, after = quiet.ended.stderr.partition("#/clusterDetails/j-")
    assert f"https://{REGION}.console.aws.amazon.com/emr/home" in announced
    assert "Waiting for Step" not in announced
    assert "Waiting for Step" in after


@pytest.mark.usefixtures("quiet")
def test_a_run_makes_the_security_configuration_that_its_conf_names(stack: EmrStack) -> None:
    made = stack.client("emr").describe_security_configuration(Name="model-mapreduce-job")
    assert json.loads(made["SecurityConfiguration"]) == DEFINITION


def test_the_security_configuration_is_made_once_and_says_what_it_must(stack: EmrStack) -> None:
    client = stack.client("emr")
    for _ in range(2):
        ensure_security_configuration(client, "ours")
    made = json.loads(client.describe_security_configuration(Name="ours")["SecurityConfiguration"])
    assert made == DEFINITION
    assert made["InstanceMetadataServiceConfiguration"]["MinimumInstanceMetadataServiceVersion"] == 2
    assert made["EncryptionConfiguration"]["EnableAtRestEncryption"] is True


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


def test_an_empty_object_is_read_as_nothing(stack: EmrStack, s3: ResumingS3Filesystem) -> None:
    assert list(s3.cat(put(stack, s3, "empty", b""))) == []


def test_output_whose_reading_breaks_off_comes_out_whole(driver: Driver, lines: Path) -> None:
    driver.stack.break_next(Fault("cut", method="GET", path="part-00000"))
    ended = driver.run(lines)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "FIRST\t\nLAST\t\n"
    assert "broke off at byte" in ended.stderr


def test_a_driver_that_loses_its_connection_waits_for_it_to_come_back(driver: Driver, lines: Path) -> None:
    driver.stack.break_next(Fault("drop", service="elasticmapreduce", path="DescribeStep", times=8))
    ended = driver.run(lines)
    assert ended.returncode == 0, ended.stderr
    assert "AWS can't be reached; the step runs on, trying again" in ended.stderr
    assert "lines=2" in ended.stderr


# Nothing is left running


def test_ctrl_c_terminates_the_cluster_that_was_started(driver: Driver, lines: Path) -> None:
    with driver.start("--sleep", "30", lines) as started:
        started.wait_for("RUNNING for")
        assert started.end(signal.SIGINT) != 0
    wait_for_no_cluster(driver.stack)
    assert "Terminating cluster" in started.log.read_text()


def test_a_driver_whose_terminal_goes_away_terminates_the_cluster_that_it_started(
    driver: Driver, lines: Path
) -> None:
    with driver.start("--sleep", "30", lines) as started:
        started.wait_for("Waiting for Step")
        assert started.end(signal.SIGHUP) == 128 + signal.SIGHUP
    wait_for_no_cluster(driver.stack)


def test_ctrl_c_on_a_shared_cluster_cancels_the_step_alone(driver: Driver, lines: Path) -> None:
    with driver.start("--pool-clusters", "--pool-name", "shared", "--sleep", "30", lines) as started:
        started.wait_for("RUNNING for")
        started.end(signal.SIGINT)
    (cluster,) = clusters(driver.stack, "pooling:0.7.4,shared")
    client = driver.stack.client("emr")
    deadline = time.monotonic() + 30
    while (step := client.list_steps(ClusterId=cluster["Id"])["Steps"][0])["Status"]["State"] != "CANCELLED":
        assert time.monotonic() < deadline, step
        time.sleep(0.1)
    assert client.describe_cluster(ClusterId=cluster["Id"])["Cluster"]["Status"]["State"] in ALIVE
    client.terminate_job_flows(JobFlowIds=[cluster["Id"]])


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


# Logs


def test_logs_of_a_cluster_that_stays_up_are_waited_for_no_longer_than_they_take(
    driver: Driver, lines: Path
) -> None:
    started = time.monotonic()
    ended = driver.run("--pool-clusters", "--pool-name", "logs", lines)
    assert ended.returncode == 0, ended.stderr
    assert time.monotonic() - started < 60  # mrjob's own wait is 600 s
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


@pytest.mark.parametrize(
    ("raised", "message"),
    [
        (NoCredentialsError(), "Run `aws configure`"),
        (EndpointConnectionError(endpoint_url="http://x"), "AWS can't be reached: Could not connect"),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "not authorized"}}, "RunJobFlow"),
            "AWS refused RunJobFlow: not authorized",
        ),
    ],
)
def test_what_boto3_raises_is_put_in_words(raised: Exception, message: str) -> None:
    with pytest.raises(AwsError, match=message), aws_errors():
        raise raised


def test_a_path_that_mrjob_refuses_is_an_input_error() -> None:
    with pytest.raises(InputError, match="Input path x does not exist!"), aws_errors():
        raise OSError("Input path x does not exist!")


def test_other_errors_pass_through() -> None:
    with pytest.raises(ZeroDivisionError), aws_errors():
        raise ZeroDivisionError


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
