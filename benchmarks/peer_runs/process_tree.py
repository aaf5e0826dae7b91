"""Runs a command and adds up what it and every process that comes of it use. Linux only: it reads /proc."""

import ctypes
import os
import resource
import select
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, perf_counter, sleep

PROC = Path("/proc")
SAMPLE_SECONDS = 0.05
# Reading the memory map of a large process holds it up: sample less often when that takes long.
LARGEST_SAMPLING_SHARE = 0.05
GRACE_SECONDS = 10.0
PR_SET_CHILD_SUBREAPER = 36


class RunError(RuntimeError):
    """Raised when a command fails or takes too long."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, where its standard output and error go, and how many seconds it may take."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    output: Path
    log: Path
    timeout: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process tree used: seconds of time and of CPU, and the peaks of its memory in bytes.

    Memory is the sum over the processes of their proportional set size, in which a shared page counts once;
    and the same less the pages of files, which the system can drop when it needs room.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    peak_bytes_less_files: int
    processes: int


@dataclass(frozen=True, slots=True)
class Memory:
    """The proportional set size of a process in bytes, and how much of it is pages of files."""

    total: int
    files: int


@dataclass(slots=True)
class Peak:
    """The largest sums seen so far."""

    memory: int = 0
    less_files: int = 0
    processes: int = 0
    sampling_seconds: float = field(default=0.0)

    def sample(self) -> None:
        """Look at the processes once."""
        started = perf_counter()
        found = [memory for pid in descendants(os.getpid()) if (memory := memory_of(pid))]
        self.memory = max(self.memory, sum(memory.total for memory in found))
        self.less_files = max(self.less_files, sum(memory.total - memory.files for memory in found))
        self.processes = max(self.processes, len(found))
        self.sampling_seconds = perf_counter() - started


def run(command: Command) -> Cost:
    """Run a command to its end and return what it cost; raises RunError with the end of its log."""
    # Daemons leave their parent; they become children of this process instead of the first of the system.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = _cpu_of_children()
    peak = Peak()
    with command.output.open("wb") as output, command.log.open("wb") as log:
        started = perf_counter()
        process = _start(command, output.fileno(), log.fileno())
        try:
            _watch(process, peak, monotonic() + command.timeout)
            wall = perf_counter() - started
        finally:
            _end_all(process)
    _check(process, command, wall)
    return Cost(wall, _cpu_of_children() - before, peak.memory, peak.less_files, peak.processes)


def descendants(root: int) -> Iterator[int]:
    """Yield the process ids of all children of `root`, and of theirs."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents():
        children.setdefault(parent, []).append(pid)
    found = [*children.get(root, ())]
    for pid in found:
        found.extend(children.get(pid, ()))
    yield from found


def memory_of(pid: int) -> Memory | None:
    """Return the memory of a process, None when it is gone."""
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    sizes = {
        name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines[1:])
    }
    return Memory(sizes["Pss"], sizes["Pss_File"]) if sizes else None


def _start(command: Command, output: int, log: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command.arguments,
        cwd=command.directory,
        env=command.environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=log,
    )


def _watch(process: subprocess.Popen[bytes], peak: Peak, deadline: float) -> None:
    ended = os.pidfd_open(process.pid)
    try:
        pause = 0.0
        while not select.select([ended], [], [], pause)[0]:
            if monotonic() > deadline:
                return
            peak.sample()
            pause = max(SAMPLE_SECONDS, peak.sampling_seconds / LARGEST_SAMPLING_SHARE)
    finally:
        os.close(ended)


def _end_all(process: subprocess.Popen[bytes]) -> None:
    """End and reap what is left of the tree, so that its CPU time is counted and the next run is alone."""
    if process.poll() is None:
        process.kill()
        process.wait()
    deadline = monotonic() + GRACE_SECONDS
    while left := [*descendants(os.getpid())]:
        _reap()
        if monotonic() > deadline:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        sleep(SAMPLE_SECONDS)
    _reap()


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _check(process: subprocess.Popen[bytes], command: Command, wall: float) -> None:
    if process.returncode == 0:
        return
    if wall >= command.timeout:
        raise RunError(f"ended after {command.timeout:.0f} s, the longest a run may take")
    # Without the place of the checkout: the message is kept, and says the same on every machine.
    lines = command.log.read_text(errors="replace").replace(str(command.directory), ".").strip().splitlines()
    raise RunError(f"exit code {process.returncode}: {' / '.join(lines[-3:])[-500:]}")


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _parents() -> Iterator[tuple[int, int]]:
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                # The name of the program is in brackets and may hold anything.
                after_name = (entry / "stat").read_bytes().rpartition(b")")[2].split()
                yield int(entry.name), int(after_name[1])
