"""Many small files on one machine: few tasks, whose output, order and messages are those of a task a file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from local_jobs import numbered, output_of, write_records

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.storage.splits import split_files, together
from model_mapreduce_job.task.messages import Begin
from model_mapreduce_job.task.task_files import TaskFiles

if TYPE_CHECKING:
    from local_jobs import LocalJob

    from model_mapreduce_job.storage.splits import Split

FILES, ROWS, BAD_FILE, MOST_TASKS = 150, 3, 101, 64  # of two workers


def write_files(directory: Path, ending: str = "\n") -> list[str]:
    """Write numbered records, a few to a file; return the files."""
    directory.mkdir()
    for number in range(FILES):
        lines = [json.dumps(record) for record in numbered(ROWS, number * ROWS)]
        (directory / f"{number:03}").write_text("\n".join(lines) + ending)
    return sorted(map(str, directory.iterdir()))


def test_they_are_few_tasks_and_each_line_is_still_of_its_own_file(job: LocalJob) -> None:
    """Also where no file's last line ends, and a task is told of its files what Hadoop's tasks are told."""
    first = Path(write_files(job.directory / "in", ending="")[0])
    bad = job.directory / "in" / f"{BAD_FILE:03}"
    write_records(bad, [*numbered(2, BAD_FILE * ROWS), {"n": BAD_FILE * ROWS + 2, "do": "refuse"}])
    write_records(first, [{"n": 0, "env": "mapreduce_map_input_file"}, *numbered(2, 1)])
    ran = job.run("--output-dir", "out", "--summary_file", "run.json", "in")
    assert ran.code == 0, ran.errors
    pairs = [line.split(b"\t") for line in output_of(job.directory / "out").splitlines()]
    assert [json.loads(key)["n"] for key, _ in pairs] == list(range(FILES * ROWS))
    assert [number for number, (_, value) in enumerate(pairs) if value == b"null"] == [BAD_FILE * ROWS + 2]
    (reason,) = json.loads((job.directory / "run.json").read_text())["reasons"]
    assert reason["place"] == {"file": str(bad), "from_byte": 0, "line": 3}
    assert re.fullmatch(rf"file://{first} and \d more", json.loads(pairs[0][1]))
    assert len(list((job.directory / "out").glob("part-*"))) <= MOST_TASKS


def test_each_csv_file_has_its_own_header_and_order(job: LocalJob) -> None:
    (job.directory / "in").mkdir()
    for number in range(FILES):
        cells = ("n,pad", f"{number},x") if number % 3 else ("pad,n", f"x,{number}")
        (job.directory / "in" / f"{number:03}.csv").write_text("\n".join(cells))
    ran = job.run("--input_protocol", "csv", "in")
    assert ran.code == 0, ran.errors
    assert f"{2 * FILES} lines = {FILES} predicted + 0 failed + 0 blank + {FILES} headers" in ran.errors
    assert [value["n"] for value in ran.values] == list(range(FILES))


@pytest.mark.parametrize("error", [None, ValueError("no JSON")])
@pytest.mark.parametrize("changed", [0, 1])
def test_the_one_that_changes_before_its_task_has_ended_is_named(
    tmp_path: Path, changed: int, error: Exception | None
) -> None:
    """One that was read, or is being read; whatever comes of it, such as a line that was cut apart."""
    paths = write_files(tmp_path / "in")
    splits: tuple[Split, ...] = max(together(split_files(paths, 1), 1), key=len)
    words = f"{splits[changed].path} became longer while the run went on"

    def read() -> None:
        with TaskFiles(Begin()).opened_in_turn(splits, b"") as source:
            for number, _ in enumerate(source.blocks):
                if number == 1:
                    with Path(splits[changed].path).open("a") as file:
                        file.write("more")
                    if error:
                        raise error

    with pytest.raises(InputError, match=words):
        read()


@pytest.mark.parametrize("removed", [True, False])
def test_one_that_is_removed_or_replaced_when_it_was_read_is_named(tmp_path: Path, removed: bool) -> None:
    """As a large one is, whose next split finds it so."""
    splits = split_files(write_files(tmp_path / "in")[:2], 1)

    def read() -> None:
        with TaskFiles(Begin()).opened_in_turn(splits, b"") as source:
            assert sum(map(len, source.blocks)) == 2 * ROWS
            if removed:
                Path(splits[0].path).unlink()
            else:
                write_records(tmp_path / "new", [{}]).rename(splits[0].path)

    words = "can't be read: No such file" if removed else "was replaced by another file while the run"
    with pytest.raises(InputError, match=f"{splits[0].path} {words}"):
        read()
