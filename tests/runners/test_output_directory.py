"""An output directory that appears whole or not at all; what a whole run makes of it is in other tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.storage.file_operations import OsFiles
from model_mapreduce_job.storage.output_directory import OutputDirectory
from model_mapreduce_job.storage.parts import NO_REPORT, Parts, PartWriter
from model_mapreduce_job.storage.splits import MapTask, Split


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def make(output: OutputDirectory, *numbers: int) -> None:
    """Make finished parts, as the local engine does."""
    parts = Parts(lambda number: output.staging / f"part-{number:05d}", durable=True)
    for number in numbers:
        task = MapTask(number, (Split("in", number, 1),))
        with PartWriter(parts.attempt_path(task, 0), OsFiles(), durable=True) as part:
            part.write(b"%d\n" % number)
        parts.finish(task, 0, part.record(task.splits, NO_REPORT))
    parts.close()


def stopped(out: Path, *numbers: int) -> OutputDirectory:
    """Leave what a stopped run leaves."""
    output = OutputDirectory(out, {})
    output.prepare(resume=False)
    make(output, *numbers)
    output.abandon()
    return output


def let_go(output: OutputDirectory) -> None:
    """Close the lock of an output, as the end of a killed process does, and nothing else of it."""
    (lock,) = [
        fd for fd in Path("/proc/self/fd").iterdir() if fd.exists() and fd.samefile(output.staging / ".lock")
    ]
    os.close(int(lock.name))


def test_published_is_what_bears_a_parts_name(out: Path) -> None:
    output = OutputDirectory(out, {})
    output.prepare(resume=False)
    for name in ("part-00000", ".part-00000.record", ".part-00001.attempt-0-abc", ".x.half"):
        (output.staging / name).write_text(name)
    assert output.publish() == out
    assert names(out) == {"part-00000", "_SUCCESS"}
    assert names(out.parent) == {"out"}


@pytest.mark.parametrize("name", ["notes.txt", "@eaDir", "part-00007"])
def test_what_others_put_there_while_it_runs_is_not_published(out: Path, name: str) -> None:
    output = OutputDirectory(out, {})
    output.prepare(resume=False)
    make(output, 0)
    (output.staging / name).symlink_to("part-00000")
    with pytest.raises(InputError, match=f"unfinished/{name} is not of this program's making"):
        output.publish()
    assert not out.exists()
    assert output.abandon() == 1


def test_only_finished_parts_are_kept(out: Path) -> None:
    """Those of a reducer tell no counts, so nothing can go on from them."""
    output = OutputDirectory(out, {"a": "1"})
    output.prepare(resume=False)
    make(output, 0)
    for name in ("part-00001", ".part-00002.record", ".part-00002.attempt-0"):
        (output.staging / name).touch()
    assert output.abandon() == 1
    assert names(output.staging) == {"part-00000", ".part-00000.record", ".lock", ".run.json"}
    again = OutputDirectory(out, {"a": "1"})
    again.prepare(resume=True)
    assert names(again.staging) == {"part-00000", ".part-00000.record", ".lock", ".run.json"}
    assert again.abandon() == 1


def test_what_is_published_is_not_taken_back(out: Path) -> None:
    """A signal may come when all is done; there's nothing to keep, and nothing to remove."""
    output = OutputDirectory(out, {})
    output.prepare(resume=False)
    make(output, 0)
    output.staging.rename(out)
    assert output.abandon() == 0
    assert "part-00000" in names(out)


def test_nothing_is_kept_where_nothing_is_finished(out: Path) -> None:
    output = OutputDirectory(out, {})
    output.prepare(resume=False)
    assert output.abandon() == 0
    assert names(out.parent) == set()


def test_a_run_that_is_refused_takes_nothing_from_the_one_that_is_there(out: Path) -> None:
    output = OutputDirectory(out, {})
    output.prepare(resume=False)
    (output.staging / "part-00000").touch()
    second = OutputDirectory(out, {})
    with pytest.raises(InputError, match=r"Another run is making .*/out\."):
        second.prepare(resume=False)
    second.abandon()
    assert "part-00000" in names(output.staging)
    output.publish()


def test_a_staging_directory_of_a_killed_run_is_emptied(out: Path) -> None:
    """Its lock is there, but nobody holds it."""
    killed = OutputDirectory(out, {})
    killed.prepare(resume=False)
    (killed.staging / "part-00000").touch()
    let_go(killed)
    output = OutputDirectory(out, {})
    output.prepare(resume=False)
    assert names(output.staging) == {".lock", ".run.json"}


def test_while_it_is_published_it_is_locked(out: Path) -> None:
    """Else another run would take it for a killed one's, and empty it just before it gets its name."""
    refused = []

    class LooksAround(OsFiles):
        def rename(self, directory: int, old: str, new: str) -> None:
            if new == out.name:
                with pytest.raises(InputError, match="Another run") as error:
                    OutputDirectory(out, {}).prepare(resume=False)
                refused.append(error)
            super().rename(directory, old, new)

    output = OutputDirectory(out, {}, LooksAround())
    output.prepare(resume=False)
    (output.staging / "part-00000").touch()
    output.publish()
    assert refused
    assert names(out) == {"part-00000", "_SUCCESS"}


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ({"workers": "2"}, r"workers is not the same \(it was 1, now it is 2\)\. Give the same again"),
        ({"workers": "1" * 99}, r"workers is not the same\. Give the same again"),
        ({"workers": "1", "more": "True"}, r"more is not the same \(it was not there, now it is True\)"),
        ({}, r"workers is not the same \(it was 1, now it is not there\)"),
        ({"workers": "can't be compared: a lambda"}, r"workers can't be compared: a lambda\. Start over"),
    ],
)
def test_another_identity_is_named_and_shown_where_it_is_short(
    out: Path, now: dict[str, str], words: str
) -> None:
    before = OutputDirectory(out, {"workers": "1"})
    before.prepare(resume=False)
    make(before, 0)
    before.abandon()
    with pytest.raises(InputError, match=words):
        OutputDirectory(out, now).prepare(resume=True)
    assert "part-00000" in names(before.staging)


def test_a_disk_that_is_full_takes_nothing_from_what_there_is_to_resume(out: Path) -> None:
    """The run fails, and may be tried again when there's room."""

    class FullDisk(OsFiles):
        def write(self, *_: object) -> int:
            raise OSError(28, "No space left on device")

    before = stopped(out, 0)
    full = OutputDirectory(out, {}, FullDisk())
    with pytest.raises(InputError, match="can't be made: No space left on device"):
        full.prepare(resume=True)
    full.abandon()
    assert "part-00000" in names(before.staging)


@pytest.mark.parametrize("damaged", ['{"wor', "[]", "null", "12", "[" * 100_000])
def test_a_damaged_identity_is_another_one(out: Path, damaged: str) -> None:
    before = OutputDirectory(out, {"workers": "1"})
    before.prepare(resume=False)
    (before.staging / ".run.json").write_text(damaged)
    let_go(before)
    with pytest.raises(InputError, match="workers is not the same"):
        OutputDirectory(out, {"workers": "1"}).prepare(resume=True)


def test_a_link_where_it_writes_aside_is_refused_and_what_it_leads_to_stays(out: Path) -> None:
    home = out.parent / "home"
    home.mkdir()
    (home / "thesis").write_text("precious")
    (out.parent / ".out.unfinished").symlink_to(home)
    with pytest.raises(InputError, match=r"/\.out\.unfinished is a link, .*remove it, or name another"):
        OutputDirectory(out, {}).prepare(resume=False)
    assert names(home) == {"thesis"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_directory_of_another_user_is_refused(out: Path) -> None:
    before = stopped(out, 0)
    os.chown(before.staging, 65534, 65534)
    with pytest.raises(InputError, match=r"unfinished belongs to another user \(uid 65534\)"):
        OutputDirectory(out, {}).prepare(resume=True)
    assert "part-00000" in names(before.staging)


def test_a_directory_that_others_could_write_into_is_refused(out: Path) -> None:
    before = stopped(out, 0)
    before.staging.chmod(0o777)
    with pytest.raises(InputError, match=r"can be written by other users \(mode 777\)"):
        OutputDirectory(out, {}).prepare(resume=True)
    assert "part-00000" in names(before.staging)


@pytest.mark.parametrize("resume", [True, False])
def test_what_is_not_of_its_making_is_named_and_nothing_is_removed(out: Path, resume: bool) -> None:
    """Such as a directory that a storage device makes in each other; it would be in the output."""
    before = stopped(out, 0)
    (before.staging / "@eaDir").mkdir()
    with pytest.raises(InputError, match=r"unfinished/@eaDir is not of this program's making"):
        OutputDirectory(out, {}).prepare(resume=resume)
    (before.staging / "@eaDir").rmdir()
    (before.staging / "part-00007").symlink_to("part-00000")
    with pytest.raises(InputError, match=r"unfinished/part-00007 is not of this program's making"):
        OutputDirectory(out, {}).prepare(resume=resume)
    assert "part-00000" in names(before.staging)


def test_a_run_that_starts_over_says_what_it_discards(out: Path) -> None:
    stopped(out, 0, 1)
    lines: list[str] = []
    OutputDirectory(out, {}, report=lines.append).prepare(resume=False)
    assert lines == [
        (
            f"Starting over, and discarding 2 finished parts of a stopped run into {out} "
            "(--resume would go on from there)."
        )
    ]


def test_what_cannot_be_compared_is_named_when_a_run_starts(out: Path) -> None:
    lines: list[str] = []
    identity = {"the parameter 'score'": "can't be compared: it is, or holds, a lambda"}
    OutputDirectory(out, identity, report=lines.append).prepare(resume=False)
    assert lines == [
        (
            "the parameter 'score' can't be compared: it is, or holds, a lambda. "
            "If this run is stopped, --resume can't go on with its parts."
        )
    ]


@pytest.mark.parametrize("number", range(1, 7))
@pytest.mark.parametrize("kind", ["write", "sync", "rename"])
def test_a_publication_that_fails_anywhere_can_be_resumed(out: Path, kind: str, number: int) -> None:
    """No part is lost, nothing bears the output's name, and the message names the output."""
    disk = FailsOnce(kind, number)
    output = OutputDirectory(out, {}, disk)
    output.prepare(resume=False)
    make(output, 0, 1)
    disk.armed = True
    try:
        output.publish()
    except InputError as error:
        assert str(out) in str(error)  # noqa: PT017 - late numbers are never reached
        assert output.abandon() == 2
        assert names(out.parent) == {".out.unfinished"}
        again = OutputDirectory(out, {})
        again.prepare(resume=True)
        again.publish()
    assert names(out) == {"part-00000", "part-00001", "_SUCCESS"}


class FailsOnce(OsFiles):
    """A disk whose call of this kind and number fails, once it's armed."""

    def __init__(self, kind: str, number: int) -> None:
        self._kind = kind
        self._left = number
        self.armed = False

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        self._count("write")
        return super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        self._count("sync")
        super().sync(descriptor)

    def rename(self, directory: int, old: str, new: str) -> None:
        self._count("rename")
        super().rename(directory, old, new)

    def _count(self, kind: str) -> None:
        self._left -= self.armed and kind == self._kind
        if self._left == 0:
            self._left = -1
            raise OSError(28, "No space left on device")


def test_an_output_that_appears_meanwhile_costs_no_part(out: Path) -> None:
    output = OutputDirectory(out, {})
    output.prepare(resume=False)
    make(output, 0)
    out.mkdir()
    (out / "other").touch()
    with pytest.raises(InputError, match=r"/out can't be published: Directory not empty\. Look at"):
        output.publish()
    assert output.abandon() == 1
    assert names(out) == {"other"}


def test_a_directory_made_beforehand_keeps_its_mode(out: Path) -> None:
    out.mkdir()
    out.chmod(0o750)
    output = OutputDirectory(out, {})
    output.prepare(resume=False)
    make(output, 0)
    output.publish()
    assert out.stat().st_mode & 0o7777 == 0o750


def test_the_current_directory_is_refused_and_stays(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out.mkdir()
    monkeypatch.chdir(out)
    with pytest.raises(InputError, match=r"is the current directory\. Name a new directory in it"):
        OutputDirectory(out, {}).prepare(resume=False)
    assert out.is_dir()


def test_a_place_where_a_filesystem_is_mounted_is_refused_before_any_work() -> None:
    with pytest.raises(InputError, match=r"is there already|is where a filesystem is mounted"):
        OutputDirectory(Path("/dev/shm"), {}).prepare(resume=False)  # noqa: S108


def test_a_finished_run_says_that_it_is(out: Path) -> None:
    output = OutputDirectory(out, {})
    output.prepare(resume=False)
    output.publish()
    with pytest.raises(InputError, match=r"/out is finished: its _SUCCESS is there, and nothing is left"):
        OutputDirectory(out, {}).prepare(resume=True)


def test_a_staging_directory_that_was_replaced_is_never_published(out: Path) -> None:
    output = OutputDirectory(out, {})
    output.prepare(resume=False)
    output.staging.rename(out.parent / "mine")
    output.staging.mkdir()
    (output.staging / "part-00000").write_text("forged")
    with pytest.raises(InputError, match="was moved or replaced while the run went on"):
        output.publish()
    assert not out.exists()


def test_without_a_run_to_resume_it_starts_anew(out: Path) -> None:
    output = OutputDirectory(out, {})
    output.prepare(resume=True)
    output.publish()
    assert names(out) == {"_SUCCESS"}
