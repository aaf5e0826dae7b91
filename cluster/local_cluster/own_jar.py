"""The jar of the package's own Java: built to the same bytes each time, whoever builds it and when."""

import hashlib
import io
import tempfile
import zipfile
from pathlib import Path

from local_cluster.distribution import run
from local_cluster.layout import Layout
from local_cluster.toolchain import Jdk

HADOOP = Path(__file__).resolve().parents[2] / "model_mapreduce_job" / "runners" / "hadoop"
SOURCES = HADOOP / "java"
JAR = HADOOP / "model_mapreduce_job.jar"
# The oldest Java that the nodes of a cluster have: EMR's and Hadoop 3's.
RELEASE = "8"
_MANIFEST = "META-INF/MANIFEST.MF"
_SUM = "Sources-Sha256"
_JDK = "Build-Jdk-Spec"
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16


def build_jar(layout: Layout, jdk: Jdk) -> bytes:
    """Return the jar of the sources, compiled against the jars of the local Hadoop."""
    classpath = f"{layout.jars}/*:{layout.tools}/*"
    sources = [str(path) for path in _sources(SOURCES)]
    checks = ["-Xlint:all,-options,-classfile,-path", "-Werror", "-proc:none", "-implicit:none"]
    # the numbers of lines would be a tenth of the jar
    options = ["--release", RELEASE, "-g:none", *checks, "-cp", classpath]
    with tempfile.TemporaryDirectory() as folder:
        run([jdk.tool("javac"), *options, "-d", folder, *sources])
        classes = {
            path.relative_to(folder).as_posix(): path.read_bytes() for path in Path(folder).rglob("*.class")
        }
    return _zipped({_MANIFEST: _manifest(jdk), **dict(sorted(classes.items()))})


def sources_digest(folder: Path = SOURCES) -> str:
    """Return the first half of the sha256 of all Java sources of a folder, with their names."""
    digest = hashlib.sha256()
    for path in _sources(folder):
        digest.update(b"%s\0%d\0%s" % (path.name.encode(), path.stat().st_size, path.read_bytes()))
    return digest.hexdigest()[:32]


def recorded_digest(jar: Path = JAR) -> str:
    """Return the digest of the sources that a jar was built of."""
    return manifest_of(jar)[_SUM]


def builder(jar: Path = JAR) -> str:
    """Return the version of the JDK that a jar was built by."""
    return manifest_of(jar)[_JDK]


def contents(jar: bytes) -> dict[str, bytes]:
    """Return what is in a jar, by name: another zlib may have compressed the same to other bytes."""
    with zipfile.ZipFile(io.BytesIO(jar)) as file:
        return {name: file.read(name) for name in file.namelist()}


def manifest_of(jar: Path) -> dict[str, str]:
    """Return what a jar's manifest says."""
    with zipfile.ZipFile(jar) as file:
        lines = file.read(_MANIFEST).decode().splitlines()
    return dict(line.split(": ", 1) for line in lines if line)


def _sources(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.java"))


def _manifest(jdk: Jdk) -> bytes:
    # a line of a manifest has at most 72 bytes: with the whole sum it would be longer
    lines = ["Manifest-Version: 1.0", f"{_JDK}: {jdk.version}", f"{_SUM}: {sources_digest()}"]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def _zipped(entries: dict[str, bytes]) -> bytes:
    """Return a zip file whose entries have no time of their own."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as jar:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name, _FIRST_DAY)
            info.external_attr = _READABLE
            jar.writestr(info, content, zipfile.ZIP_DEFLATED, 9)
    return written.getvalue()
