"""The jar of the package's own Java: users need no JDK, so what is committed must be what the sources say."""

import sys
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "cluster"))

# their imports need the path above
from local_cluster.own_jar import JAR, SOURCES, recorded_digest, sources_digest

MOST_BYTES = 30_000


def test_the_jar_was_built_of_the_sources_as_they_are() -> None:
    """After a change of them: make jar."""
    assert recorded_digest() == sources_digest()


def test_any_change_of_the_sources_is_noticed(tmp_path: Path) -> None:
    for path in SOURCES.glob("*.java"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert sources_digest(tmp_path) == sources_digest()
    (tmp_path / "One.java").touch()
    assert sources_digest(tmp_path) != sources_digest()


def test_the_jar_is_small_and_has_classes_of_one_package_alone() -> None:
    assert JAR.stat().st_size < MOST_BYTES
    with zipfile.ZipFile(JAR) as jar:
        assert jar.testzip() is None
        assert {name.split("/")[0] for name in jar.namelist()} == {"META-INF", "modelmapreducejob"}


@pytest.mark.parametrize("path", sorted(SOURCES.glob("*.java")), ids=lambda path: path.stem)
def test_each_source_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="ascii")
    assert text.startswith("package modelmapreducejob;\n")
    assert "\n/** " in text or "\n/**\n" in text
    assert max(map(len, text.splitlines())) <= 110
