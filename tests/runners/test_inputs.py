"""What the paths on the command line name."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.storage.inputs import STDIN, list_inputs, refuse_if_filled, split_inputs
from model_mapreduce_job.storage.splits import Split

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make some files, and work in their directory."""
    monkeypatch.chdir(tmp_path)
    for name in ("b", "a", "_c", ".d", "sub/f", "sub/e", "sub/_tmp/g", ".out.unfinished/part-00000"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1\n")


def test_files_come_as_given_and_those_of_a_directory_by_name() -> None:
    found = list_inputs(["data/b", STDIN, "data", "data/a"])
    assert found == ["data/b", STDIN, "data/a", "data/b", "data/sub/e", "data/sub/f", "data/a"]


def test_a_glob_names_files_and_directories() -> None:
    assert list_inputs(["data/*"]) == ["data/a", "data/b", "data/sub/e", "data/sub/f"]
    assert list_inputs(["data/[b]"]) == ["data/b"]


def test_what_is_named_itself_is_taken_however_it_is_called() -> None:
    assert list_inputs(["data/_c", "data/.d"]) == ["data/_c", "data/.d"]
    assert list_inputs(["data/.out.unfinished"]) == ["data/.out.unfinished/part-00000"]


def test_a_uri_of_a_file_is_its_path(tmp_path: Path) -> None:
    assert list_inputs([f"file://{tmp_path}/data/a"]) == [f"{tmp_path}/data/a"]


def test_a_link_to_a_file_is_read_and_one_to_a_directory_is_refused(tmp_path: Path) -> None:
    """Nobody can say from outside how much there is behind it, nor that it leads out of what was named."""
    (tmp_path / "h").write_text("1\n")
    (tmp_path / "data" / "sub" / "h").symlink_to(tmp_path / "h")
    assert list_inputs(["data"]) == ["data/a", "data/b", "data/sub/e", "data/sub/f", "data/sub/h"]
    (tmp_path / "data" / "sub" / "up").symlink_to(tmp_path / "data")
    for pattern in ("data", "data/sub/*", "data/*"):
        with pytest.raises(
            InputError, match=r"data/sub/up is a link to a directory\. Only files, and links to files"
        ):
            list_inputs([pattern])
    assert list_inputs(["data/sub/up/sub/e"]) == ["data/sub/up/sub/e"]


@pytest.mark.parametrize("pattern", ["data", "data/*"])
@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (os.mkfifo, "a named pipe"),
        (lambda path: Path(path).symlink_to("/dev/zero"), "a device"),
        (lambda path: socket.socket(socket.AF_UNIX).bind(path), "a socket"),
    ],
)
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_what_has_no_end_is_refused_where_nobody_has_named_it(
    pattern: str, make: Callable[[str], None], kind: str
) -> None:
    make("data/c")
    with pytest.raises(InputError, match=rf"data/c is {kind}\. Only files, and links to files, are read"):
        list_inputs([pattern])
    Path("data/c").unlink()


def test_a_named_pipe_that_is_named_is_read() -> None:
    os.mkfifo("data/c")
    assert list_inputs(["data/c"]) == ["data/c"]


def test_a_file_without_a_name_is_streamed_by_who_has_it_open(tmp_path: Path) -> None:
    """Such as a shell's here-document over 64 KB on /dev/stdin."""
    with (tmp_path / "here").open("w+") as file:
        (tmp_path / "here").unlink()
        path = f"/dev/fd/{file.fileno()}"
        assert split_inputs([path], 1) == [Split(path, 0, 0, streamed=True)]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("data/x*", r"There is no input data/x\*\. data has: a, b, many, sub\. Check the path\."),
        ("data/many/x", r"There is no input data/many/x\. data/many has: 0, 1, 2, 3, 4 and \d+ more\."),
        ("x", r"There is no input x\. The current directory has: data"),
        ("nowhere/x", r"There is no input nowhere/x\. There is no directory nowhere\."),
        ("data/sub/_tmp/empty", "The input directory data/sub/_tmp/empty has no files in it."),
        ("s3://bucket/x", r"s3://bucket/x is not on this machine\."),
    ],
)
def test_what_names_nothing_is_an_error_that_says_what_there_is(pattern: str, message: str) -> None:
    Path("data/sub/_tmp/empty").mkdir()
    Path("data/many").mkdir()
    for number in range(7):
        Path("data/many", str(number)).touch()
    with pytest.raises(InputError, match=message):
        list_inputs([pattern])


def test_a_directory_that_cannot_be_listed_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files would be missing, and nobody would know. Root may list all but what has too long a path."""
    monkeypatch.chdir(tmp_path / "data")
    for _ in range(20):
        Path("d" * 250).mkdir()
        monkeypatch.chdir("d" * 250)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"The input data/.* can't be read: File name too long\."):
        list_inputs(["data"])


def test_a_link_that_leads_nowhere_is_an_error() -> None:
    Path("data/broken").symlink_to("nothing")
    with pytest.raises(InputError, match=r"The input .*data/broken can't be read: No such file or directory"):
        split_inputs(list_inputs(["data"]), 1)


def test_standard_input_is_one_stream_in_its_place(tmp_path: Path) -> None:
    splits = split_inputs(["data/a", STDIN, "data/b"], 2)
    assert splits == [
        Split(f"{tmp_path}/data/a", 0, 2),
        Split(STDIN, 0, 0, streamed=True),
        Split(f"{tmp_path}/data/b", 0, 2),
    ]


def test_a_file_behind_a_descriptor_is_named_so_that_other_processes_find_it(tmp_path: Path) -> None:
    """/dev/stdin, for one, is another file in a worker."""
    with Path("data/a").open() as file:
        splits = split_inputs([f"/dev/fd/{file.fileno()}"], 1)
    assert splits == [Split(f"{tmp_path}/data/a", 0, 2)]


def test_a_pipe_is_streamed_from_where_the_driver_sees_it() -> None:
    out, in_ = os.pipe()
    assert split_inputs([f"/dev/fd/{out}"], 1) == [Split(f"/dev/fd/{out}", 0, 0, streamed=True)]
    os.close(out)
    os.close(in_)


def test_a_file_that_was_empty_when_the_run_was_planned_and_is_not_any_more_is_named() -> None:
    """It has no split, so nobody would have looked at it."""
    Path("data/empty").touch()
    paths = ["data/a", STDIN, "data/empty"]
    splits = split_inputs(paths, 1)
    refuse_if_filled(paths, splits)
    Path("data/empty").write_text("1\n")
    with pytest.raises(InputError, match=r"data/empty was empty when the run started, and isn't now\."):
        refuse_if_filled(paths, splits)
