"""The jar of the package's own Java, built again."""

import pytest
from local_cluster.layout import default_layout
from local_cluster.own_jar import JAR, build_jar, builder, contents
from local_cluster.toolchain import find_jdk
from local_hadoop import LocalHadoop

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


def test_the_sources_give_the_very_jar_that_is_committed(hadoop_files: LocalHadoop) -> None:
    """Another JDK's compiler may write other classes: its jar is as good, and can't be compared."""
    assert hadoop_files.home.exists()
    jdk = find_jdk()
    built = build_jar(default_layout(), jdk)
    assert built == build_jar(default_layout(), jdk)
    if str(jdk.version) == builder():
        assert contents(built) == contents(JAR.read_bytes())
