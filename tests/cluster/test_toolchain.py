"""What the clusters need of the machine: found, or asked for in one line. Needs no cluster."""

from pathlib import Path

import pytest
from local_cluster.errors import ClusterError
from local_cluster.toolchain import INSTALL, find_jdk, find_maven


def make_jdk(home: Path, version: str) -> Path:
    """Make a JDK's home whose compiler can only tell its version."""
    compiler = home / "bin" / "javac"
    compiler.parent.mkdir(parents=True)
    compiler.write_text(f"#!/bin/sh\necho javac {version}\n", encoding="ascii")
    compiler.chmod(0o755)
    return home


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Leave no program on PATH; a folder for JDKs, which is not there yet."""
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return tmp_path / "jvm"


def test_a_machine_without_a_jdk_is_told_what_to_install(bare_machine: Path) -> None:
    with pytest.raises(ClusterError, match=f"17.*{INSTALL}"):
        find_jdk(bare_machine)


def test_a_machine_without_maven_is_told_what_to_install(bare_machine: Path) -> None:
    assert not bare_machine.exists()
    with pytest.raises(ClusterError, match=INSTALL):
        find_maven()


def test_the_jdk_that_java_home_names_comes_first(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_jdk(bare_machine / "java-17", "17.0.15")
    named = make_jdk(bare_machine / "named", "21.0.1")
    monkeypatch.setenv("JAVA_HOME", str(named))
    assert find_jdk(bare_machine).tool("java") == str(named / "bin" / "java")


@pytest.mark.parametrize("version", ["1.8.0_392", "11.0.20", "25.0.1"])
def test_a_java_that_hadoop_does_not_run_on_is_passed_over(
    version: str, bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitting = make_jdk(bare_machine / "java-17", "17.0.15")
    monkeypatch.setenv("JAVA_HOME", str(make_jdk(bare_machine / "named", version)))
    assert find_jdk(bare_machine).home == fitting


def test_a_runtime_without_a_compiler_is_no_jdk(bare_machine: Path) -> None:
    (bare_machine / "java-17" / "bin").mkdir(parents=True)
    with pytest.raises(ClusterError):
        find_jdk(bare_machine)
