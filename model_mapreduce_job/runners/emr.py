"""mrjob's EMR runner, made safe by default: private buckets, a security configuration, nothing left running."""

from __future__ import annotations

import json
import logging
import posixpath
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError
from botocore.exceptions import ConnectionError as BotoConnectionError
from mrjob.emr import EMRJobRunner

from model_mapreduce_job.exceptions import ModelMapReduceError
from model_mapreduce_job.runners.s3 import ResumingS3Filesystem, ensure_bucket, split_uri

log = logging.getLogger("mrjob.emr")  # mrjob shows what its own loggers write

TMP_DAYS: Final = 7
LOG_DAYS: Final = 90
LOG_WAIT_SECONDS: Final = 600.0  # EMR copies logs to S3 every five minutes; twice that is enough
OFFLINE_SECONDS: Final = 600.0

# Data at rest in S3 is encrypted by S3's own keys, and the instances answer only to IMDSv2. Encrypting local
# disks takes a KMS key, so a configuration that does has to be made by whoever owns the key; docs/emr.md says how.
SECURITY_CONFIGURATION: Final = {
    "EncryptionConfiguration": {
        "EnableInTransitEncryption": False,
        "EnableAtRestEncryption": True,
        "AtRestEncryptionConfiguration": {"S3EncryptionConfiguration": {"EncryptionMode": "SSE-S3"}},
    },
    "InstanceMetadataServiceConfiguration": {
        "MinimumInstanceMetadataServiceVersion": 2,
        "HttpPutResponseHopLimit": 1,
    },
}


class AwsError(ModelMapReduceError):
    """Raised when AWS refuses a request or can't be reached; the message says which and what to do."""


class EmrRunner(EMRJobRunner):
    """Runs the job on EMR; takes every option of mrjob's own EMR runner."""

    def __init__(self, **kwargs: Any) -> None:
        self._announced = ""
        self._log_dir_awaited = ""
        self._log_deadlines: dict[str, float] = {}
        with _aws_errors():
            super().__init__(**kwargs)

    @property
    def fs(self) -> Any:
        """The filesystems of mrjob's runner, with an S3 that survives broken connections."""
        is_new = self._fs is None
        filesystems = super().fs
        if is_new:
            filesystems.s3 = ResumingS3Filesystem(
                aws_access_key_id=self._opts["aws_access_key_id"],
                aws_secret_access_key=self._opts["aws_secret_access_key"],
                aws_session_token=self._opts["aws_session_token"],
                s3_endpoint=self._opts["s3_endpoint"],
                s3_region=self._opts["region"],
                part_size=self._upload_part_size(),
            )
        return filesystems

    def run(self) -> None:
        """Run the job to its end; raises AwsError, and SystemExit when the terminal or a signal ends it."""
        with _aws_errors(), _signals_as_exit():
            super().run()

    def cleanup(self, mode: list[str] | None = None) -> None:
        """Stop what this run has started on AWS, before anything that may take long or fail."""
        if self._cluster_id and not self._ran_job:
            with suppress(ClientError, BotoCoreError):
                self._stop()
        super().cleanup(mode=mode)

    def cat_output(self) -> Iterator[bytes]:
        """Yield the output; raises AwsError when it can't be read to its end."""
        with _aws_errors():
            yield from super().cat_output()

    # Buckets

    def _fix_s3_tmp_and_log_uri_opts(self) -> None:
        logs_are_named = bool(self._opts["cloud_log_dir"])
        super()._fix_s3_tmp_and_log_uri_opts()
        if not logs_are_named:
            # mrjob would put them below the temporary data, which expires sooner
            self._opts["cloud_log_dir"] = f"s3://{split_uri(self._opts['cloud_tmp_dir'])[0]}/logs/"

    def _upload_local_files(self) -> None:
        tmp, logs = self._opts["cloud_tmp_dir"], self._opts["cloud_log_dir"]
        ensure_bucket(self.fs.s3, tmp, {split_uri(tmp)[1]: TMP_DAYS, "logs/": LOG_DAYS})
        ensure_bucket(self.fs.s3, logs, {split_uri(logs)[1]: LOG_DAYS})
        super()._upload_local_files()

    # Clusters

    def _create_cluster(self, persistent: bool = False) -> str:
        name = self._opts["extra_cluster_params"].get("SecurityConfiguration")
        if name:
            self._ensure_security_configuration(name)
        return str(super()._create_cluster(persistent))

    def _ensure_security_configuration(self, name: str) -> None:
        client = self.make_emr_client()
        try:
            client.describe_security_configuration(Name=name)
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            definition = json.dumps(SECURITY_CONFIGURATION)
            client.create_security_configuration(Name=name, SecurityConfiguration=definition)
            log.info("Created security configuration %s", name)

    def _add_tags(self, tags: dict[str, str], cluster_id: str) -> None:
        # The first call after a cluster is created: from here on, whatever fails, cleanup() knows what to stop.
        self._cluster_id = cluster_id
        self._announce()
        super()._add_tags(tags, cluster_id)

    def _add_steps_to_cluster(self, steps: list[dict[str, Any]]) -> None:
        self._announce()
        super()._add_steps_to_cluster(steps)

    def _announce(self) -> None:
        if self._announced != self._cluster_id:
            self._announced = self._cluster_id
            log.info("Cluster %s: %s", self._cluster_id, console_link(self._opts["region"], self._cluster_id))

    def _stop(self) -> None:
        client = self.make_emr_client()
        if not self._opts["cluster_id"] and not self._opts["pool_clusters"]:
            client.terminate_job_flows(JobFlowIds=[self._cluster_id])
        elif self._step_ids:
            log.info("Cancelling our steps on cluster %s", self._cluster_id)
            client.cancel_steps(
                ClusterId=self._cluster_id,
                StepIds=self._step_ids,
                StepCancellationOption="TERMINATE_PROCESS",
            )

    # Waiting

    def _wait_for_step_to_complete(self, step_id: str, step_num: int | None = None) -> None:
        known, deadline = len(self._log_interpretations), 0.0
        while True:
            try:
                super()._wait_for_step_to_complete(step_id, step_num)
            except (BotoConnectionError, HTTPClientError) as error:
                deadline = deadline or time.monotonic() + OFFLINE_SECONDS
                if time.monotonic() > deadline:
                    raise
                log.warning("AWS can't be reached, the step runs on; trying again: %s", error)
                del self._log_interpretations[known:]  # each try adds its own
                time.sleep(self._opts["check_cluster_every"])
            else:
                return

    def _stream_log_dirs(
        self, log_desc: str, dir_name: str, s3_dir_name: str, **kwargs: Any
    ) -> Iterator[list[str]]:
        self._log_dir_awaited = s3_dir_name
        yield from super()._stream_log_dirs(log_desc, dir_name, s3_dir_name, **kwargs)

    def _ls_task_logs(self, step_type: str, **given: Any) -> Iterator[dict[str, Any]]:
        if not given.get("attempt_to_container_id"):
            # Without the job's history mrjob looks for attempts by names that YARN doesn't use, and finds nothing
            given["error_attempt_ids"] = None
        yield from super()._ls_task_logs(step_type, **given)

    def _wait_for_logs_on_s3(self) -> None:
        """Wait until the logs asked for are on S3 or can't come any more, and say so all the while.

        mrjob sleeps for ten minutes here, whatever the cluster does.
        """
        deadline = self._log_deadlines.setdefault(self._step_ids[-1], time.monotonic() + LOG_WAIT_SECONDS)
        with suppress(KeyboardInterrupt):
            while time.monotonic() < deadline:
                state = self._describe_cluster()["Status"]["State"]
                if state in {"TERMINATED", "TERMINATED_WITH_ERRORS"} or (self._logs_have_come(state)):
                    return
                log.info("Waiting for logs to come to S3 (cluster is %s; ctrl-c: go on without)", state)
                time.sleep(self._opts["check_cluster_every"])
        self._log_deadlines[self._step_ids[-1]] = 0.0

    def _logs_have_come(self, cluster_state: str) -> bool:
        if cluster_state == "TERMINATING":
            return False
        if not self._s3_log_dir() or self._log_dir_awaited.startswith("hadoop-mapreduce"):
            return (
                True  # job history is no more than a help to find a failed task's log, and often doesn't come
            )
        step = self.make_emr_client().describe_step(ClusterId=self._cluster_id, StepId=self._step_ids[-1])[
            "Step"
        ]
        ended = step["Status"]["Timeline"].get("EndDateTime")
        if ended is None:
            return False
        written = self.fs.s3._ls(posixpath.join(self._s3_log_dir(), self._log_dir_awaited))  # noqa: SLF001 ls() has no times
        return any(item.last_modified >= ended - timedelta(seconds=1) for _, item in written)


def console_link(region: str, cluster_id: str) -> str:
    """Return the address of a cluster's page in AWS's console."""
    return f"https://{region}.console.aws.amazon.com/emr/home?region={region}#/clusterDetails/{cluster_id}"


@contextmanager
def _aws_errors() -> Iterator[None]:
    """Turn what boto3 raises into an AwsError that says what to do."""
    try:
        yield
    except NoCredentialsError as error:
        raise AwsError(
            "AWS credentials were not found: run `aws configure`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        ) from error
    except ClientError as error:
        raise AwsError(
            f"AWS refused {error.operation_name}: {error.response['Error'].get('Message')}"
        ) from error
    except (BotoConnectionError, HTTPClientError) as error:
        raise AwsError(
            f"AWS can't be reached: {error}. A cluster that was started ends by itself after its last step."
        ) from error


@contextmanager
def _signals_as_exit() -> Iterator[None]:
    """Let SIGTERM, and SIGHUP of a terminal that is gone, unwind like Ctrl-C, so that cleanup() runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = [
        number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL
    ]
    for number in taken:
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
