"""What a task reads."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.runners.sources import open_source
from model_mapreduce_job.runners.splits import Split

if TYPE_CHECKING:
    from pathlib import Path


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
