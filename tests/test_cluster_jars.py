"""The jars of the local Hadoop: none is run that is not the one whose sum the repository has."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "cluster"))

# their imports need the path above
from local_cluster.distribution import SUMS, check_jars, jar_sums
from local_cluster.errors import ClusterError

CLUSTER = Path(__file__).resolve().parent.parent / "cluster"


def test_other_jars_than_those_that_are_known_are_refused(tmp_path: Path) -> None:
    share = tmp_path / "share"
    (share / "lib").mkdir(parents=True)
    (share / "lib" / "a.jar").write_bytes(b"a")
    sums = tmp_path / SUMS
    sums.write_text("".join(f"{digest}  {name}\n" for name, digest in jar_sums(share).items()))
    check_jars(share, sums)
    (share / "lib" / "b.jar").write_bytes(b"one more")
    with pytest.raises(ClusterError, match=r"the first is lib/b\.jar"):
        check_jars(share, sums)
    (share / "lib" / "b.jar").unlink()
    (share / "lib" / "a.jar").write_bytes(b"another")
    with pytest.raises(ClusterError, match=r"the first is lib/a\.jar"):
        check_jars(share, sums)


def test_each_artifact_of_the_pom_has_a_sum() -> None:
    sums = (CLUSTER / SUMS).read_text(encoding="ascii")
    for name in ("hadoop-common", "hadoop-hdfs", "hadoop-streaming", "hadoop-aws", "asm"):
        assert f"/{name}-" in sums
