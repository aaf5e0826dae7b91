"""Spark's master, and spark-submit, which runs a step's driver program there."""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from mrjob.logs.log4j import _parse_hadoop_log4j_records

from model_mapreduce_job.printable import printable
from model_mapreduce_job.runners.hadoop.client_process import start_client
from model_mapreduce_job.storage.hadoop_commands import ClusterError
from model_mapreduce_job.storage.hadoop_fs import no_command

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("mrjob.spark")  # mrjob shows what its own loggers write

_TRIES: Final = 4  # of a task, as on a cluster; local masters would try once
_ANSWER_SECONDS: Final = 10.0
_SHOWN: Final = frozenset({"WARN", "ERROR", "FATAL"})
# What these log of a task that failed is said by TaskSetManager too, and in the line that ends the run; the
# last one warns of each start without Hadoop's native libraries.
_SAID_AGAIN: Final = frozenset(
    {"Executor", "FileFormatWriter", "SparkHadoopWriter", "Utils", "NativeCodeLoader"}
)


def own_settings(*, has_ui: bool) -> dict[str, str]:
    """Return Spark's settings that a run has unless a person sets them."""
    return {
        "spark.log.level": "WARN",
        "spark.ui.showConsoleProgress": "false",
        "spark.ui.enabled": str(has_ui).lower(),
        # a crash says where it was
        "spark.python.worker.faulthandler.enabled": "true",
        # tasks bring reports home and nothing else, which are added one by one: there may be many
        "spark.driver.maxResultSize": "0",
        # the driver writes _SUCCESS, when the run was checked
        "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
    }


def with_tries(master: str) -> str:
    """Return a master, a local one with as many tries for a task as a cluster has."""
    if master == "local":
        return f"local[1,{_TRIES}]"
    if master.startswith("local[") and "," not in master:
        return f"{master[:-1]},{_TRIES}]"
    return master


def check_master(master: str) -> None:
    """Raise ClusterError when no master of a standalone cluster answers: Spark would try for a minute."""
    kind, _, places = master.partition("://")
    if kind == "spark" and not any(map(_answers, places.split(","))):
        raise ClusterError(f"The Spark master {master} can't be reached. Is it up?")


def submit(command: list[str], environment: dict[str, str], restore: Callable[[str], str]) -> tuple[int, str]:
    """Run spark-submit, which ends with this run; return its exit code and last complaint.

    restore gives Spark's words with the person's names of files in them.
    """
    complaint = "it did not say why"
    try:
        client = start_client(command, environment)
    except OSError as error:
        raise ClusterError(
            no_command(command[0], "Spark's", "SPARK_HOME", "--spark-submit-bin", error)
        ) from error
    with client:
        try:
            for record in _parse_hadoop_log4j_records(client.stdout):
                lines = restore(record["message"]).splitlines()
                is_shown = record["level"] in _SHOWN and record["logger"] not in _SAID_AGAIN
                log.log(logging.WARNING if is_shown else logging.DEBUG, "  %s", printable("".join(lines[:1])))
                for line in lines[1:]:  # Java's stack, or what Python's libraries have printed
                    log.debug("  %s", printable(line))
                if record["level"] != "INFO":
                    complaint = record["message"].partition("\n")[0]
        except BaseException:
            client.terminate()  # Spark's own shutdown ends its tasks
            raise
    return client.returncode, complaint


def _answers(place: str) -> bool:
    host, _, port = place.rpartition(":")
    with suppress(OSError, ValueError), socket.create_connection((host, int(port)), _ANSWER_SECONDS):
        return True
    return False
