"""The Hadoop cluster."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass

from local_cluster import processes
from local_cluster.configuration import write_configurations
from local_cluster.daemons import HADOOP, HISTORY_SERVER, NAME_NODE, NODE_MANAGERS, Daemon
from local_cluster.distribution import run
from local_cluster.health import hadoop_trouble
from local_cluster.layout import Layout
from local_cluster.ports import LOOPBACK, Ports
from local_cluster.supervisor import DaemonStatus, Supervisor
from local_cluster.toolchain import Jdk

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NAMES = [daemon.name for daemon in HADOOP]


@dataclass(frozen=True)
class HadoopCluster:
    """Hadoop's daemons; with `training`, their JVMs write down which classes they load."""

    layout: Layout
    training: bool = False

    @property
    def supervisor(self) -> Supervisor:
        """What keeps the daemons."""
        return Supervisor(self.layout.run, self.layout.logs, self.layout.state)

    def up(self, jdk: Jdk) -> None:
        """Start the daemons that don't run, and return once all are in service; ClusterError if one fails."""
        ports = self.supervisor.ports()
        if not any(map(self.supervisor.process, NAMES)):
            ports = self.supervisor.choose_ports(name for daemon in HADOOP for name in daemon.port_names())
            write_configurations(self.layout, ports, jdk, self._task_options())
        self.layout.tmp.mkdir(exist_ok=True)
        self._format()
        self._start(daemon for daemon in HADOOP if daemon != HISTORY_SERVER)
        # it makes its folders in HDFS first thing, and would wait 10 s to try again
        self._wait(ports, [NAME_NODE])
        self._start([HISTORY_SERVER])
        self._wait(ports, HADOOP)

    def status(self) -> list[DaemonStatus]:
        """Return how each daemon is."""
        ports = self.supervisor.ports()
        return [self.supervisor.status(daemon.name, hadoop_trouble(ports, daemon)) for daemon in HADOOP]

    def down(self, *, wipe: bool) -> None:
        """Stop the daemons and all that they started; with `wipe`, remove what they stored and logged."""
        # NodeManagers have nothing to save, and would wait for applications that have long ended
        self.supervisor.stop((daemon.name for daemon in NODE_MANAGERS), patience_s=0)
        processes.stop(self.containers(), patience_s=0)
        self.supervisor.stop(NAMES)
        self.supervisor.forget()
        for folder in [self.layout.tmp, *([self.layout.state, self.layout.logs] if wipe else [])]:
            shutil.rmtree(folder, ignore_errors=True)

    def containers(self) -> Iterable[processes.Process]:
        """Return the processes of tasks and application masters, also those whose NodeManager is dead."""
        return processes.with_environment(b"LOCAL_DIRS=" + os.fsencode(self.layout.state))

    def default_fs(self) -> str | None:
        """Return the URI of HDFS; None when it is down."""
        running = self.supervisor.process(NAME_NODE.name)
        return f"hdfs://{LOOPBACK}:{self.supervisor.ports()['namenode_rpc']}" if running else None

    def environment(self) -> dict[str, str]:
        """Return the environment of a command. Nothing in it is the caller's: tasks get a part of it."""
        environment = {
            "PATH": SYSTEM_PATH,
            "LANG": "C.UTF-8",
            "HADOOP_HOME": str(self.layout.home),
            "HADOOP_CONF_DIR": str(self.layout.configuration()),
            "MALLOC_ARENA_MAX": "2",
        }
        return environment | ({"HADOOP_CLASS_LISTS": str(self.layout.class_lists)} if self.training else {})

    def _start(self, daemons: Iterable[Daemon]) -> None:
        for daemon in daemons:
            environment = self.environment() | {
                "HADOOP_CONF_DIR": str(self.layout.configuration(daemon.name)),
                "HADOOP_HEAPSIZE_MAX": str(daemon.heap_mib),
                "HADOOP_OPTS": f"-javaagent:{self.layout.agent}" if daemon.agent else "",
            }
            self.supervisor.start(daemon.name, [self._hadoop(), daemon.main_class], environment)

    def _wait(self, ports: Ports, daemons: Iterable[Daemon]) -> None:
        for daemon in daemons:
            self.supervisor.wait(daemon.name, hadoop_trouble(ports, daemon))

    def _format(self) -> None:
        if not (self.layout.state / "namenode" / "current").exists():
            run([self._hadoop(), NAME_NODE.main_class, "-format", "-nonInteractive"], self.environment())

    def _task_options(self) -> str:
        # The archive counts only when the class path begins as the one that it was made with. The shell that
        # starts the container puts in the variables.
        classpath = f"-cp {self.layout.classpath_jar}:$CLASSPATH"
        if self.training:
            return f"{classpath} -XX:DumpLoadedClassList={self.layout.class_lists}/$CONTAINER_ID.lst"
        archive = f"-XX:SharedArchiveFile={self.layout.archive}"
        return (
            f"{classpath} {archive} -XX:+UnlockDiagnosticVMOptions -XX:ArchiveRelocationMode=0 -Xlog:disable"
        )

    def _hadoop(self) -> str:
        return str(self.layout.home / "bin" / "hadoop")
