"""The programs that submit a run to a cluster."""

from __future__ import annotations

import os
import subprocess
from functools import partial
from typing import TYPE_CHECKING

from model_mapreduce_job.task.child_processes import die_with_parent, killed_on_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def start_client(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a program that ends with this process, however that ends; all it writes comes from its stdout.

    Raises OSError.
    """
    return subprocess.Popen(  # noqa: S603 - the operator's own hadoop or spark-submit
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509 - the driver has no threads
    )


class ClientProcess:
    """A program that submits a run, as a command of storage.hadoop_commands is."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._process = start_client(command, environment)
        self.code = 0

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of all that it writes, as they come."""
        with killed_on_error(self._process):
            yield from self._process.stdout or ()
        self.code = self._process.returncode

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
