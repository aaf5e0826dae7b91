"""Lines that are one text look like a list of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_mapreduce_job.formats.joined_lines import JoinedLines
from model_mapreduce_job.formats.text_forms import size_of, text_of, whole_text

PAIRS = st.lists(st.tuples(st.binary(max_size=4), st.binary(max_size=4))).map(
    lambda pairs: [tuple(part.replace(b"\n", b"") for part in pair) for pair in pairs]
)


@given(PAIRS)
def test_they_are_a_line_of_each_pair(pairs: list[tuple[bytes, bytes]]) -> None:
    lines = JoinedLines.of_pairs([one for one, _ in pairs], b"\t", [other for _, other in pairs])
    expected = list(map(b"\t".join, pairs))
    assert [*lines] == expected
    assert [lines[place] for place in range(len(lines))] == expected
    assert lines[1:3] == expected[1:3]
    assert whole_text(lines) == whole_text(expected)
    assert text_of(lines) == text_of(expected)
    assert size_of(lines) == len(whole_text(expected))


@pytest.mark.parametrize("seconds", [[], [b"1", b"2"]])
def test_what_does_not_pair_is_refused(seconds: list[bytes]) -> None:
    with pytest.raises(ValueError, match="sequence of size"):
        JoinedLines.of_pairs([b"1"], b"\t", seconds)


def test_what_is_no_bytes_is_refused() -> None:
    with pytest.raises(TypeError):
        JoinedLines.of_pairs([b"1"], b"\t", [None])
