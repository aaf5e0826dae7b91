"""Starts, watches and stops named daemons, across commands."""

import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local_cluster import processes
from local_cluster.errors import ClusterError
from local_cluster.ports import LOOPBACK, Ports, choose_ports, chosen_ports, listeners

START_LIMIT_S = 120.0
STOP_LIMIT_S = 15.0
POLL_S = 0.2
LOG_LINES = 15

Trouble = Callable[[], str | None]
"""Why a daemon is not in service, or None when it is."""


@dataclass(frozen=True)
class DaemonStatus:
    """One daemon, as it is now."""

    name: str
    pid: int | None
    ports: list[int]
    trouble: str | None


@dataclass(frozen=True)
class Supervisor:
    """The daemons of one cluster: their records in `run`, their output in `logs`, their working folder."""

    run: Path
    logs: Path
    folder: Path

    def process(self, name: str) -> processes.Process | None:
        """Return the daemon's process, if it runs."""
        return processes.recorded(self.run / f"{name}.json")

    def start(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        """Start a daemon, unless it runs."""
        if self.process(name) is None:
            process = processes.start(command, environment, self.folder, self._log(name))
            processes.record(process, self.run / f"{name}.json")

    def wait(self, name: str, trouble: Trouble) -> None:
        """Return once the daemon is in service; ClusterError when it ends first, or takes too long."""
        deadline = time.monotonic() + START_LIMIT_S
        while reason := trouble():
            if self.process(name) is None:
                raise ClusterError(f"{name} ended: {self._log_end(name)}")
            if time.monotonic() > deadline:
                raise ClusterError(f"{name} {reason} after {START_LIMIT_S:.0f} s: {self._log_end(name)}")
            time.sleep(POLL_S)

    def status(self, name: str, trouble: Trouble) -> DaemonStatus:
        """Return how the daemon is."""
        process = self.process(name)
        if process is None:
            return DaemonStatus(name, None, [], "not running")
        sockets = listeners(process.pid)
        exposed = [f"{socket.address}:{socket.port}" for socket in sockets if socket.address != LOOPBACK]
        reason = f"listens on {', '.join(exposed)}" if exposed else trouble()
        return DaemonStatus(name, process.pid, [socket.port for socket in sockets], reason)

    def stop(self, names: Iterable[str], patience_s: float = STOP_LIMIT_S) -> None:
        """Stop those of the daemons that run; they are killed after `patience_s` seconds."""
        processes.stop(filter(None, map(self.process, names)), patience_s)

    def choose_ports(self, names: Iterable[str]) -> Ports:
        """Choose new free ports."""
        return choose_ports(names, self.run / "ports.json")

    def ports(self) -> Ports:
        """Return the ports in use; none when the cluster is down."""
        return chosen_ports(self.run / "ports.json")

    def forget(self) -> None:
        """Remove the records."""
        shutil.rmtree(self.run, ignore_errors=True)

    def _log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def _log_end(self, name: str) -> str:
        lines = self._log(name).read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
        return "\n".join([f"the end of {self._log(name)} is", *lines])
