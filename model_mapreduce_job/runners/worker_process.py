"""A worker's process as the driver sees it: started as a command, or forked."""

from __future__ import annotations

import io
import os
import select
import signal
import subprocess
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.child_processes import ForkedProcess, how_it_ended, wait_or_kill
from model_mapreduce_job.frames import receive, send
from model_mapreduce_job.runners.worker import WORKER_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from model_mapreduce_job.child_processes import Process
    from model_mapreduce_job.runners.map_task import Attempt

_TAIL_BYTES = 2000
# A model's library may warn of every record: a log is not to fill the disk.
_LARGEST_LOG = 1 << 20
# A worker that has hung up is done; what keeps it after that, such as a model's threads, is of no use.
GRACE_SECONDS = 2.0


class WorkerProcess:
    """A worker and the two pipes to it; log is where its standard error goes."""

    def __init__(self, process: Process, requests: int, answers: int, log: Path) -> None:
        self._process = process
        self._requests = requests
        self._answers = answers
        self._log = log
        self._open = True
        self.attempt: Attempt | None = None

    def fileno(self) -> int:
        """Return the descriptor that answers come from."""
        return self._answers

    @property
    def descriptors(self) -> tuple[int, int]:
        """Return the driver's ends of both pipes."""
        return self._requests, self._answers

    def start(self, attempt: Attempt) -> None:
        """Send the worker an attempt to run; that it's gone is noticed when its answer is waited for."""
        self.attempt = attempt
        with suppress(BrokenPipeError):
            send(self._requests, attempt.as_header(), attempt.task.data)

    def receive(self) -> dict[str, Any]:
        """Return the next answer; raises EndOfFrames when the worker is gone."""
        answer, _ = receive(self._answers)
        with suppress(OSError):
            if self._log.stat().st_size > _LARGEST_LOG:
                os.truncate(self._log, 0)
        return answer

    def is_gone(self) -> bool:
        """Return whether the worker has ended and left no answer, even if another keeps its pipe open."""
        return self._process.poll() is not None and not select.select([self._answers], [], [], 0)[0]

    def hang_up(self) -> None:
        """Close the pipes, which ends an idle worker."""
        if self._open:
            os.close(self._requests)
            os.close(self._answers)
            self._open = False

    def end(self, grace: float = 0.0) -> int:
        """Hang up, and kill the worker unless it ends within grace seconds; return its exit code.

        What it started is killed with it.
        """
        self.hang_up()
        code = wait_or_kill(self._process, grace)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        return code

    def how_it_died(self) -> str:
        """End the worker; return in words how it ended, and the last line that it wrote to standard error."""
        how = how_it_ended(self.end(GRACE_SECONDS))
        last = self._last_line()
        return f"{how}: {last}" if last else how

    def _last_line(self) -> str:
        with suppress(OSError):
            lines = self._log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip().splitlines()
            return lines[-1] if lines else ""
        return ""


def start_command(
    command: list[str], directory: str, environment: Mapping[str, str], log: Path
) -> WorkerProcess:
    """Start a worker as a command: what mrjob would run for a task, told to be a worker."""
    pipes = _Pipes()
    with log.open("ab") as stderr:
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


def fork(live: Callable[[], None], log: Path, foreign: Iterable[int]) -> WorkerProcess:
    """Start a worker as a copy of this process, in which live is called; its standard streams are the pipes.

    foreign are the descriptors that the copy must not keep open: locks, and the pipes of other workers.
    """
    pipes = _Pipes()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _become(live, pipes, log, [pipes.requests_in, pipes.answers_out, *foreign])
    with suppress(PermissionError, ProcessLookupError):
        os.setpgid(pid, pid)
    pipes.close_far_ends()
    return WorkerProcess(ForkedProcess(pid), pipes.requests_in, pipes.answers_out, log)


class _Pipes:
    """The pipe for requests to a worker, and the one for its answers."""

    def __init__(self) -> None:
        self.requests_out, self.requests_in = os.pipe()
        self.answers_out, self.answers_in = os.pipe()

    def close_far_ends(self) -> None:
        os.close(self.requests_out)
        os.close(self.answers_in)


def _become(live: Callable[[], None], pipes: _Pipes, log: Path, foreign: list[int]) -> None:
    code = 1
    try:
        os.setpgid(0, 0)
        for signal_number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
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
