"""Jobs on the Hadoop of cluster/: the job itself, and one whose mapper is `cat`."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

    def run_cat(self, source: str, settings: Mapping[str, str]) -> float:
        """Run the streaming job whose mapper is `cat`; the seconds that it takes."""
        self._clear()
        jar = next((HOME / "share" / "hadoop" / "tools" / "lib").glob("hadoop-streaming-*.jar"))
        given = [word for name, value in {**SHAPE, **settings}.items() for word in ("-D", f"{name}={value}")]
        started = time.monotonic()
        self._hadoop("jar", jar, *given, "-input", source, "-output", OUTPUT, "-mapper", "cat")
        return time.monotonic() - started

    def run_job(self, source: str, settings: Mapping[str, str]) -> tuple[float, dict[str, Any]]:
        """Run the job, all that its driver does included; the seconds that it takes, and its summary."""
        self._clear()
        summary = WORK / "cluster-summary.json"
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
        command = [
            sys.executable,
            JOB,
            *options,
            *given,
            "--summary_file",
            summary,
            "--output-dir",
            OUTPUT,
            source,
        ]
        started = time.monotonic()
        subprocess.run(command, env=self.environment, check=True, capture_output=True)
        seconds = time.monotonic() - started
        return seconds, json.loads(summary.read_text(encoding="utf-8"))

    def _clear(self) -> None:
        self.fs("-rm", "-r", "-f", "-skipTrash", OUTPUT)

    def _hadoop(self, *arguments: object) -> str:
        command = [str(HOME / "bin" / "hadoop"), *map(str, arguments)]
        done = subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True)
        return done.stdout
