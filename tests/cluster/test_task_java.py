"""What the Java machines of map tasks are started with: the site's options and ours, or a person's own."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from local_cluster.layout import default_layout
from local_cluster.own_jar import JAR
from local_cluster.toolchain import find_jdk

from model_mapreduce_job.runners.hadoop import blocks

if TYPE_CHECKING:
    from local_hadoop import LocalHadoop

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

SHOW = Path(__file__).parent / "java" / "ShowJavaOptions.java"
QUICK = "-XX:TieredStopAtLevel=1"
ADDED, OPTIONS = "modelmapreducejob.map.java.opts", "mapreduce.map.java.opts"
OURS = f"{ADDED}={blocks.OF_SHORT_TASKS[ADDED]}"


@pytest.fixture(scope="module")
def classpath(hadoop_files: LocalHadoop, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Compile the program that shows options, once; the class path that it runs with."""
    assert hadoop_files.home.exists()
    layout, classes = default_layout(), tmp_path_factory.mktemp("classes")
    jars = f"{JAR}:{layout.jars}/*:{layout.tools}/*"
    subprocess.run([find_jdk().tool("javac"), f"-J{QUICK}", "-cp", jars, "-d", classes, SHOW], check=True)
    return f"{classes}:{jars}"


@pytest.mark.parametrize(
    ("site", "given", "begins"),
    [
        ({OPTIONS: "-Xmx1g -Dsite=1"}, [], f"{OPTIONS}=-Xmx1g -Dsite=1 -XX:TieredStopAtLevel=1"),
        ({"mapred.child.java.opts": "-Xmx2g"}, [], f"{OPTIONS}=-Xmx2g -XX:TieredStopAtLevel=1"),
        ({}, [], f"{OPTIONS}=-XX:TieredStopAtLevel=1"),
        ({}, [f"{OPTIONS}=-Xmx3g"], f"{OPTIONS}=-XX:TieredStopAtLevel=1"),  # the later one counts
        ({}, ["mapred.child.java.opts=-Xmx3g"], OURS),
        ({}, [f"{ADDED}="], OURS),
    ],
    ids=["of maps", "of all", "none", "own", "own of all", "switched off"],
)
def test_the_sites_options_are_kept_and_ones_own_stand(
    classpath: str, tmp_path: Path, site: dict[str, str], given: list[str], begins: str
) -> None:
    """Hadoop takes the last setting of a name; the client puts its own before all that a run has."""
    entries = "".join(f"<property><name>{n}</name><value>{v}</value></property>" for n, v in site.items())
    (tmp_path / "mapred-site.xml").write_text(f"<configuration>{entries}</configuration>")
    words = [word for setting in (OURS, *given) for word in ("-D", setting)]
    command = [find_jdk().tool("java"), QUICK, "-cp", f"{tmp_path}:{classpath}", SHOW.stem, *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    shown = ran.stdout.splitlines()
    assert shown[:2] == ["-D", begins]
    assert shown[-len(words) :] == words
