"""Lines that know whether there is anything to look for in them, on their way from a text to a reader."""

import io
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from model_mapreduce_job.formats.lines import read_blocks
from model_mapreduce_job.formats.protocols import JsonLineReader
from model_mapreduce_job.formats.reading import read_batch
from model_mapreduce_job.formats.split_lines import SplitLines
from model_mapreduce_job.models.schemas import record_schema
from model_mapreduce_job.pipeline.batches import batches

READER = JsonLineReader(record_schema(None))
LINES = st.lists(
    st.sampled_from(
        [
            *(b"", b" ", b"1", b"{}", b'{"a":1}', b'{"a": "b"}', b"nonsense", b'{"a":1}\r', b'{"a":\t1}'),
            *(b"\xef\xbb\xbf1", b'"\xc3\xa9"', b'"\xff"', b'"\\ud800"'),
        ]
    )
)


@dataclass
class Size:
    """Says a size."""

    size: int


def is_plain(line: bytes) -> bool:
    return line.isascii() and not set(line) & set(b"\t\r")


@given(LINES, st.integers(1, 40), st.integers(1, 5))
def test_no_batch_is_called_plain_that_has_another_line(lines: Any, block_bytes: int, size: int) -> None:
    text = b"\n".join([*lines, b""])
    for batch in batches(read_blocks(io.BytesIO(text), block_bytes=block_bytes), Size(size)):
        assert isinstance(batch, SplitLines)
        assert not batch.is_plain or all(map(is_plain, batch))


@given(st.lists(st.sampled_from([b"1", b"{}", b'{"a":1}']), min_size=1), st.integers(1, 40))
def test_a_batch_of_plain_lines_alone_is_called_plain(lines: Any, block_bytes: int) -> None:
    text = b"\n".join([*lines, b""])
    assert all(
        batch.is_plain for batch in batches(read_blocks(io.BytesIO(text), block_bytes=block_bytes), Size(3))
    )


def test_one_line_that_is_not_plain_costs_nothing_once_its_block_is_read() -> None:
    blocks = [SplitLines.of_text(text) for text in (b"1\n2\n3\t", b"4\n5\n6", b"7\n8\n9")]
    found = [(batch.is_plain, [*batch]) for batch in batches(blocks, Size(2))]
    assert found == [
        (False, [b"1", b"2"]),
        (False, [b"3\t", b"4"]),
        (False, [b"5", b"6"]),
        (True, [b"7", b"8"]),
        (True, [b"9"]),
    ]


@given(LINES.filter(bool))
def test_what_is_read_does_not_depend_on_what_lines_know_of_themselves(lines: Any) -> None:
    knowing, other = (read_batch(READER, given) for given in (SplitLines.of_text(b"\n".join(lines)), lines))
    assert (knowing.keys, knowing.failures, knowing.lines) == (other.keys, other.failures, other.lines)
    assert (knowing.blank, knowing.records.rows()) == (other.blank, other.records.rows())


@given(LINES, LINES)
def test_lines_with_others_added_are_all_of_them_and_know_how_long_they_are(one: Any, more: Any) -> None:
    for others in (more, SplitLines(more, is_plain=all(map(is_plain, more)))):
        lines = SplitLines(one.copy(), is_plain=all(map(is_plain, one)))
        lines.extend(others)
        assert [*lines] == one + more
        assert lines.size == sum(map(len, one + more))
        assert not lines.is_plain or all(map(is_plain, lines))
