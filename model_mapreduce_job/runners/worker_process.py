"""A worker's process as the driver sees it: started as a command, or forked."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from model_mapreduce_job.frames import receive, send
from model_mapreduce_job.runners.worker import WORKER_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from model_mapreduce_job.runners.map_task import Attempt

_TAIL_BYTES = 2000


class Process(Protocol):
    """A started process: its id, and how it is waited for."""

    pid: int

    def wait(self) -> int:
        """Return its exit code, negative for a signal."""
        ...


class WorkerProcess:
    """A worker and the two pipes to it; log is where its standard error goes."""

    def __init__(self, process: Process, requests: int, answers: int, log: Path) -> None:
        self._process = process
        self._requests = requests
        self._answers = answers
        self._log = log
        self.attempt: Attempt | None = None

    def fileno(self) -> int:
        """Return the descriptor that answers come from."""
        return self._answers

    @property
    def descriptors(self) -> tuple[int, int]:
        """Return the driver's ends of both pipes."""
        return self._requests, self._answers

    def start(self, attempt: Attempt) -> None:
        """Send the worker an attempt to run; a worker that is gone is noticed when its answer is waited for."""
        self.attempt = attempt
        with suppress(BrokenPipeError):
            send(self._requests, attempt.as_header(), attempt.task.data)

    def receive(self) -> dict[str, Any]:
        """Return the next answer; raises EndOfFrames when the worker is gone."""
        return receive(self._answers)[0]

    def end(self) -> None:
        """End the worker, and what it started, whatever they are doing."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self.close()

    def close(self) -> None:
        """Close the pipes, which ends an idle worker, and wait for it."""
        os.close(self._requests)
        os.close(self._answers)
        self._process.wait()

    def how_it_died(self) -> str:
        """Return in words how the process ended, with the end of what it wrote to standard error."""
        code = self._process.wait()
        how = f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
        tail = self.log_tail()
        return f"{how}: {tail}" if tail else how

    def log_tail(self) -> str:
        """Return the last line that the worker wrote to standard error."""
        with suppress(OSError):
            lines = self._log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip().splitlines()
            return lines[-1] if lines else ""
        return ""


def start_command(
    command: list[str], directory: str, environment: Mapping[str, str], log: Path
) -> WorkerProcess:
    """Start a worker as a command: what mrjob would run for a task, told to be a worker."""
    pipes = _Pipes()
    with log.open("wb") as stderr:
        process = subprocess.Popen(  # noqa: S603 - the command is the job's own
            command,
            stdin=pipes.requests_out,
            stdout=pipes.answers_in,
            stderr=stderr,
            cwd=directory,
            env={**environment, WORKER_VARIABLE: "1"},
            process_group=0,
        )
    pipes.close_far_ends()
    return WorkerProcess(process, pipes.requests_in, pipes.answers_out, log)


def fork(live: Callable[[], None], log: Path, inherited: list[WorkerProcess]) -> WorkerProcess:
    """Start a worker as a copy of this process, in which live is called; its standard streams are the pipes.

    inherited are the other workers, whose pipes the copy must not keep open.
    """
    pipes = _Pipes()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        foreign = [pipes.requests_in, pipes.answers_out]
        foreign += [descriptor for worker in inherited for descriptor in worker.descriptors]
        _become(live, pipes, log, foreign)
    with suppress(PermissionError, ProcessLookupError):
        os.setpgid(pid, pid)
    pipes.close_far_ends()
    return WorkerProcess(_Forked(pid), pipes.requests_in, pipes.answers_out, log)


class _Pipes:
    """The pipe for requests to a worker, and the one for its answers."""

    def __init__(self) -> None:
        self.requests_out, self.requests_in = os.pipe()
        self.answers_out, self.answers_in = os.pipe()

    def close_far_ends(self) -> None:
        os.close(self.requests_out)
        os.close(self.answers_in)


class _Forked:
    """A forked child that is waited for once."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def wait(self) -> int:
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._code


def _become(live: Callable[[], None], pipes: _Pipes, log: Path, foreign: list[int]) -> None:
    code = 1
    try:
        os.setpgid(0, 0)
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signal_number, signal.SIG_DFL)
        for descriptor in foreign:
            os.close(descriptor)
        _take_over(pipes.requests_out, pipes.answers_in, log)
        live()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # noqa: BLE001 - a forked child must never run on into its parent's code
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _take_over(requests: int, answers: int, log: Path) -> None:
    stderr = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor, standard in ((requests, 0), (answers, 1), (stderr, 2)):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False))
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), write_through=True)
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), write_through=True)
