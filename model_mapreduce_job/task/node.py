"""Where a task runs: which attempt it is, as Hadoop and Spark say it, and on what kind of node."""

from __future__ import annotations

import os
import platform
import re
from typing import Final

_IMPORT_FAILED: Final = re.compile(r"\b(?:ImportError|ModuleNotFoundError): ")


def attempt_number() -> int:
    """Return which attempt of its task this process is, from 0, as Hadoop says it in the environment."""
    number = _attempt_id().rpartition("_")[2]
    return int(number) if number.isdigit() else 0


def may_start_the_run() -> bool:
    """Return whether this process' task may have the run's first records, as Hadoop and Spark say it.

    On Hadoop a task that begins in the middle of a file has not; on Spark the first partition alone has.
    """
    attempt = _attempt_id()
    if attempt.startswith("attempt_spark_m_"):
        return attempt.startswith("attempt_spark_m_000000_")
    return os.environ.get("mapreduce_map_input_start", "0") == "0"  # noqa: SIM112 - Hadoop's spelling


def _attempt_id() -> str:
    return os.environ.get("mapreduce_task_attempt_id") or os.environ.get("mapred_task_id") or ""  # noqa: SIM112


def describe_node() -> str:
    """Return Python's version, the processor's architecture and the C library of this machine, in words."""
    library = " ".join(filter(None, platform.libc_ver())) or "an unknown C library"
    return f"Python {platform.python_version()}, {platform.machine()}, {library}"


def on_this_node(message: str) -> str:
    """Return an error's message on a cluster's node, with a description of the node if an import failed."""
    if not _IMPORT_FAILED.search(message):
        return message
    return (
        f"{message} This node has {describe_node()}: a bundle, and compiled packages, must be made "
        "for exactly that (docs/emr.md, Which nodes a bundle runs on)."
    )
