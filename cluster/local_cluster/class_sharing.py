"""One class data archive for all JVMs of Hadoop: they start in half the time and share its memory.

Which classes belong in it is only known from daemons, tasks and commands at work: a training run, done once,
writes them down.
"""

import shutil
import time

from local_cluster.distribution import if_changed, run
from local_cluster.hadoop import HadoopCluster
from local_cluster.layout import Layout
from local_cluster.toolchain import Jdk

STREAMING = "-mapper cat -reducer cat -input /tmp/training/input -output /tmp/training/output"
WORKLOAD = (
    "fs -mkdir -p /tmp/training",
    "fs -put -f {file} /tmp/training/input",
    f"jar {{streaming}} -files {{file}} {STREAMING}",
    "fs -ls -R /tmp/training",
    "fs -cat /tmp/training/output/part-*",
    "fs -rm -r -skipTrash /tmp/training",
)


def ensure_archive(layout: Layout, jdk: Jdk) -> None:
    """Make the archive, unless there is one of these jars and this Java."""
    sources = [layout.source / "pom.xml", jdk.home / "release"]
    if_changed(layout.home / ".archive", sources, lambda: _train(layout, jdk))


def _train(layout: Layout, jdk: Jdk) -> None:
    print("learning once which classes Hadoop loads, so that it starts faster from now on", flush=True)
    start = time.monotonic()
    first = not layout.state.exists()
    layout.archive.unlink(missing_ok=True)
    shutil.rmtree(layout.class_lists, ignore_errors=True)
    layout.class_lists.mkdir(parents=True)
    cluster = HadoopCluster(layout, training=True)
    try:
        cluster.up(jdk)
        _work(cluster)
    finally:
        cluster.down(wipe=first)
    _make_archive(layout, jdk)
    print(f"learned in {time.monotonic() - start:.0f} s", flush=True)


def _work(cluster: HadoopCluster) -> None:
    layout = cluster.layout
    values = {"file": layout.source / "pom.xml", "streaming": next(layout.tools.glob("*.jar"))}
    for arguments in WORKLOAD:
        run([str(layout.home / "bin" / "hadoop"), *arguments.format(**values).split()], cluster.environment())


def _make_archive(layout: Layout, jdk: Jdk) -> None:
    lists = layout.class_lists.glob("*.lst")
    classes = {line for path in lists for line in path.read_text(encoding="utf-8").splitlines()}
    merged = layout.class_lists / "all"
    merged.write_text("\n".join(sorted(classes)) + "\n", encoding="utf-8")
    files = [f"-XX:SharedClassListFile={merged}", f"-XX:SharedArchiveFile={layout.archive}"]
    run([jdk.tool("java"), "-Xshare:dump", "-Xmx512m", *files, "-cp", str(layout.classpath_jar)])
    shutil.rmtree(layout.class_lists)
