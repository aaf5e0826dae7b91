"""The locks: exact versions with the sums of their files, of all that the project installs itself."""

import re
from importlib.metadata import distribution
from pathlib import Path

import pytest
from documents import PROJECT
from packaging.requirements import Requirement

LOCKS = sorted((PROJECT / "locks").glob("*.txt"))
_ENTRY = re.compile(
    r"^(?P<pin>\S+==\S+)(?: ; (?P<marker>.+?))?(?P<sums>(?: \\\n {4}--hash=sha256:[0-9a-f]{64})+)$",
    re.MULTILINE,
)


def pins(lock: Path) -> dict[str, list[str]]:
    """Return a lock's versions by name: one, or one for each of several Pythons."""
    found: dict[str, list[str]] = {}
    for entry in _ENTRY.finditer(lock.read_text(encoding="ascii")):
        name, _, version = entry["pin"].partition("==")
        found.setdefault(name, []).append(version)
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_each_line_of_a_lock_is_a_version_with_sums_and_no_address(lock: Path) -> None:
    assert _ENTRY.sub("", lock.read_text(encoding="ascii")).strip() == ""


def test_the_locks_agree() -> None:
    everything = pins(PROJECT / "locks" / "all.txt")
    assert {lock.stem for lock in LOCKS} == {"all", "emr", "run", "spark", "test"}
    for lock in LOCKS:
        assert {name: versions for name, versions in pins(lock).items() if everything[name] != versions} == {}


def test_a_lock_has_all_that_the_job_asks_for_and_in_its_ranges() -> None:
    locked = pins(PROJECT / "locks" / "run.txt")
    for text in (*(distribution("model_mapreduce_job").requires or ()), "setuptools>=70.1"):
        asked = Requirement(text)
        if "extra" in str(asked.marker):
            continue
        versions = locked[asked.name.lower().replace(".", "-")]
        assert all(version in asked.specifier for version in versions), text


def test_make_installs_nothing_that_is_not_locked() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    installs = re.findall(r"^\t.*(?:\$\(INSTALL\)|\$\(LOCKED\)|pip install).*$", makefile, re.MULTILINE)
    others = [line for line in installs if not line.startswith("\t$(LOCKED) -r locks/")]
    assert [line.split()[-1] for line in others] == ["requirements.txt", "'uv>=0.9,<1'"]
    assert "--no-deps" in others[0]
