"""The programs that submit a run to a cluster."""

from __future__ import annotations

import os
import subprocess
from functools import partial
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.storage.hadoop_commands import what_is_left
from model_mapreduce_job.task.child_processes import die_with_parent, wait_or_kill

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PATIENCE_SECONDS: Final = 3.0


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
        self._unread = b""
        self.code = 0

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of all that it writes, as they come; an error, such as a signal's, ends it."""
        try:
            yield from self._process.stdout or ()
        except BaseException:
            self.kill()
            raise
        self._end()

    def kill(self) -> bytes:
        """End it, if need be at once; return what was not read of its output.

        A client of Hadoop removes what it has made on this machine, if it is asked to end.
        """
        if self._is_open:
            self._process.terminate()
            self._unread = what_is_left(self._process)
            wait_or_kill(self._process, _PATIENCE_SECONDS)
            self._end()
        return self._unread

    @property
    def _is_open(self) -> bool:
        return self._process.stdout is not None and not self._process.stdout.closed

    def _end(self) -> None:
        with self._process:
            self.code = self._process.wait()
