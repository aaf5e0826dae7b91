"""A process that is run once, and what it cost."""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parents[2]
# getrusage counts memory in KiB, but on macOS in bytes.
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


class RunError(RuntimeError):
    """Raised when a process can't be measured."""


@dataclass(frozen=True)
class Program:
    """A Python program: what follows `python` on its command line, and the environment variables it needs."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Cost:
    """What a process used, its children included: CPU of user and system, and memory at its peak."""

    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int


def measure(program: Program, source: Path, output: Path) -> Cost:
    """Run a program from the project's root with these files as its standard input and output.

    Raises RunError with the end of what it wrote to standard error when it does not exit with 0.
    """
    with source.open("rb") as stdin, output.open("wb") as stdout, tempfile.TemporaryFile() as stderr:
        started = perf_counter()
        process = subprocess.Popen(
            [sys.executable, *program.arguments],
            cwd=ROOT,
            env={**os.environ, **program.environment},
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RunError(f"{program.name} exited with {process.returncode}: {_end_of(stderr)}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, _peak(usage, program))


def _peak(usage: resource.struct_rusage, program: Program) -> int:
    # Linux hands the peak of the process that starts another on to it, so this one must stay the smaller.
    if usage.ru_maxrss <= _own_peak():
        raise RunError(f"{program.name} used no more memory than the benchmark itself: its peak is not known")
    return int(usage.ru_maxrss * PEAK_UNIT)


def _own_peak() -> int:
    """Return this process's peak memory, in the unit of ru_maxrss, less what was handed on to it in turn."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(fields["VmHWM"].removesuffix("kB"))


def _end_of(stderr: "tempfile._TemporaryFileWrapper[bytes]") -> str:
    stderr.seek(0)
    return stderr.read()[-2000:].decode(errors="replace")
