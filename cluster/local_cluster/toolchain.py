"""The programs that the cluster needs and doesn't bring."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local_cluster.errors import ClusterError

INSTALL = "apt-get install openjdk-17-jdk-headless maven"
# the agent and the class data archive were seen to work on 17; Hadoop 3.4 does not start on 24 and later
OLDEST, NEWEST = 17, 23
JVM_FOLDER = Path("/usr/lib/jvm")


@dataclass(frozen=True)
class Jdk:
    """A Java with its compiler."""

    home: Path

    def tool(self, name: str) -> str:
        """Return the path of `java`, `javac` or `jar`."""
        return str(self.home / "bin" / name)

    @property
    def version(self) -> int:
        """Its major version."""
        return _major_version(self.home)


def find_jdk(jvm_folder: Path = JVM_FOLDER) -> Jdk:
    """Find a JDK by JAVA_HOME, PATH or in `jvm_folder`, in this order; ClusterError when none fits."""
    for home in _candidates(jvm_folder):
        if OLDEST <= _major_version(home) <= NEWEST:
            return Jdk(home)
    raise ClusterError(f"no JDK of version {OLDEST} to {NEWEST} found: {INSTALL}")


def find_maven() -> str:
    """Return the path of `mvn`; ClusterError when it isn't there."""
    maven = shutil.which("mvn")
    if maven is None:
        raise ClusterError(f"no mvn on PATH: {INSTALL}")
    return maven


def _candidates(jvm_folder: Path) -> Iterator[Path]:
    if "JAVA_HOME" in os.environ:
        yield Path(os.environ["JAVA_HOME"])
    javac = shutil.which("javac")
    if javac is not None:
        yield Path(javac).resolve().parent.parent
    yield from sorted(jvm_folder.glob(f"*{OLDEST}*"))


def _major_version(home: Path) -> int:
    compiler = home / "bin" / "javac"
    if not compiler.exists():
        return 0
    output = subprocess.run([str(compiler), "-version"], capture_output=True, text=True, check=False)
    match = re.search(r"javac (\d+)", output.stdout + output.stderr)
    return int(match[1]) if match else 0
