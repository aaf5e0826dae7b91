"""The programs that the cluster needs and doesn't bring."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from local_cluster.errors import ClusterError

INSTALL = "apt-get install openjdk-17-jdk-headless maven"
# Hadoop 3.4 calls what Java 24 removed, and its jars for the cluster are compiled for 11 and later.
OLDEST, NEWEST = 17, 23


@dataclass(frozen=True)
class Jdk:
    """A Java with its compiler."""

    home: Path

    def tool(self, name: str) -> str:
        """The path of `java`, `javac` or `jar`."""
        return str(self.home / "bin" / name)


def find_jdk() -> Jdk:
    """The JDK of JAVA_HOME, of PATH or of /usr/lib/jvm, in this order; ClusterError when none of them fits."""
    for home in _candidates():
        if (home / "bin" / "javac").exists() and OLDEST <= _major_version(home) <= NEWEST:
            return Jdk(home)
    raise ClusterError(f"no JDK of version {OLDEST} to {NEWEST} found: {INSTALL}")


def find_maven() -> str:
    """The path of `mvn`; ClusterError when it isn't there."""
    maven = shutil.which("mvn")
    if maven is None:
        raise ClusterError(f"no mvn on PATH: {INSTALL}")
    return maven


def _candidates() -> list[Path]:
    named = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    javac = shutil.which("javac")
    found = [Path(javac).resolve().parent.parent] if javac else []
    return [*named, *found, *sorted(Path("/usr/lib/jvm").glob("*17*"))]


def _major_version(home: Path) -> int:
    command = [str(home / "bin" / "javac"), "-version"]
    output = subprocess.run(command, capture_output=True, text=True, check=False)
    match = re.search(r"javac (\d+)", output.stdout + output.stderr)
    return int(match[1]) if match else 0
