"""Spark's master, and spark-submit, which runs a step's driver program there."""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
from contextlib import suppress
from errno import ENOENT
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mrjob.logs.log4j import _parse_hadoop_log4j_records

from model_mapreduce_job.printable import printable
from model_mapreduce_job.runners.hadoop.client_process import start_client
from model_mapreduce_job.storage.hadoop_commands import ClusterError
from model_mapreduce_job.storage.hadoop_fs import no_command
from model_mapreduce_job.storage.inputs import is_remote
from model_mapreduce_job.task.model_process import PACKAGE_PARENT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from model_mapreduce_job.storage.hadoop_fs import HadoopShell
    from model_mapreduce_job.storage.upload_names import UploadNames

log = logging.getLogger("mrjob.spark")  # mrjob shows what its own loggers write

_LOOPBACK: Final = "127.0.0.1"
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


def own_environment(environment: Mapping[str, str], *, on_this_machine: bool) -> dict[str, str]:
    """Return the environment of spark-submit, in which its Python finds this package."""
    paths = [PACKAGE_PARENT, os.environ.get("PYTHONPATH", "")]
    own = {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    if on_this_machine:
        own["SPARK_LOCAL_IP"] = os.environ.get("SPARK_LOCAL_IP", _LOOPBACK)
    return {**environment, **own}


def link_to(path: str, directory: Path, names: UploadNames) -> str:
    """Return a link to a file of this machine in a directory, by a name that Spark takes for no pattern."""
    directory.mkdir(parents=True, exist_ok=True)
    names.prefix = str(directory)
    link = Path(names.add(path))
    if not link.is_symlink():
        link.symlink_to(path)
    return str(link)


def read_result(path: str, shell: HadoopShell) -> dict[str, Any]:
    """Return what the driver program has left for the runner, here or on a cluster; {} for nothing."""
    with suppress(OSError, ValueError, ClusterError):
        text = b"".join(shell.read([path])) if is_remote(path) else Path(path).read_bytes()
        return dict(json.loads(text))
    return {}


def with_tries(master: str) -> str:
    """Return a master, a local one with as many tries for a task as a cluster has."""
    if master == "local":
        return f"local[1,{_TRIES}]"
    if master.startswith("local[") and "," not in master:
        return f"{master[:-1]},{_TRIES}]"
    return master


def check_submission(master: str, command: Sequence[str]) -> None:
    """Raise ClusterError when there is no such spark-submit, or as check_master() does."""
    if shutil.which(command[0]) is None:
        raise ClusterError(_no_submit(command[0], FileNotFoundError(ENOENT, os.strerror(ENOENT))))
    check_master(master)


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
        raise ClusterError(_no_submit(command[0], error)) from error
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


def _no_submit(name: str, error: OSError) -> str:
    return no_command(name, "Spark's", "SPARK_HOME", "--spark-submit-bin", error)


def _answers(place: str) -> bool:
    host, _, port = place.rpartition(":")
    with suppress(OSError, ValueError), socket.create_connection((host, int(port)), _ANSWER_SECONDS):
        return True
    return False
