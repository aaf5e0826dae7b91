"""The parts of an output while they are being made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_mapreduce_job.runners.map_task import MapTask
from model_mapreduce_job.runners.parts import Parts, in_order
from model_mapreduce_job.runners.splits import Split

if TYPE_CHECKING:
    from pathlib import Path

TASK = MapTask(7, Split("in", 0, 1))


def parts_in(directory: Path, *, durable: bool) -> Parts:
    return Parts(lambda number: directory / "out" / f"part-{number:05d}", durable=durable)


def test_a_part_bears_its_name_when_it_is_finished(tmp_path: Path) -> None:
    parts = parts_in(tmp_path, durable=False)
    parts.attempt_path(TASK, 0).write_text("half")
    parts.attempt_path(TASK, 1).write_text("whole")
    assert not list((tmp_path / "out").glob("part-*"))
    parts.discard(TASK, 0)
    parts.finish(TASK, 1, {"lines": 1})
    assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == {"part-00007": "whole"}


def test_what_was_never_written_can_be_discarded(tmp_path: Path) -> None:
    """A worker may die before it has opened its file."""
    parts_in(tmp_path, durable=False).discard(TASK, 0)


def test_only_a_durable_part_can_be_gone_on_with(tmp_path: Path) -> None:
    for durable, before in ((False, None), (True, {"lines": 1})):
        parts = parts_in(tmp_path, durable=durable)
        parts.attempt_path(TASK, 0).touch()
        parts.finish(TASK, 0, {"lines": 1})
        assert parts_in(tmp_path, durable=durable).finished(7) == before


def test_a_part_whose_counts_are_missing_or_damaged_is_not_finished(tmp_path: Path) -> None:
    parts = parts_in(tmp_path, durable=True)
    parts.attempt_path(TASK, 0).touch()
    parts.finish(TASK, 0, {"lines": 1})
    (tmp_path / "out" / ".part-00007.tally").write_text('{"lines": ')
    assert parts.finished(7) is None
    (tmp_path / "out" / ".part-00007.tally").unlink()
    assert parts.finished(7) is None


def test_two_runs_never_write_in_one_place(tmp_path: Path) -> None:
    """A worker may outlive its killed driver, and find itself beside those of the next run."""
    one, two = (parts_in(tmp_path, durable=True).attempt_path(TASK, 0) for _ in range(2))
    assert one != two


def test_parts_are_in_the_order_of_their_tasks(tmp_path: Path) -> None:
    names = ["part-00000", "part-00002", "part-99999", "part-100000", "part-100001"]
    assert in_order(tmp_path / name for name in sorted(names)) == [tmp_path / name for name in names]
