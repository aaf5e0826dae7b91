"""Runs of the job on this machine, in processes of their own, in a place where one sees what they leave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TESTS = Path(__file__).resolve().parent
PROJECT = TESTS.parent
SCRIPT = PROJECT / "model_mapreduce_job" / "ml_model_map_reduce_job.py"
_TOKEN = "TEST_RUN_TOKEN"  # noqa: S105 - no secret: it marks the processes of a run
_MODEL = "--model_qualified_name"


@dataclass(frozen=True)
class Ended:
    """What a run came to."""

    code: int
    output: bytes
    errors: str

    @property
    def pairs(self) -> list[tuple[Any, Any]]:
        """Return key and value of each line of the output."""
        return [tuple(map(json.loads, line.split(b"\t"))) for line in self.output.splitlines()]

    @property
    def values(self) -> list[Any]:
        return [value for _, value in self.pairs]


@dataclass
class LocalJob:
    """Runs a script in a directory of its own, with a temporary directory below it.

    What is not measured doesn't count for the coverage of the tests, and starts sooner. before is what
    the command line begins with.
    """

    directory: Path
    options: tuple[str, ...] = ()
    script: Path = SCRIPT
    environment: dict[str, str] = field(default_factory=dict)
    measured: bool = True
    before: tuple[str, ...] = ()
    token: str = field(default_factory=lambda: uuid4().hex)

    def __post_init__(self) -> None:
        self.tmp.mkdir(parents=True, exist_ok=True)

    @property
    def tmp(self) -> Path:
        return self.directory / "tmp"

    def start(self, *arguments: object, **options: Any) -> subprocess.Popen[bytes]:
        """Start a run; its output and errors go into pipes, and it has no input, unless options say so."""
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            [*self.before, sys.executable, self.script, *self._options(arguments), *map(str, arguments)],
            cwd=self.directory,
            env=self.variables(),
            **{**streams, **options},
        )

    def _options(self, arguments: tuple[object, ...]) -> tuple[str, ...]:
        """Return the options of all runs, without their model where the arguments name another."""
        if _MODEL not in arguments or _MODEL not in self.options:
            return self.options
        place = self.options.index(_MODEL)
        return self.options[:place] + self.options[place + 2 :]

    def run(self, *arguments: object, stdin: bytes | None = None, **options: Any) -> Ended:
        """Run to the end."""
        given = {"stdin": subprocess.PIPE} if stdin is not None else {}
        return ended(self.start(*arguments, **given, **options), stdin)

    def left(self) -> list[str]:
        """Return what is in the temporary directory."""
        return sorted(path.name for path in self.tmp.iterdir())

    def processes(self) -> list[int]:
        """Return the processes that runs have left; waits a little for those that are just ending."""
        for _ in range(50):
            if not (found := list(self._processes())):
                return []
            time.sleep(0.1)
        return found

    def kill(self) -> None:
        """Kill what runs have left."""
        for pid in self._processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def pids(self) -> list[int]:
        """Return the processes that runs have started."""
        return list(self._processes())

    def variables(self) -> dict[str, str]:
        """Return the environment that runs have."""
        own = {
            "APP_SETTINGS": "models.settings.TestModels",
            "PYTHONPATH": str(TESTS),
            "TMPDIR": str(self.tmp),
            _TOKEN: self.token,
        }
        given = {name: value for name, value in os.environ.items() if self.measured or "COVERAGE" not in name}
        return {**given, **own, **self.environment}

    def _processes(self) -> Iterable[int]:
        mark = f"{_TOKEN}={self.token}".encode()
        for entry in Path("/proc").iterdir():
            if (
                entry.name.isdigit()
                and mark in _read(entry / "environ")
                and b") Z " not in _read(entry / "stat")
            ):
                yield int(entry.name)


def wait_until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    """Return when something is so; raises TimeoutError when that takes too long."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)


def ended(process: subprocess.Popen[bytes], stdin: bytes | None = None) -> Ended:
    """Return what a run comes to."""
    output, errors = process.communicate(stdin)
    return Ended(process.returncode, output or b"", (errors or b"").decode())


def write_records(path: Path, records: Iterable[Any]) -> Path:
    """Write one JSON line for each record."""
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return path


def numbered(count: int, start: int = 0) -> list[dict[str, int]]:
    """Return records that are numbered."""
    return [{"n": number} for number in range(start, start + count)]


def output_of(directory: Path) -> bytes:
    """Return what the parts of an output directory hold, in order."""
    return b"".join(part.read_bytes() for part in sorted(directory.glob("part-*")))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
