"""The local clusters, as tests use them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_cluster.daemons import HADOOP
from local_cluster.health import page
from local_cluster.layout import default_layout
from local_cluster.ports import chosen_ports
from local_cluster.processes import Process, with_environment

ROOT = Path(__file__).resolve().parents[2]
POLL_S = 0.2


def cluster(*arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of cluster.py with some environment variables added."""
    return subprocess.run(
        [sys.executable, str(ROOT / "cluster" / "cluster.py"), *arguments],
        env={**os.environ, "CLUSTER_AS_ROOT": "1", **environment},
        capture_output=True,
        text=True,
        check=check,
    )


def eventually(condition: Callable[[], bool], limit_s: float) -> bool:
    """Wait for a condition; whether it came within the limit."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


@dataclass(frozen=True)
class LocalHadoop:
    """A Hadoop that is up. Its addresses are asked for each time: they change when it was down in between."""

    home: Path = ROOT / "cluster" / ".work" / "hadoop"

    def report(self) -> dict[str, Any]:
        """Return what `status --json` says."""
        report: dict[str, Any] = json.loads(cluster("status", "--json", check=False).stdout)
        return report

    def pids(self) -> dict[str, int | None]:
        """Return each daemon's process id; None for one that doesn't run."""
        return {daemon["name"]: daemon["pid"] for daemon in self.report()["daemons"]}

    def kill(self, daemon: str) -> None:
        """End a daemon at once, as a crash would."""
        pid = self.pids()[daemon]
        assert pid is not None, f"{daemon} does not run"
        os.kill(pid, signal.SIGKILL)

    def processes(self) -> list[Process]:
        """Return all processes of the cluster: daemons, application masters, tasks and what these started."""
        folders = [f"HADOOP_CONF_DIR={self.home}/etc/{daemon.name}\0" for daemon in HADOOP]
        return [process for folder in folders for process in with_environment(folder.encode())]

    def ports(self) -> Mapping[str, int]:
        """Return the daemons' ports."""
        return chosen_ports(default_layout().run / "ports.json")

    def applications(self, state: str) -> dict[str, str]:
        """Return the names of YARN's applications that are in a state, by their ids."""
        answer = page(self.ports()["resourcemanager_http"], f"/ws/v1/cluster/apps?states={state}")
        assert answer is not None, "the ResourceManager does not answer"
        return {found["id"]: found["name"] for found in (answer["apps"] or {}).get("app", ())}

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a driver."""
        conf = self.home / "etc" / "hadoop"
        return {**os.environ, "HADOOP_HOME": str(self.home), "HADOOP_CONF_DIR": str(conf)}

    def command(self, *arguments: str | Path) -> list[str]:
        """Return the command line of a `hadoop` command."""
        return [str(self.home / "bin" / "hadoop"), *map(str, arguments)]

    def hadoop(self, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a `hadoop` command."""
        command = self.command(*arguments)
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=check)

    def streaming(self, source: str, target: str, *options: str) -> list[str]:
        """Return the command line of a map-only streaming job."""
        jar = next((self.home / "share" / "hadoop" / "tools" / "lib").glob("hadoop-streaming-*.jar"))
        paths = ("-input", source, "-output", target)
        return self.command("jar", jar, "-D", "mapreduce.job.reduces=0", *options, *paths)
