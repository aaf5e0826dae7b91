"""The parts of an output while they are being made."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from model_mapreduce_job.exceptions import IncompleteRunError, InputError
from model_mapreduce_job.formats.table_format import RowGroup
from model_mapreduce_job.pipeline.counters import Counters
from model_mapreduce_job.pipeline.task_report import TaskReport
from model_mapreduce_job.storage.file_operations import OS_FILES
from model_mapreduce_job.storage.parts import PartRecord, Parts, PartWriter, _read, sorted_parts
from model_mapreduce_job.storage.splits import MapTask, Split, TablePart

if TYPE_CHECKING:
    from pathlib import Path

REPORT = TaskReport(Counters(lines=1))
TASK = MapTask(7, (Split("in", 0, 1, state=(2, 3, 4, 5)),))


def parts_in(directory: Path, *, durable: bool = True) -> Parts:
    return Parts(lambda number: directory / "out" / f"part-{number:05d}", durable=durable)


def make(parts: Parts, text: bytes = b"whole\n", attempt: int = 0) -> PartRecord:
    with PartWriter(parts.attempt_path(TASK, attempt), OS_FILES, durable=parts.durable) as part:
        part.write(text)
    record = part.record(TASK.splits, REPORT)
    parts.finish(TASK, attempt, record)
    return record


def test_a_part_bears_its_name_when_it_is_finished(tmp_path: Path) -> None:
    parts = parts_in(tmp_path, durable=False)
    parts.attempt_path(TASK, 0).write_text("half")
    assert not list((tmp_path / "out").glob("part-*"))
    parts.discard(TASK, 0)
    make(parts, attempt=1)
    assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == {"part-00007": "whole\n"}


def test_what_was_never_written_can_be_discarded(tmp_path: Path) -> None:
    """A worker may die before it has opened its file."""
    parts_in(tmp_path).discard(TASK, 0)


def test_a_record_has_what_was_written_and_what_was_read(tmp_path: Path) -> None:
    record = make(parts_in(tmp_path), b"whole\n")
    assert record == PartRecord(6, sha256(b"whole\n").hexdigest(), REPORT, (("in", 0, 1, 3, 4, 5),))


def test_a_part_is_of_its_own_rows_of_a_row_group_alone() -> None:
    """Whose other rows, in a run with another number of workers, may begin at the same byte."""
    splits = [
        Split("in", 0, 9, table=TablePart(0, (RowGroup(20, 18),), before=before, taken=taken))
        for before, taken in ((0, 10), (10, 10), (10, 5))
    ]
    records = [PartRecord(1, "", read=_read([split])) for split in splits]
    assert [[record.is_of([split]) for split in splits] for record in records] == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ]


@pytest.mark.parametrize(
    ("old", "new"), [(b'"lines": 1', b'"lines": 2'), (b'"lines": 1', b'"lines": "1"'), (b"{", b"[" * 100_000)]
)
def test_a_part_whose_record_was_changed_is_made_again(tmp_path: Path, old: bytes, new: bytes) -> None:
    make(parts_in(tmp_path))
    record = tmp_path / "out" / ".part-00007.record"
    record.write_bytes(record.read_bytes().replace(old, new))
    assert parts_in(tmp_path).finished(TASK) is None


def test_a_part_that_no_task_has_made_is_named(tmp_path: Path) -> None:
    parts = parts_in(tmp_path)
    make(parts)
    parts.verify()
    (tmp_path / "out" / "part-00009").write_text("forged")
    with pytest.raises(
        IncompleteRunError, match=r"part-00009 is not a part of this run.*Nothing was published"
    ):
        parts.verify()


def test_only_a_durable_part_can_be_gone_on_with(tmp_path: Path) -> None:
    make(parts_in(tmp_path, durable=False))
    assert parts_in(tmp_path).finished(TASK) is None
    record = make(parts_in(tmp_path))
    found = parts_in(tmp_path).finished(TASK)
    assert found is not None
    assert (found.digest, found.report) == (record.digest, REPORT)
    assert parts_in(tmp_path, durable=False).finished(TASK) is None


def test_a_part_whose_record_is_missing_or_damaged_is_not_finished(tmp_path: Path) -> None:
    make(parts_in(tmp_path))
    for damage in (b'{"lines": ', b"[]", b'{"other": 1}', b"\xff"):
        (tmp_path / "out" / ".part-00007.record").write_bytes(damage)
        assert parts_in(tmp_path).finished(TASK) is None
    (tmp_path / "out" / ".part-00007.record").unlink()
    assert parts_in(tmp_path).finished(TASK) is None


@pytest.mark.parametrize("content", [b"", b"who", b"wHole\n", b"whole\nmore\n"])
def test_a_part_that_is_not_as_it_was_written_is_reported_and_made_again(
    tmp_path: Path, content: bytes
) -> None:
    make(parts_in(tmp_path))
    (tmp_path / "out" / "part-00007").write_bytes(content)
    lines: list[str] = []
    parts = Parts(lambda number: tmp_path / "out" / f"part-{number:05d}", durable=True, report=lines.append)
    assert parts.finished(TASK) is None
    assert lines == ["part-00007 has changed since it was written, and is made again."]
    make(parts)
    parts.verify()


@pytest.mark.parametrize(
    "splits",
    [
        (Split("in", 0, 2),),
        (Split("in", 0, 1, state=(2, 3, 4, 6)),),
        (Split("other", 0, 1),),
        (*TASK.splits, Split("other", 0, 1)),
    ],
)
def test_a_part_of_other_bytes_is_not_this_tasks(tmp_path: Path, splits: tuple[Split, ...]) -> None:
    make(parts_in(tmp_path))
    assert parts_in(tmp_path).finished(MapTask(7, splits)) is None


def test_the_same_file_on_another_device_is_the_same(tmp_path: Path) -> None:
    """Some devices have another number after the machine has started again."""
    make(parts_in(tmp_path))
    assert parts_in(tmp_path).finished(MapTask(7, (Split("in", 0, 1, state=(9, 3, 4, 5)),))) is not None


@pytest.mark.parametrize("durable", [True, False])
def test_a_part_that_something_removes_or_changes_is_noticed_before_it_is_used(
    tmp_path: Path, durable: bool
) -> None:
    part = tmp_path / "out" / "part-00007"
    for spoil in (part.unlink, lambda: part.write_bytes(b""), lambda: part.write_bytes(b"wHole\n")):
        parts = parts_in(tmp_path, durable=durable)
        make(parts)
        parts.verify()
        spoil()
        with pytest.raises(IncompleteRunError, match=r"part-00007 is not as its task wrote it"):
            parts.verify()


def test_a_part_that_was_only_touched_is_as_it_was(tmp_path: Path) -> None:
    parts = parts_in(tmp_path)
    make(parts)
    (tmp_path / "out" / "part-00007").touch()
    parts.verify()


def test_nothing_that_stands_there_already_is_written_to(tmp_path: Path) -> None:
    """Not a file, and not what a link leads to."""
    parts = parts_in(tmp_path)
    (tmp_path / "victim").write_text("precious")
    parts.attempt_path(TASK, 0).symlink_to(tmp_path / "victim")
    with pytest.raises(InputError, match="can't be written: File exists"):
        make(parts)
    assert (tmp_path / "victim").read_text() == "precious"


def test_a_part_is_private_until_it_is_published(tmp_path: Path) -> None:
    make(parts_in(tmp_path))
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "out").iterdir()} == {0}


def test_two_runs_never_write_in_one_place(tmp_path: Path) -> None:
    """A worker may outlive its killed driver, and find itself beside those of the next run."""
    one, two = (parts_in(tmp_path, durable=True).attempt_path(TASK, 0) for _ in range(2))
    assert one != two


def test_parts_are_in_the_order_of_their_tasks(tmp_path: Path) -> None:
    names = ["part-00000", "part-00002", "part-99999", "part-100000", "part-100001"]
    assert sorted_parts(tmp_path / name for name in sorted(names)) == [tmp_path / name for name in names]
