"""The one way to start a process that runs a model's code.

The process is started anew, never forked from one that may have loaded a model. It has a session of its own
and an empty standard input. Everything that the model's code writes comes through one pipe, messages go over
one channel, and its end is learnt from its process id.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from model_mapreduce_job.task.channel import Channel, EndOfChannel, ForeignBytesError, channel_pair
from model_mapreduce_job.task.child_processes import how_it_ended, wait, wait_or_kill
from model_mapreduce_job.task.keeper import CHANNEL_VARIABLE
from model_mapreduce_job.task.model_output import ModelOutput

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping, Sequence

    from model_mapreduce_job.task.child_processes import Process
    from model_mapreduce_job.task.messages import Message

PACKAGE_PARENT: Final = str(Path(__file__).resolve().parent.parent.parent)
SCRIPT: Final = Path(__file__).parent.parent / "shipped_script.py"
# A process that is done runs its exit handlers; the keeper ends it soon after.
GRACE_SECONDS: Final = 5.0
# Shells use descriptors of one digit, mrjob's wrapper script the ninth; few programs go this high.
_LOWEST_DESCRIPTOR: Final = 200
_LOWEST_WITH_FEW: Final = 20


class ProcessLostError(Exception):
    """Raised when a process has ended, or had to be ended; has its exit code, and says how it ended."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class ModelProcess:
    """A started process, the channel to it, and its output; None when it writes to its starter's streams."""

    process: Process
    channel: Channel
    model_output: ModelOutput | None = None
    _open: bool = field(default=True, init=False)

    def send(self, message: Message, body: bytes = b"") -> None:
        """Send a message; receive() raises when the process is gone."""
        with suppress(EndOfChannel):
            self.channel.send(message, body)

    def receive(self, timeout: float | None = None) -> tuple[Message, bytes] | None:
        """Return the next message, or None after timeout seconds; reads the process's output meanwhile.

        Raises ProcessLostError when the process has ended, or something else wrote into the channel.
        """
        try:
            if self.model_output is None:
                return self.channel.receive(timeout)
            return self.model_output.while_waiting(self.channel, timeout)
        except EndOfChannel:
            raise self.lost() from None
        except ForeignBytesError as error:
            raise ProcessLostError(self.end(), str(error)) from None

    def sources(self) -> list[Channel | ModelOutput]:
        """Return the sources to wait for: messages, and the process's output."""
        return (
            [self.channel, self.model_output]
            if self.model_output and self.model_output.is_open
            else [self.channel]
        )

    def receive_available(self) -> list[tuple[Message, bytes]]:
        """Return the messages that have arrived, without waiting, and read the process's output.

        Raises ProcessLostError when the process has ended, or something else wrote into the channel.
        """
        if self.model_output:
            self.model_output.read()
        try:
            return self.channel.receive_available()
        except EndOfChannel:
            raise self.lost() from None
        except ForeignBytesError as error:
            raise ProcessLostError(self.end(), str(error)) from None

    def is_gone(self) -> bool:
        """Return whether the process has ended and left no message, even if another holds the channel."""
        return self.process.poll() is not None and not self.channel.has_more()

    def hang_up(self) -> None:
        """Close the channel, which ends a process that waits for a request."""
        if self._open:
            self._open = False
            self.channel.close()

    def end(self, grace: float = 0.0) -> int:
        """Hang up, and kill the process unless it ends within grace seconds; return its exit code.

        Its keeper ends the processes that it started as well.
        """
        self.hang_up()
        code = _ended(self.process, grace)
        if self.model_output:
            self.model_output.finish()
        return code

    def lost(self) -> ProcessLostError:
        """End the process; return how it ended, in words with the last line that it wrote."""
        code = self.end(GRACE_SECONDS)
        last = self.model_output.last_line() if self.model_output else ""
        return ProcessLostError(code, ": ".join(filter(None, [how_it_ended(code), last])))


class EarlyStart:
    """Processes that import what they need while the driver does the same, before the options are known.

    The with statement ends those that were not taken. count is how many there are to be; one is enough.
    """

    def __init__(self, count: int = 1) -> None:
        self._processes = [start_here()]
        with suppress(OSError):  # fewer do as well
            for _ in range(1, count):
                self._processes.append(start_here())

    def __enter__(self) -> Self:
        """Return the start."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes."""
        for process in self.take():
            process.end()

    def take(self) -> list[ModelProcess]:
        """Return the processes, which are the caller's from now on; none when they were taken before."""
        processes, self._processes = self._processes, []
        return processes


def start_here() -> ModelProcess:
    """Start a process as this one was: the same interpreter, environment and directory."""
    environment = same_imports(os.environ)
    return start(python_command(), environment=environment, directory=None, model_output=ModelOutput())


def start(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    directory: str | None,
    model_output: ModelOutput | None,
) -> ModelProcess:
    """Start a command that ends in the task's script.

    Without model_output it writes to this process's standard error.
    """
    mine, other = channel_pair()
    other = _moved_up(other)
    with other:
        process = subprocess.Popen(  # noqa: S603 - the command is the job's own
            command,
            stdin=subprocess.DEVNULL,
            stdout=model_output.write_end if model_output else 2,
            stderr=model_output.write_end if model_output else 2,
            cwd=directory,
            env={**environment, CHANNEL_VARIABLE: str(other.fileno())},
            pass_fds=(other.fileno(),),
            start_new_session=True,
        )
    if model_output:
        model_output.close_write_end()
    return ModelProcess(process, mine, model_output)


def python_command() -> list[str]:
    """Return the command that starts this interpreter, with the same flags, and the task's script."""
    flags = ["-s"] * sys.flags.no_user_site + ["-S"] * sys.flags.no_site + ["-O"] * sys.flags.optimize
    return [sys.executable, *flags, str(SCRIPT)]


def same_imports(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which a new Python imports the same modules, from any directory."""
    paths = [PACKAGE_PARENT, *(os.path.abspath(path) for path in sys.path)]  # noqa: PTH100 - text
    return {**environment, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}


def _ended(process: Process, grace: float) -> int:
    """Return the exit code of a process; after grace seconds its keeper is asked to end it, then killed."""
    with suppress(subprocess.TimeoutExpired):
        return wait(process, grace)
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGTERM)
    return wait_or_kill(process, GRACE_SECONDS)


def _moved_up(end: socket.socket) -> socket.socket:
    """Return a socket with a high descriptor, which shells and programs that close low ones don't touch."""
    import fcntl  # noqa: PLC0415 - not on every platform
    import socket as sockets  # noqa: PLC0415 - as above

    for lowest in (_LOWEST_DESCRIPTOR, _LOWEST_WITH_FEW):
        with suppress(OSError, ValueError):
            moved = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, lowest)
            end.close()
            return sockets.socket(fileno=moved)
    return end
