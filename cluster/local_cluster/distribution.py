"""HADOOP_HOME: the jars from Maven Central, the commands and the Java agent."""

import hashlib
import shlex
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from local_cluster.errors import ClusterError
from local_cluster.layout import Layout
from local_cluster.toolchain import Jdk, find_maven

SUMS = "jars.sha256"
COMMANDS = ("hadoop", "hdfs", "yarn", "mapred")
MANIFEST_LINE = 70  # bytes: a line of a manifest may have 72 with its line end


def prepare(layout: Layout, jdk: Jdk) -> None:
    """Make what is missing or out of date of HADOOP_HOME."""
    pom, agent = layout.source / "pom.xml", layout.source / "agent" / "LoopbackAgent.java"
    if_changed(layout.home / ".jars", [pom, layout.source / SUMS], lambda: _download(layout))
    if_changed(layout.home / ".agent", [pom, agent], lambda: _build_agent(layout, jdk, agent))
    _link_commands(layout)


def if_changed(stamp: Path, sources: Iterable[Path], make: Callable[[], None]) -> None:
    """Call `make` unless it was called for sources of the same content before."""
    digest = hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="ascii") == digest:
        return
    make()
    stamp.write_text(digest, encoding="ascii")


def _download(layout: Layout) -> None:
    print("downloading Hadoop's jars", flush=True)
    shutil.rmtree(layout.home, ignore_errors=True)
    _fetch(layout, layout.home)
    check_jars(layout.home / "share", layout.source / SUMS)
    _write_classpath_jar(layout.classpath_jar)
    _make_webapps(layout)


def write_sums(layout: Layout) -> None:
    """Download the jars that pom.xml names, and write their sums: `prepare` takes these and no others."""
    with tempfile.TemporaryDirectory() as folder:
        _fetch(layout, Path(folder))
        sums = jar_sums(Path(folder, "share"))
    text = "".join(f"{digest}  {name}\n" for name, digest in sums.items())
    (layout.source / SUMS).write_text(text, encoding="ascii")


def _fetch(layout: Layout, home: Path) -> None:
    goals = ["dependency:copy-dependencies@framework", "dependency:copy-dependencies@tools"]
    pom = str(layout.source / "pom.xml")
    run([find_maven(), "--batch-mode", "--quiet", "--file", pom, f"-Dhadoop.home={home}", *goals])


def jar_sums(folder: Path) -> dict[str, str]:
    """Return the sha256 of each jar below a folder, by its path in it."""
    paths = sorted(folder.rglob("*.jar"))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def check_jars(folder: Path, sums: Path) -> None:
    """Raise ClusterError unless the jars below a folder are those of the file of sums, all and no other."""
    known = {name: digest for digest, name in map(str.split, sums.read_text(encoding="ascii").splitlines())}
    found = jar_sums(folder)
    wrong = sorted(name for name in {*known, *found} if known.get(name) != found.get(name))
    if wrong:
        raise ClusterError(
            f"{len(wrong)} of the downloaded jars are not those of {sums.name}, the first is {wrong[0]}. "
            "None of them was run. After a change of pom.xml, write it anew: python cluster/cluster.py sums."
        )


def _write_classpath_jar(path: Path) -> None:
    # One name instead of 200 on command lines, and an order that does not depend on the file system: a class
    # data archive is only used with the class path that it was made with.
    text = "Class-Path: " + " ".join(sorted(jar.name for jar in path.parent.glob("*.jar") if jar != path))
    lines = [text[start : start + MANIFEST_LINE] for start in range(0, len(text), MANIFEST_LINE)]
    with zipfile.ZipFile(path, "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\n" + "\r\n ".join(lines) + "\r\n\r\n")


def _make_webapps(layout: Layout) -> None:
    # the pages for browsers are no part of the jars; without their folders HDFS does not start
    for daemon in ("hdfs", "datanode"):
        (layout.home / "share" / "hadoop" / "hdfs" / "webapps" / daemon).mkdir(parents=True)


def _build_agent(layout: Layout, jdk: Jdk, source: Path) -> None:
    layout.agent.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder, "manifest")
        asm = next(layout.jars.glob("asm-[0-9]*.jar"))
        manifest.write_text(
            f"Premain-Class: {source.stem}\nCan-Retransform-Classes: true\n"
            f"Class-Path: ../share/hadoop/lib/{asm.name}\n",
            encoding="ascii",
        )
        classes = Path(folder, "classes")
        run([jdk.tool("javac"), "-cp", str(asm), "-d", str(classes), str(source)])
        run([jdk.tool("jar"), "cfm", str(layout.agent), str(manifest), "-C", str(classes), "."])


def _link_commands(layout: Layout) -> None:
    folder = layout.home / "bin"
    folder.mkdir(exist_ok=True)
    for command in COMMANDS:
        link = folder / command
        link.unlink(missing_ok=True)
        link.symlink_to(layout.source / "bin" / "hadoop")


def run(command: list[str], environment: Mapping[str, str] | None = None) -> None:
    """Run a command, in this process's environment or another; ClusterError with its output if it fails."""
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        output = (result.stdout + result.stderr).rstrip()
        raise ClusterError(f"exit code {result.returncode} of {shlex.join(command)}\n{output}")
