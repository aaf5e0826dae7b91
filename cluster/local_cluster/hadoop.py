"""The Hadoop cluster: up, status, down."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local_cluster import health, processes
from local_cluster.configuration import write_configurations
from local_cluster.daemons import HADOOP, HISTORY_SERVER, NAME_NODE, Daemon
from local_cluster.distribution import prepare
from local_cluster.errors import ClusterError
from local_cluster.layout import Layout
from local_cluster.ports import Listener, choose_ports, listeners
from local_cluster.toolchain import find_jdk

START_LIMIT_S = 120.0
STOP_LIMIT_S = 15.0
POLL_S = 0.2
LOG_LINES = 15
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class DaemonStatus:
    """One daemon, as `status` shows it."""

    name: str
    pid: int | None
    listening: list[Listener]
    trouble: str | None


@dataclass(frozen=True)
class HadoopCluster:
    """The daemons of one layout."""

    layout: Layout

    def up(self) -> None:
        """Start the daemons that don't run and return once all are in service; ClusterError if they don't get so."""
        jdk = find_jdk()
        prepare(self.layout, jdk)
        ports = self._ports()
        if ports is None or not any(self._process(daemon) for daemon in HADOOP):
            ports = self._new_ports()
            write_configurations(self.layout, ports, jdk)
        self._format()
        early = [daemon for daemon in HADOOP if daemon != HISTORY_SERVER]
        self._start(early)
        # it makes its folders in HDFS when it starts, and waits long between tries
        self._wait(ports, [NAME_NODE])
        self._start([HISTORY_SERVER])
        self._wait(ports, HADOOP)

    def status(self) -> list[DaemonStatus]:
        """How each daemon is."""
        ports = self._ports() or {}
        return [self._daemon_status(ports, daemon) for daemon in HADOOP]

    def down(self, *, wipe: bool) -> None:
        """Stop the daemons and all that they started; with `wipe`, remove what they stored and logged."""
        running = [process for daemon in HADOOP if (process := self._process(daemon))]
        processes.stop(running, STOP_LIMIT_S)
        # a NodeManager that was killed leaves its containers behind
        processes.stop(self.containers(), STOP_LIMIT_S)
        shutil.rmtree(self.layout.run, ignore_errors=True)
        if wipe:
            shutil.rmtree(self.layout.state, ignore_errors=True)
            shutil.rmtree(self.layout.logs, ignore_errors=True)

    def containers(self) -> list[processes.Process]:
        """The processes of running tasks and application masters."""
        return processes.with_environment(b"LOCAL_DIRS=" + bytes(self.layout.state))

    @property
    def default_fs(self) -> str:
        """The URI of HDFS."""
        ports = self._ports()
        if ports is None:
            raise ClusterError("the cluster is down: run 'python cluster/cluster.py up' first")
        return f"hdfs://127.0.0.1:{ports['namenode_rpc']}"

    def _daemon_status(self, ports: Mapping[str, int], daemon: Daemon) -> DaemonStatus:
        process = self._process(daemon)
        if process is None:
            return DaemonStatus(daemon.name, None, [], "not running")
        return DaemonStatus(daemon.name, process.pid, listeners(process.pid), health.trouble(ports, daemon))

    def _start(self, wanted: Iterable[Daemon]) -> None:
        for daemon in wanted:
            if self._process(daemon) is None:
                log = self.layout.logs / f"{daemon.name}.log"
                environment = self._environment(daemon)
                command = [str(self.layout.home / "bin" / "hadoop"), daemon.main_class]
                process = processes.start(command, environment, self.layout.state, log)
                processes.record(process, self._record(daemon))

    def _environment(self, daemon: Daemon) -> dict[str, str]:
        # Nothing of the caller's: tasks get what their NodeManager has.
        return {
            "PATH": SYSTEM_PATH,
            "LANG": "C.UTF-8",
            "HADOOP_HOME": str(self.layout.home),
            "HADOOP_CONF_DIR": str(self.layout.configuration(daemon.name)),
            "HADOOP_HEAPSIZE_MAX": str(daemon.heap_mib),
            "HADOOP_OPTS": f"-javaagent:{self.layout.agent}" if daemon.agent else "",
            "MALLOC_ARENA_MAX": "2",
        }

    def _wait(self, ports: Mapping[str, int], wanted: Iterable[Daemon]) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        for daemon in wanted:
            while trouble := health.trouble(ports, daemon):
                self._check_alive(daemon)
                if time.monotonic() > deadline:
                    raise ClusterError(f"{daemon.name} {trouble} after {START_LIMIT_S:.0f} s{self._log_end(daemon)}")
                time.sleep(POLL_S)

    def _check_alive(self, daemon: Daemon) -> None:
        if self._process(daemon) is None:
            raise ClusterError(f"{daemon.name} ended{self._log_end(daemon)}")

    def _log_end(self, daemon: Daemon) -> str:
        log = self.layout.logs / f"{daemon.name}.log"
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
        return f"; the end of {log}:\n" + "\n".join(lines)

    def _format(self) -> None:
        if (self.layout.state / "namenode" / "current").exists():
            return
        command = [str(self.layout.home / "bin" / "hadoop"), NAME_NODE.main_class, "-format", "-nonInteractive"]
        environment = self._environment(NAME_NODE)
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise ClusterError(f"HDFS could not be formatted:\n{result.stderr}")

    def _process(self, daemon: Daemon) -> processes.Process | None:
        return processes.recorded(self._record(daemon))

    def _record(self, daemon: Daemon) -> Path:
        return self.layout.run / f"{daemon.name}.json"

    def _ports(self) -> dict[str, int] | None:
        path = self.layout.run / "ports.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def _new_ports(self) -> dict[str, int]:
        ports = choose_ports(name for daemon in HADOOP for name in daemon.port_names())
        self.layout.run.mkdir(parents=True, exist_ok=True)
        (self.layout.run / "ports.json").write_text(json.dumps(ports), encoding="utf-8")
        return ports
