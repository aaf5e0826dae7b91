"""The clusters that the tests of this folder share, also when several workers of pytest run them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "cluster"))

# their imports need the path above
from cluster_jobs import IRIS, IRIS_SETTINGS, QUICK_JAVA, inline_fingerprint, make_bundle
from hostile_rows import FILES, OPTIONS, write_rows
from local_cluster.ports import LOOPBACK
from local_cluster.spark import spark_home
from local_hadoop import LocalHadoop, cluster
from turns import Turns


@pytest.fixture(scope="session")
def turns(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Turns]:
    """Give what the workers of this run agree by; the last takes down what the first has brought up."""
    own = tmp_path_factory.getbasetemp()
    place = (own if worker_id == "master" else own.parent) / "turns"
    place.mkdir(exist_ok=True)
    turns = Turns(place)
    with turns.held("session", shared=True) as session:
        yield turns
        if turns.is_last(session) and (place / "brought up").exists():
            cluster("down", "--wipe")


@pytest.fixture(scope="module", autouse=True)
def _has_the_hadoop(request: pytest.FixtureRequest, turns: Turns) -> Iterator[None]:
    """Let a file's tests have the Hadoop, beside other workers' unless they are marked to have it alone."""
    tests = [item for item in request.session.items if item.path == request.path]
    if not any("hadoop" in getattr(test, "fixturenames", ()) for test in tests):
        yield
        return
    with turns.alone() if request.node.get_closest_marker("alone") else turns.beside_others():
        yield


@pytest.fixture(scope="session")
def hadoop_files(turns: Turns) -> LocalHadoop:
    """Give Hadoop to tests that need its jars alone: they may run while another worker has it alone."""
    hadoop = LocalHadoop()

    def bring_up(mark: Path) -> None:
        was_up = hadoop.report()["default_fs"] is not None
        cluster("up", PYTHONPATH="of-the-developer")
        if not was_up:
            mark.touch()

    turns.once("brought up", bring_up)
    return hadoop


@pytest.fixture(scope="session")
def hadoop(hadoop_files: LocalHadoop) -> LocalHadoop:
    """Bring Hadoop up for the session."""
    return hadoop_files


SILENT = "-Xlog:disable -Xlog:all=error:stderr"  # another Spark's classes are not those of the archive


@pytest.fixture(scope="session")
def spark_archive(turns: Turns, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an archive of the classes that Spark loads, with which it starts in a third of the time."""

    def learn(path: Path) -> None:
        script, place = Path(__file__).with_name("spark_classes.py"), tmp_path_factory.mktemp("classes")
        options = ("--master", "local[2]", "--conf", "spark.ui.enabled=false")
        learning = {"SPARK_SUBMIT_OPTS": f"{QUICK_JAVA} -XX:ArchiveClassesAtExit={path}"}
        command = [spark_home() / "bin" / "spark-submit", *options, script, place]
        own = {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": LOOPBACK}
        subprocess.run(command, env={**os.environ, **own, **learning}, check=True, capture_output=True)

    return turns.once("spark.jsa", learn)


@pytest.fixture(scope="module", autouse=True)
def _quick_spark(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let the Java machines of spark-submit start sooner, and compile less, in files that use Spark."""
    tests = [item.nodeid for item in request.session.items if item.path == request.path]
    if not any("spark" in test for test in tests):
        yield
        return
    archive = request.getfixturevalue("spark_archive")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SPARK_LAUNCHER_OPTS", QUICK_JAVA)
        environment.setenv("SPARK_SUBMIT_OPTS", f"{QUICK_JAVA} -XX:SharedArchiveFile={archive} {SILENT}")
        yield


@pytest.fixture(scope="module")
def spark_master(turns: Turns) -> Iterator[str]:
    """Bring Spark up for a module, and down again; its master's URL."""
    with turns.held("spark"):
        cluster("spark-up")
        yield LocalHadoop().report()["spark_master"]
        cluster("spark-down")


@pytest.fixture(scope="session")
def iris_bundle(turns: Turns) -> Path:
    """Make the bundle of the configuration that runs use by default."""
    return turns.once("iris.tar.gz", lambda path: make_bundle(path, "ProdConfig", "--library=datasketches"))


@pytest.fixture(scope="session")
def models_bundle(turns: Turns) -> Path:
    """Make the bundle of a configuration that is in no installed package: the tests' own models."""
    options = ("models.settings.TestModels", "--library=fastavro", "--library=datasketches")
    return turns.once("models.tar.gz", lambda path: make_bundle(path, *options))


@pytest.fixture(scope="session")
def rows(turns: Turns) -> Path:
    """Write iris rows, of which 1 % are bad, in every format and compression."""
    return turns.once("rows", write_rows)


@pytest.fixture(scope="session")
def rows_fingerprint(turns: Turns, rows: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the fingerprint of the inline runner's output for the files of each format."""
    place = tmp_path_factory.mktemp("inline")

    def of(kind: str) -> str:
        arguments = (*OPTIONS[kind], *(rows / name for name in FILES[kind]))
        return inline_fingerprint(place, *IRIS, *arguments, **IRIS_SETTINGS)

    def write(path: Path) -> None:
        path.write_text(json.dumps({kind: of(kind) for kind in FILES}))

    fingerprints: dict[str, str] = json.loads(turns.once("fingerprints", write).read_text())
    return fingerprints


@pytest.fixture(scope="session")
def rows_in_hdfs(turns: Turns, hadoop: LocalHadoop, rows: Path) -> str:
    """Put the rows into HDFS; their directory's URI."""

    def put(_: Path) -> None:
        hadoop.hadoop("fs", "-mkdir", "-p", "/rows")
        hadoop.hadoop("fs", "-put", "-f", *sorted(rows.iterdir()), "/rows/")

    with turns.beside_others():
        turns.once("rows in hdfs", put)
    return "hdfs:///rows"
