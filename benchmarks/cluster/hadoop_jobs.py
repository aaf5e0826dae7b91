"""Jobs on the Hadoop of cluster/: the job itself, and one whose mapper is `cat`."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "benchmarks" / "work"
HOME = ROOT / "cluster" / ".work" / "hadoop"
JOB = ROOT / "model_mapreduce_job" / "ml_model_map_reduce_job.py"
OUTPUT = "hdfs:///benchmark/out"
# What the job asks of Hadoop, so that both jobs have the same shape
SHAPE = {
    "textinputformat.record.delimiter": "\n",
    "stream.map.output": "keyonlytext",
    "mapreduce.job.reduces": "0",
}


@dataclass(frozen=True)
class Cluster:
    """The running cluster, and the bundle that the job's tasks run in."""

    bundle: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a driver."""
        conf = HOME / "etc" / "hadoop"
        return {
            **os.environ,
            "HADOOP_HOME": str(HOME),
            "HADOOP_CONF_DIR": str(conf),
            "APP_SETTINGS": "ProdConfig",
        }

    def fs(self, *arguments: object) -> str:
        """Run a file system command; what it prints."""
        return self._hadoop("fs", *arguments)

    def run_cat(self, source: str, settings: Mapping[str, str]) -> tuple[float, str]:
        """Run the streaming job whose mapper is `cat`; the seconds that it takes, and what it told."""
        self._clear()
        jar = next((HOME / "share" / "hadoop" / "tools" / "lib").glob("hadoop-streaming-*.jar"))
        given = [word for name, value in {**SHAPE, **settings}.items() for word in ("-D", f"{name}={value}")]
        started = time.monotonic()
        done = self._run("jar", jar, *given, "-input", source, "-output", OUTPUT, "-mapper", "cat")
        return time.monotonic() - started, done.stderr

    def run_job(self, source: str, settings: Mapping[str, str], *more: str) -> tuple[float, str]:
        """Run the job, all that its driver does included; the seconds that it takes, and what it told."""
        self._clear()
        options = [
            "-r",
            "hadoop",
            "--no-conf",
            "--model_qualified_name",
            "iris_model",
            "--bundle",
            self.bundle,
        ]
        given = [word for name, value in settings.items() for word in ("-D", f"{name}={value}")]
        command = [sys.executable, JOB, *options, *more, *given, "--output-dir", OUTPUT, source]
        started = time.monotonic()
        done = subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True)
        return time.monotonic() - started, done.stderr

    @staticmethod
    def map_seconds(told: str) -> float:
        """Return the seconds that all map tasks of a run took, containers' starts included."""
        found = re.search(r"Total time spent by all map tasks \(ms\)=(\d+)", told)
        if not found:
            raise RuntimeError(f"The run told no counters: {told}")
        return int(found[1]) / 1000

    @staticmethod
    def cpu_seconds(told: str) -> float:
        """Return the CPU time of a run's map tasks, by Hadoop's count: their Java and their processes."""
        return int(re.findall(r"CPU time spent \(ms\)=(\d+)", told)[-1]) / 1000

    def _clear(self) -> None:
        self.fs("-rm", "-r", "-f", "-skipTrash", OUTPUT)

    def _hadoop(self, *arguments: object) -> str:
        return self._run(*arguments).stdout

    def _run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [str(HOME / "bin" / "hadoop"), *map(str, arguments)]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True)
