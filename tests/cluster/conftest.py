"""The clusters that the tests of this folder share."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "cluster"))

# its imports need the path above
from local_hadoop import LocalHadoop, cluster


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
