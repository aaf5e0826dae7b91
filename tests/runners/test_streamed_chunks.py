"""A stream in chunks of whole lines."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from model_mapreduce_job.storage.sources import as_source, chunks


@given(
    lines=st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=20),
    size=st.integers(1, 30),
)
def test_chunks_end_where_lines_end_and_leave_nothing_out(lines: list[bytes], size: int) -> None:
    content = b"\n".join(lines)
    found = list(chunks(io.BytesIO(content), 1000, size))
    assert b"".join(found) == content
    assert all(chunk.endswith(b"\n") for chunk in found[:-1])


def test_of_a_line_that_is_too_long_as_much_is_kept_as_shows_it() -> None:
    """Memory holds a chunk and the limit, whatever the length of the line."""
    found = list(chunks(io.BytesIO(b"a\n" + b"x" * 10_000 + b"\nb\n"), 100, 10))
    assert b"".join(found).splitlines()[0::2] == [b"a", b"b"]
    assert 100 < max(map(len, b"".join(found).splitlines())) < 150


def test_a_list_of_lines_is_a_stream_too() -> None:
    """The sandbox of mrjob gives one; lines may lack their newlines."""
    assert as_source([b"a\n", b"b"]).read(100) == b"a\nb\n"
    stream = io.BytesIO(b"c")
    assert as_source(stream) is stream
