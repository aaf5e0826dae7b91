"""The one way to start a process that runs a model's code.

It is started anew, never a copy of one that may have loaded a model; it has a session of its own and an empty
standard input. What the model's code writes to standard output and error comes through one pipe, messages go
over one channel, and its end is learnt from its process id.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.task.channel import Channel, EndOfChannel, ForeignBytesError, channel_pair
from model_mapreduce_job.task.child_processes import how_it_ended, wait_or_kill
from model_mapreduce_job.task.keeper import CHANNEL_VARIABLE

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping, Sequence

    from model_mapreduce_job.task.child_processes import Process
    from model_mapreduce_job.task.messages import Message
    from model_mapreduce_job.task.said import Said

PACKAGE_PARENT: Final = str(Path(__file__).resolve().parent.parent.parent)
SCRIPT: Final = Path(__file__).parent.parent / "shipped_script.py"
# A process that is done runs what was registered to run at its end; the keeper ends it soon after.
GRACE_SECONDS: Final = 5.0
# Shells know descriptors of one digit, mrjob's wrapper script uses the ninth; few programs go this high.
_LOWEST_DESCRIPTOR: Final = 200
_LOWEST_WITH_FEW: Final = 20


class ProcessLostError(Exception):
    """Raised when a process has ended, or had to be ended: its exit code, and in words how it ended."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class ModelProcess:
    """A started process, the channel to it, and what it says: None where it has its starter's streams."""

    process: Process
    channel: Channel
    said: Said | None = None
    _open: bool = field(default=True, init=False)

    def send(self, message: Message, body: bytes = b"") -> None:
        """Send a message; that the process is gone is noticed when its answer is waited for."""
        with suppress(EndOfChannel):
            self.channel.send(message, body)

    def receive(self, timeout: float | None = None) -> tuple[Message, bytes] | None:
        """Return the next message, or None after timeout seconds; what the process says is read meanwhile.

        Raises ProcessLostError when the process has ended, or something else wrote into the channel.
        """
        try:
            if self.said is None:
                return self.channel.receive(timeout)
            return self.said.while_waiting(self.channel, timeout)
        except EndOfChannel:
            raise self.lost() from None
        except ForeignBytesError as error:
            raise ProcessLostError(self.end(), str(error)) from None

    def sources(self) -> list[Channel | Said]:
        """Return what to wait for: messages, and what the process says."""
        return [self.channel, self.said] if self.said and self.said.is_open else [self.channel]

    def receive_available(self) -> list[tuple[Message, bytes]]:
        """Return the messages that are here, without waiting, and read what the process says.

        Raises ProcessLostError when the process has ended, or something else wrote into the channel.
        """
        if self.said:
            self.said.read()
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

        What it started is ended with it, by its keeper.
        """
        self.hang_up()
        code = _ended(self.process, grace)
        if self.said:
            self.said.finish()
        return code

    def lost(self) -> ProcessLostError:
        """End the process; return how it ended, in words with the last line that it wrote."""
        code = self.end(GRACE_SECONDS)
        last = self.said.last_line() if self.said else ""
        return ProcessLostError(code, ": ".join(filter(None, [how_it_ended(code), last])))


def start(
    command: Sequence[str], *, environment: Mapping[str, str], directory: str | None, said: Said | None
) -> ModelProcess:
    """Start a command that ends in the task's script; without said it writes to this process's streams."""
    mine, other = channel_pair()
    other = _moved_up(other)
    with other:
        process = subprocess.Popen(  # noqa: S603 - the command is the job's own
            command,
            stdin=subprocess.DEVNULL,
            stdout=said.write_end if said else 2,
            stderr=said.write_end if said else 2,
            cwd=directory,
            env={**environment, CHANNEL_VARIABLE: str(other.fileno())},
            pass_fds=(other.fileno(),),
            start_new_session=True,
        )
    if said:
        said.close_write_end()
    return ModelProcess(process, mine, said)


def python_command() -> list[str]:
    """Return the command of this interpreter, as it was started, with the task's script."""
    flags = ["-s"] * sys.flags.no_user_site + ["-S"] * sys.flags.no_site + ["-O"] * sys.flags.optimize
    return [sys.executable, *flags, str(SCRIPT)]


def same_imports(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which a new Python imports what this one does, from any directory."""
    paths = [PACKAGE_PARENT, *(os.path.abspath(path) for path in sys.path)]  # noqa: PTH100 - text
    return {**environment, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}


def _ended(process: Process, grace: float) -> int:
    """Return the exit code of a process, whose keeper is asked after grace seconds to end it, then killed."""
    with suppress(subprocess.TimeoutExpired):
        return process.wait(grace)
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGTERM)
    return wait_or_kill(process, GRACE_SECONDS)


def _moved_up(end: socket.socket) -> socket.socket:
    """Return a socket with a descriptor that neither a shell nor a program that closes low ones meets."""
    import fcntl  # noqa: PLC0415 - not on every platform
    import socket as sockets  # noqa: PLC0415 - as above

    for lowest in (_LOWEST_DESCRIPTOR, _LOWEST_WITH_FEW):
        with suppress(OSError, ValueError):
            moved = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, lowest)
            end.close()
            return sockets.socket(fileno=moved)
    return end
