"""An output directory that appears whole or not at all; what a whole run makes of it is in other tests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.runners.files import Disk
from model_mapreduce_job.runners.output_directory import OutputDirectory

if TYPE_CHECKING:
    from pathlib import Path


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_published_is_what_bears_a_parts_name(out: Path) -> None:
    output = OutputDirectory(out, {})
    output.prepare(resume=False)
    for name in ("part-00000", ".part-00000.tally", ".part-00001.attempt-0-abc", ".x.half"):
        (output.staging / name).write_text(name)
    assert output.publish() == out
    assert names(out) == {"part-00000", "_SUCCESS"}
    assert names(out.parent) == {"out"}


def test_only_finished_parts_are_kept(out: Path) -> None:
    """Those of a reducer tell no counts, so nothing can go on from them."""
    output = OutputDirectory(out, {"a": 1})
    output.prepare(resume=False)
    for name in (
        "part-00000",
        ".part-00000.tally",
        "part-00001",
        ".part-00002.tally",
        ".part-00002.attempt-0",
    ):
        (output.staging / name).touch()
    assert output.abandon(keep_parts=True) == 1
    assert names(output.staging) == {"part-00000", ".part-00000.tally", ".lock", ".run.json"}
    again = OutputDirectory(out, {"a": 1})
    again.prepare(resume=True)
    assert names(again.staging) == {"part-00000", ".part-00000.tally", ".lock", ".run.json"}
    again.abandon(keep_parts=False)
    assert not output.staging.exists()


def test_what_is_published_is_not_taken_back(out: Path) -> None:
    """A signal may come when all is done; there's nothing to keep, and nothing to remove."""
    output = OutputDirectory(out, {})
    output.prepare(resume=False)
    (output.staging / "part-00000").touch()
    output._files.rename(output.staging, out)
    assert output.abandon(keep_parts=True) == 0
    assert "part-00000" in names(out)


def test_nothing_is_kept_where_nothing_is_finished(out: Path) -> None:
    output = OutputDirectory(out, {})
    output.prepare(resume=False)
    assert output.abandon(keep_parts=True) == 0
    assert names(out.parent) == set()


def test_a_run_that_is_refused_takes_nothing_from_the_one_that_is_there(out: Path) -> None:
    output = OutputDirectory(out, {})
    output.prepare(resume=False)
    (output.staging / "part-00000").touch()
    second = OutputDirectory(out, {})
    with pytest.raises(InputError, match=r"Another run is making .*/out\."):
        second.prepare(resume=False)
    second.abandon(keep_parts=False)
    assert "part-00000" in names(output.staging)
    output.publish()


def test_a_staging_directory_of_a_killed_run_is_emptied(out: Path) -> None:
    """Its lock is there, but nobody holds it."""
    killed = OutputDirectory(out, {})
    killed.prepare(resume=False)
    (killed.staging / "part-00000").touch()
    os.close(killed.locks[0])
    output = OutputDirectory(out, {})
    output.prepare(resume=False)
    assert names(output.staging) == {".lock", ".run.json"}


def test_while_it_is_published_it_is_locked(out: Path) -> None:
    """Else another run would take it for a killed one's, and empty it just before it gets its name."""
    refused = []

    class LooksAround(Disk):
        def rename(self, old: Path, new: Path) -> None:
            if new == out:
                with pytest.raises(InputError, match="Another run") as error:
                    OutputDirectory(out, {}).prepare(resume=False)
                refused.append(error)
            super().rename(old, new)

    output = OutputDirectory(out, {}, LooksAround())
    output.prepare(resume=False)
    (output.staging / "part-00000").touch()
    output.publish()
    assert refused
    assert names(out) == {"part-00000", "_SUCCESS"}


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ({"workers": 2}, r"workers is not the same \(it was 1, now it is 2\)\. Give the same again"),
        ({"workers": [1] * 99}, r"workers is not the same\. Give the same again"),
        ({"workers": 1, "more": True}, r"more is not the same \(it was None, now it is True\)"),
    ],
)
def test_another_identity_is_named_and_shown_where_it_is_short(
    out: Path, now: dict[str, object], words: str
) -> None:
    before = OutputDirectory(out, {"workers": 1})
    before.prepare(resume=False)
    (before.staging / "part-00000").touch()
    (before.staging / ".part-00000.tally").touch()
    before.abandon(keep_parts=True)
    with pytest.raises(InputError, match=words):
        OutputDirectory(out, now).prepare(resume=True)
    assert "part-00000" in names(before.staging)


def test_a_disk_that_is_full_takes_nothing_from_what_there_is_to_resume(out: Path) -> None:
    """The run fails, and may be tried again when there's room."""

    class FullDisk(Disk):
        def write(self, *_: object) -> int:
            raise OSError(28, "No space left on device")

    before = OutputDirectory(out, {})
    before.prepare(resume=False)
    for name in ("part-00000", ".part-00000.tally"):
        (before.staging / name).touch()
    before.abandon(keep_parts=True)
    full = OutputDirectory(out, {}, FullDisk())
    with pytest.raises(InputError, match="can't be made: No space left on device"):
        full.prepare(resume=True)
    full.abandon(keep_parts=False)
    assert "part-00000" in names(before.staging)


def test_a_damaged_identity_is_another_one(out: Path) -> None:
    before = OutputDirectory(out, {"workers": 1})
    before.prepare(resume=False)
    (before.staging / ".run.json").write_text('{"wor')
    os.close(before.locks[0])
    with pytest.raises(InputError, match="workers is not the same"):
        OutputDirectory(out, {"workers": 1}).prepare(resume=True)


def test_without_a_run_to_resume_it_starts_anew(out: Path) -> None:
    output = OutputDirectory(out, {})
    output.prepare(resume=True)
    output.publish()
    assert names(out) == {"_SUCCESS"}
