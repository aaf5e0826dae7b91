"""The text that Hadoop's job client and tasks write to their logs."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

JOB: Final = "org.apache.hadoop.mapreduce.Job"
YARN: Final = "org.apache.hadoop.yarn.client.api.impl.YarnClientImpl"

Counters = Mapping[str, Mapping[str, int]]


def record(logger: str, message: str, level: str = "INFO") -> str:
    """Return a log record of a Hadoop process; the message may have several lines."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]
    return f"{now} {level} {logger} (main): {message}\n"


def submitted(application_id: str) -> str:
    """Return what the job client writes when the cluster has taken the job."""
    job_id = application_id.replace("application", "job")
    return record(YARN, f"Submitted application {application_id}") + record(JOB, f"Running job: {job_id}")


def counters(values: Counters) -> str:
    """Return the job client's table of counters."""
    table = [f"Counters: {sum(map(len, values.values()))}"]
    for group, amounts in sorted(values.items()):
        table.append(f"\t{group}")
        table += [f"\t\t{name}={amount}" for name, amount in sorted(amounts.items())]
    return record(JOB, "\n".join(table))


def finished(application_id: str, output: str) -> str:
    """Return what the job client writes of a job that succeeded."""
    job_id = application_id.replace("application", "job")
    done = record(JOB, f"Job {job_id} completed successfully")
    return done + record("org.apache.hadoop.streaming.StreamJob", f"Output directory: {output}")


def failed(application_id: str, task_id: str) -> str:
    """Return what the job client writes of a job that a task has failed."""
    job_id = application_id.replace("application", "job")
    return record(JOB, f"Job {job_id} failed with state FAILED due to: Task failed {task_id}") + record(
        "org.apache.hadoop.streaming.StreamJob", "Job not successful!", "ERROR"
    )


def attempt_failed(attempt_id: str, code: int | None) -> str:
    """Return what the job client writes of a failed attempt at a task."""
    return record(JOB, f"Task Id : {attempt_id}, Status : FAILED\nError: {_trace(code)}")


def container_syslog(split: str, code: int | None) -> str:
    """Return a failed task's own syslog."""
    return record("org.apache.hadoop.mapred.MapTask", f"Processing split: {split}") + record(
        "org.apache.hadoop.mapred.YarnChild", f"Exception running child : {_trace(code)}", "WARN"
    )


def exception(message: str) -> str:
    """Return what the job client writes when it gives up before any task runs."""
    return record("org.apache.hadoop.streaming.StreamJob", f"Error Launching job : {message}", "ERROR")


def _trace(code: int | None) -> str:
    frames: Iterable[str] = (
        "PipeMapRed.waitOutputThreads(PipeMapRed.java:326)",
        "PipeMapper.close(PipeMapper.java:130)",
    )
    cause = f"java.lang.RuntimeException: PipeMapRed.waitOutputThreads(): subprocess failed with code {code}"
    return "\n".join([cause, *(f"\tat org.apache.hadoop.streaming.{frame}" for frame in frames)])
