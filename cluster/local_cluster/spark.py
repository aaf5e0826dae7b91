"""A standalone Spark: a master and two workers from the pyspark package."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from local_cluster import processes
from local_cluster.errors import ClusterError
from local_cluster.hadoop import SYSTEM_PATH
from local_cluster.health import NO_ANSWER, missing, page
from local_cluster.layout import Layout
from local_cluster.ports import LOOPBACK
from local_cluster.supervisor import DaemonStatus, Supervisor
from local_cluster.toolchain import Jdk

MASTER = "sparkmaster"
WORKERS = ("sparkworker1", "sparkworker2")
NAMES = (MASTER, *WORKERS)
PORTS = ("sparkmaster_rpc", *(f"{name}_http" for name in NAMES))
# Spark's own default for an executor is 1 GiB; a worker that lends exactly that runs one at a time
WORKER = ("--cores", "1", "--memory", "1g")
DAEMON_OPTIONS = (
    # another way to submit, which listens on a port of its own
    "-Dspark.master.rest.enabled=false",
    "-Djava.net.preferIPv4Stack=true",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
)
DEPLOY = "org.apache.spark.deploy"


@dataclass(frozen=True)
class SparkCluster:
    """Spark's daemons."""

    layout: Layout

    @property
    def supervisor(self) -> Supervisor:
        """What keeps the daemons."""
        return Supervisor(self.layout.spark / "run", self.layout.spark / "logs", self.layout.spark)

    def up(self, jdk: Jdk) -> None:
        """Start the daemons that don't run, and return once all are in service; ClusterError if one fails."""
        home = spark_home()
        if not any(map(self.supervisor.process, NAMES)):
            self.supervisor.choose_ports(PORTS)
        for name in NAMES:
            self.supervisor.start(
                name, [str(home / "bin" / "spark-class"), *self._command(name)], self._environment(home, jdk)
            )
        for name in NAMES:
            self.supervisor.wait(name, partial(self._trouble, name))

    def status(self) -> list[DaemonStatus]:
        """Return how each daemon is; empty when Spark is down."""
        if not self.supervisor.ports():
            return []
        return [self.supervisor.status(name, partial(self._trouble, name)) for name in NAMES]

    def down(self) -> None:
        """Stop the daemons and all that they started, and remove what they wrote."""
        self.supervisor.stop(NAMES)
        processes.stop(self.all_processes(), patience_s=0)
        shutil.rmtree(self.layout.spark, ignore_errors=True)

    def master(self) -> str | None:
        """Return the URL to submit to; None when Spark is down."""
        return self._url() if self.supervisor.process(MASTER) else None

    def all_processes(self) -> Iterable[processes.Process]:
        """Find the daemons and all that they started."""
        return processes.with_environment(b"SPARK_WORKER_DIR=" + os.fsencode(self.layout.spark))

    def _url(self) -> str:
        return f"spark://{LOOPBACK}:{self.supervisor.ports()['sparkmaster_rpc']}"

    def _command(self, name: str) -> list[str]:
        ports = self.supervisor.ports()
        listen = ["--host", LOOPBACK, "--webui-port", str(ports[f"{name}_http"])]
        if name == MASTER:
            return [f"{DEPLOY}.master.Master", *listen, "--port", str(ports["sparkmaster_rpc"])]
        return [f"{DEPLOY}.worker.Worker", *listen, *WORKER, self._url()]

    def _environment(self, home: Path, jdk: Jdk) -> dict[str, str]:
        return {
            "PATH": SYSTEM_PATH,
            "LANG": "C.UTF-8",
            "JAVA_HOME": str(jdk.home),
            "SPARK_HOME": str(home),
            "SPARK_CONF_DIR": str(self.layout.spark / "conf"),
            "SPARK_WORKER_DIR": str(self.layout.spark / "work"),
            "SPARK_LOCAL_DIRS": str(self.layout.spark / "local"),
            "SPARK_LOCAL_IP": LOOPBACK,
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": " ".join(DAEMON_OPTIONS),
            "MALLOC_ARENA_MAX": "2",
        }

    def _trouble(self, name: str) -> str | None:
        answer = page(self.supervisor.ports()[f"{name}_http"], "/json/")
        if answer is None:
            return NO_ANSWER
        return missing(answer["aliveworkers"], len(WORKERS), "workers") if name == MASTER else None


def spark_home() -> Path:
    """Return the directory of the pyspark package; ClusterError when there is none."""
    package = importlib.util.find_spec("pyspark")
    if package is None or package.origin is None:
        raise ClusterError(f"no pyspark here: {sys.executable} -m pip install 'pyspark>=4,<5'")
    return Path(package.origin).parent
