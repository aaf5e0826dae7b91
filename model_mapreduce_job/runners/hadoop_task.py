"""A task of Hadoop streaming: what it writes where, that it's alive, and where it ran if it fails."""

from __future__ import annotations

import faulthandler
import io
import mmap
import os
import signal
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.child_processes import die_with_parent
from model_mapreduce_job.exceptions import ModelMapReduceError
from model_mapreduce_job.node_check import on_this_node
from model_mapreduce_job.runners.worker import take_stdout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# Hadoop ends a task that is silent for mapreduce.task.timeout, 600 s unless it's told otherwise
BEAT_SECONDS: Final = 10.0
FAILED: Final = "The task failed: "
_STDERR: Final = 2
_COUNT_BYTES: Final = 8


class Heartbeat:
    """A process that reports a task's progress until the task ends, whatever holds the task up.

    A thread could not: a model that computes in C keeps the interpreter to itself. Start it before the model
    is loaded, while a copy of the process is small.
    """

    def __init__(self, seconds: float = BEAT_SECONDS) -> None:
        self._lines = mmap.mmap(-1, _COUNT_BYTES)
        self._seconds = seconds
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            self._beat(parent)

    def add(self, lines: int) -> None:
        """Take note of output lines."""
        self._lines[:] = (self._count() + lines).to_bytes(_COUNT_BYTES, "little")

    def end(self) -> None:
        """End the process."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def _beat(self, parent: int) -> None:
        try:
            die_with_parent(parent)
            os.closerange(0, _STDERR)  # the task's input and output are not for this process to hold open
            while os.getppid() == parent:
                time.sleep(self._seconds)
                os.write(_STDERR, b"reporter:status:%d lines predicted\n" % self._count())
        finally:
            os._exit(0)  # a forked child must never run on into its parent's code

    def _count(self) -> int:
        return int.from_bytes(self._lines[:], "little")


def is_hadoop_task() -> bool:
    """Return whether this process is a task of Hadoop streaming, which says so in the environment."""
    return bool(_job_setting("mapreduce.task.attempt.id"))


@contextmanager
def task_output(stdout: Any) -> Iterator[Callable[[Sequence[bytes]], None]]:
    """Give the way to write output lines to stdout, complete when the with statement ends.

    Under Hadoop the task also says where it runs, stays alive, keeps what a model prints out of its output,
    and tells in one line which error of this package ended it.
    """
    if is_hadoop_task():
        with _hadoop_output() as write:
            yield write
        return
    yield _line_writer(stdout)
    stdout.flush()


@contextmanager
def _hadoop_output() -> Iterator[Callable[[Sequence[bytes]], None]]:
    _tell(f"This task runs on {socket.gethostname()} and reads {_split()}.")
    faulthandler.enable()
    heartbeat = Heartbeat()
    try:
        with io.FileIO(take_stdout(), "w") as raw, io.BufferedWriter(raw, 1 << 18) as output:
            write = _line_writer(output)

            def write_and_count(lines: Sequence[bytes]) -> None:
                write(lines)
                heartbeat.add(len(lines))

            yield write_and_count
    except ModelMapReduceError as error:
        _tell(f"{FAILED}{type(error).__name__}: {on_this_node(str(error))}")
        raise
    finally:
        heartbeat.end()


def _line_writer(output: Any) -> Callable[[Sequence[bytes]], None]:
    def write(lines: Sequence[bytes]) -> None:
        if lines:
            output.write(b"\n".join(lines) + b"\n")

    return write


def _split() -> str:
    names = ("file", "start", "length")
    path, start, length = (_job_setting(f"mapreduce.map.input.{name}") for name in names)
    if not (start.isdigit() and length.isdigit()):
        return path or "its input"
    return f"{path}, bytes {int(start):,} to {int(start) + int(length):,}"


def _job_setting(name: str) -> str:
    return os.environ.get(name.replace(".", "_"), "")


def _tell(line: str) -> None:
    os.write(_STDERR, f"{line}\n".encode(errors="backslashreplace"))
