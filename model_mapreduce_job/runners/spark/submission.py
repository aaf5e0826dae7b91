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
from msgspec.structs import replace

from model_mapreduce_job.exceptions import IncompleteRunError
from model_mapreduce_job.pipeline.task_report import TaskReport
from model_mapreduce_job.printable import printable
from model_mapreduce_job.runners.hadoop.client_process import start_client
from model_mapreduce_job.runners.spark.failures import error_of
from model_mapreduce_job.storage.hadoop_commands import ClusterError
from model_mapreduce_job.storage.hadoop_fs import no_command
from model_mapreduce_job.storage.inputs import is_remote
from model_mapreduce_job.task.child_processes import how_it_ended
from model_mapreduce_job.task.model_process import PACKAGE_PARENT

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from model_mapreduce_job.formats.lines import Place
    from model_mapreduce_job.storage.hadoop_fs import HadoopShell
    from model_mapreduce_job.storage.upload_names import UploadNames

log = logging.getLogger("mrjob.spark")  # mrjob shows what its own loggers write

_LOOPBACK: Final = "127.0.0.1"
_DAEMON: Final = "model_mapreduce_job.runners.spark.worker_daemon"
# Java's better compiler takes a third of a short run's CPU time, for what runs some thousand times while
# Spark starts: it is given what runs ten times as often as by default, which rows do at once.
_COMPILE_LATER: Final = (
    "-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 "
    "-XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000"
)
_TRIES: Final = 4  # of a task, as on a cluster; local masters would try once
_ANSWER_SECONDS: Final = 10.0
_SHOWN: Final = frozenset({"WARN", "ERROR", "FATAL"})
# What these log of a task that failed is said by TaskSetManager too, and in the line that ends the run; the
# last one warns of each start without Hadoop's native libraries.
_SAID_AGAIN: Final = frozenset(
    {"Executor", "FileFormatWriter", "SparkHadoopWriter", "Utils", "NativeCodeLoader"}
)


def own_settings(*, is_local: bool) -> dict[str, str]:
    """Return Spark's settings that a run has unless a person sets them."""
    return {
        **({"spark.python.daemon.module": _DAEMON} if is_local else {}),
        "spark.log.level": "WARN",
        "spark.ui.showConsoleProgress": "false",
        "spark.ui.enabled": str(not is_local).lower(),
        # a crash says where it was
        "spark.python.worker.faulthandler.enabled": "true",
        # tasks bring reports home and nothing else, which are added one by one: there may be many
        "spark.driver.maxResultSize": "0",
        # the driver writes _SUCCESS, when the run was checked
        "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
    }


def environment(own: Mapping[str, str], *, is_local: bool) -> dict[str, str]:
    """Return the environment of spark-submit, with a run's own variables: its Python finds this package."""
    paths = [PACKAGE_PARENT, os.environ.get("PYTHONPATH", "")]
    given = {**os.environ, **own, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    if not is_local:
        return given
    java = " ".join(filter(None, [_COMPILE_LATER, os.environ.get("SPARK_SUBMIT_OPTS")]))
    return {"SPARK_LOCAL_IP": _LOOPBACK, **given, "SPARK_SUBMIT_OPTS": java}


def link_to(path: str, directory: Path, names: UploadNames) -> str:
    """Return a link to a file of this machine in a directory, by a name that Spark takes for no pattern."""
    directory.mkdir(parents=True, exist_ok=True)
    names.prefix = str(directory)
    link = Path(names.add(path))
    if not link.is_symlink():
        link.symlink_to(path)
    return str(link)


def restored(text: str, links: Iterable[UploadNames | None], shown: Mapping[str, str]) -> str:
    """Return Spark's words with the person's names of files, as shown has them, in place of links to them."""
    for names in links:
        if names and names.prefix:
            names.shown = shown
            text = names.restore(text)
    return text


def _read_result(path: str, shell: HadoopShell) -> dict[str, Any]:
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


def start(command: list[str], variables: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start spark-submit, which ends with this run. Raises ClusterError."""
    try:
        return start_client(command, variables)
    except OSError as error:
        raise ClusterError(_no_submit(command[0], error)) from error


def result_of(
    client: subprocess.Popen[bytes], path: str, shell: HadoopShell, restore: Callable[[str], str]
) -> dict[str, Any]:
    """Return what a driver program has left at a path when it ends; raises why it has not run the job.

    restore gives Spark's words with the person's names of files in them.
    """
    code, complaint = _follow(client, restore)
    result = _read_result(path, shell)
    if "failure" in result:
        raise error_of(result["failure"], restore)
    if code or "counters" not in result:
        raise IncompleteRunError(
            f"Spark did not run the job ({how_it_ended(code)}): {printable(restore(complaint))}"
        )
    return result


def reports_in(result: dict[str, Any], step: int, restore: Callable[[str], str]) -> dict[int, TaskReport]:
    """Return the reports of a result whose first step is this one, by step, with a person's names."""

    def named(place: Place) -> Place:
        return replace(place, file=restore(place.file))

    found = enumerate(result["reports"], step)
    return {number: TaskReport.from_json(text).with_places(named) for number, text in found if text}


def _follow(client: subprocess.Popen[bytes], restore: Callable[[str], str]) -> tuple[int, str]:
    """Log what spark-submit writes until it ends; return its exit code and last complaint."""
    complaint = "it did not say why"
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
