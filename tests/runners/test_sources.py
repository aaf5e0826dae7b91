"""What a task reads."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.storage.inputs import with_states
from model_mapreduce_job.storage.sources import open_source
from model_mapreduce_job.storage.splits import Split, file_state, split_files

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_range_is_read_to_its_end_and_no_further(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"0123456789")
    with open_source(Split(str(tmp_path / "in"), 2, 5), b"") as source:
        assert [source.read(3), source.done(), source.read(3), source.read(3)] == [b"234", 3, b"56", b""]


def test_a_file_that_became_shorter_is_an_error(tmp_path: Path) -> None:
    """Its lines would be missing, and nobody would know."""
    (tmp_path / "in").write_bytes(b"0123")
    with open_source(Split(str(tmp_path / "in"), 2, 5), b"") as source:
        assert source.read(5) == b"23"
        with pytest.raises(InputError, match=r"in became shorter while it was read\."):
            source.read(5)


def test_of_a_compressed_file_progress_is_that_in_the_file(tmp_path: Path) -> None:
    packed = gzip.compress(b"x" * 100_000)
    (tmp_path / "in.gz").write_bytes(packed)
    with open_source(Split(str(tmp_path / "in.gz"), 0, len(packed)), b"") as source:
        assert source.read(100_000) == b"x" * 100_000
        assert source.done() == len(packed)


def test_a_chunk_of_a_stream_comes_with_the_request() -> None:
    with open_source(Split("any.gz", 0, 0, streamed=True), b"not compressed") as source:
        assert [source.read(3), source.done(), source.read(100)] == [b"not", 3, b" compressed"]


def test_a_file_that_is_gone_is_an_error_with_its_name(tmp_path: Path) -> None:
    gone = Split(f"{tmp_path}/gone", 0, 1)
    words = "/gone can't be read: No such file or directory"
    with pytest.raises(InputError, match=words), open_source(gone, b""):
        pass


def test_errors_of_others_are_not_the_inputs(tmp_path: Path) -> None:
    """What goes wrong while a source is open need not be its fault."""
    (tmp_path / "in.gz").write_bytes(gzip.compress(b""))
    split = Split(str(tmp_path / "in.gz"), 0, 1)
    with pytest.raises(EOFError, match="a model's own"), open_source(split, b""):
        raise EOFError("a model's own")


def lengthen(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more\n")


def rewrite(path: Path) -> None:
    info = path.stat()
    path.write_bytes(b"y" * info.st_size)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns + 1))


def replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)


def read_and_change(split: Split, change: Callable[[Path], None], error: Exception | None = None) -> None:
    with open_source(split, b"") as source:
        source.read(100)
        change(Path(split.path))
        if error:
            raise error


CHANGES = pytest.mark.parametrize(
    ("change", "words"),
    [
        (lengthen, r"became longer while the run went on: it had \d+ bytes, and has \d+\. Run again when"),
        (lambda path: os.truncate(path, 1), "became shorter while the run went on"),
        (rewrite, "was written to while the run went on"),
    ],
)


@CHANGES
@pytest.mark.parametrize("name", ["in", "in.gz"])
def test_a_file_that_has_changed_since_the_run_was_planned_is_named(
    tmp_path: Path, name: str, change: Callable[[Path], None], words: str
) -> None:
    """Before its first byte is used, and after its last."""
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"one\ntwo\n") if name.endswith("gz") else b"one\ntwo\n")
    split = split_files([str(path)], 1)[0]
    with pytest.raises(InputError, match=rf"/{name} {words}"):
        read_and_change(split, change)
    with pytest.raises(InputError, match=rf"/{name} {words}"), open_source(split, b""):
        pytest.fail("nothing is to be read")


def test_a_file_that_was_replaced_is_named(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"one\n")
    split = split_files([str(tmp_path / "in")], 1)[0]
    replace(tmp_path / "in")
    words = r"/in was replaced by another file while the run went on\."
    with pytest.raises(InputError, match=words), open_source(split, b""):
        pytest.fail("nothing is to be read")


def test_a_named_pipe_that_took_a_files_place_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"one\n")
    split = split_files([str(tmp_path / "in")], 1)[0]
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "pipe").replace(tmp_path / "in")
    with pytest.raises(InputError, match="/in was replaced"), open_source(split, b""):
        pytest.fail("nothing is to be read")


def test_a_mix_of_an_old_and_a_new_file_is_named(tmp_path: Path) -> None:
    """Of several splits, one that is open reads the old file to its end; the next one finds another."""
    path = tmp_path / "in"
    path.write_bytes(b"one\ntwo\n")
    first, second = split_files([str(path)], 1, smallest=4)
    with open_source(first, b"") as source:
        replace(path)
        assert source.read(100) == b"one\n"
    with pytest.raises(InputError, match="/in was replaced"), open_source(second, b""):
        pytest.fail("nothing is to be read")


def test_a_file_that_has_changed_since_its_columns_were_read_is_named(tmp_path: Path) -> None:
    """Its splits may have been made of another one, whose columns stand in another order."""
    path = tmp_path / "in"
    path.write_bytes(b"a,b\n1,2\n")
    looked_at = {str(path): file_state(path.stat())}
    replace(path)
    (split,) = with_states(split_files([str(path)], 1), looked_at)
    with pytest.raises(InputError, match="/in was replaced"), open_source(split, b""):
        pytest.fail("nothing is to be read")


def test_one_that_is_replaced_while_it_is_open_is_read_as_it_was(tmp_path: Path) -> None:
    """What was opened is still there, whole."""
    (tmp_path / "in").write_bytes(b"one\n")
    with open_source(split_files([str(tmp_path / "in")], 1)[0], b"") as source:
        replace(tmp_path / "in")
        assert source.read(100) == b"one\n"


def test_what_comes_of_a_change_is_not_named_in_its_place(tmp_path: Path) -> None:
    """Such as a line that was cut apart, which a model can't read."""
    (tmp_path / "in").write_bytes(b"one\n")
    split = split_files([str(tmp_path / "in")], 1)[0]
    with pytest.raises(InputError, match="became longer"):
        read_and_change(split, lengthen, error=ValueError("no JSON"))
