"""Processes that outlive the command that started them."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

POLL_S = 0.1
KILL_LIMIT_S = 10.0
# places in /proc/PID/stat after the command's name
STATE, START_TICKS = 0, 19


@dataclass(frozen=True)
class Process:
    """One process. Ids are used again: its start, in clock ticks since boot, tells it from a later one."""

    pid: int
    start_ticks: int

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return _start_ticks(self.pid) == self.start_ticks

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has ended."""
        if self.alive:
            os.kill(self.pid, number)


def start(command: list[str], environment: Mapping[str, str], folder: Path, log: Path) -> Process:
    """Start a command in a session of its own, its output appended to `log`."""
    folder.mkdir(parents=True, exist_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Process(child.pid, _start_ticks(child.pid) or 0)


def record(process: Process, path: Path) -> None:
    """Write a process down for later commands."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(process)), encoding="utf-8")


def recorded(path: Path) -> Process | None:
    """Return the process that was written down, if it still runs."""
    if not path.exists():
        return None
    process = Process(**json.loads(path.read_text(encoding="utf-8")))
    return process if process.alive else None


def stop(processes: Iterable[Process], patience_s: float) -> None:
    """Ask all to end, and kill those that are still there after `patience_s` seconds."""
    remaining = list(processes)
    for process in remaining:
        process.send(signal.SIGTERM)
    remaining = _wait(remaining, patience_s)
    for process in remaining:
        process.send(signal.SIGKILL)
    _wait(remaining, KILL_LIMIT_S)


def with_environment(marker: bytes) -> Iterator[Process]:
    """Find the processes that were started with `marker` in their environment."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            matches = marker in (entry / "environ").read_bytes()
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
        ticks = _start_ticks(int(entry.name))
        if matches and ticks is not None:
            yield Process(int(entry.name), ticks)


def _wait(processes: list[Process], patience_s: float) -> list[Process]:
    deadline = time.monotonic() + patience_s
    while (alive := [process for process in processes if process.alive]) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return alive


def _start_ticks(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # the command's name is in parentheses and may hold spaces and parentheses itself
    fields = stat.rpartition(")")[2].split()
    return None if fields[STATE] == "Z" else int(fields[START_TICKS])
