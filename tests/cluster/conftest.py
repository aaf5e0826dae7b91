"""The clusters that the tests of this folder share."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "cluster"))

# their imports need the path above
from cluster_jobs import make_bundle
from hostile_rows import write_rows
from local_hadoop import LocalHadoop, cluster

ROWS = 100_000


@pytest.fixture(scope="session")
def hadoop() -> Iterator[LocalHadoop]:
    """Bring Hadoop up for the session, and down and away again unless it was up before."""
    hadoop = LocalHadoop()
    was_up = hadoop.report()["default_fs"] is not None
    cluster("up", PYTHONPATH="of-the-developer")
    yield hadoop
    if not was_up:
        cluster("down", "--wipe")


@pytest.fixture(scope="module")
def spark_master() -> Iterator[str]:
    """Bring Spark up for a module, and down again; its master's URL."""
    cluster("spark-up")
    yield LocalHadoop().report()["spark_master"]
    cluster("spark-down")


@pytest.fixture(scope="session")
def iris_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the bundle of the configuration that runs use by default."""
    return make_bundle(tmp_path_factory.mktemp("bundles") / "iris.tar.gz", "ProdConfig")


@pytest.fixture(scope="session")
def models_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the bundle of a configuration that is in no installed package: the tests' own models."""
    return make_bundle(tmp_path_factory.mktemp("bundles") / "models.tar.gz", "models.settings.TestModels")


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 100,000 iris rows, of which 1 % are bad, in every format and compression."""
    directory = tmp_path_factory.mktemp("rows")
    write_rows(directory, ROWS)
    return directory


@pytest.fixture(scope="session")
def rows_in_hdfs(hadoop: LocalHadoop, rows: Path) -> str:
    """Put the rows into HDFS; their directory's URI."""
    hadoop.hadoop("fs", "-mkdir", "-p", "/rows")
    hadoop.hadoop("fs", "-put", "-f", *sorted(rows.iterdir()), "/rows/")
    return "hdfs:///rows"
