"""A sample is whole lines from places spread over the input, and says of how much of it."""

import bz2
import gzip
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.lines import Source
from model_mapreduce_job.formats.records import OverlongLine
from model_mapreduce_job.formats.text_reading import TextReading
from model_mapreduce_job.plan import sample as sample_module
from model_mapreduce_job.plan.input_files import InputFile
from model_mapreduce_job.plan.sample import (
    MOST_PLACES,
    PLACES,
    SAMPLE_BYTES,
    Sample,
    SamplePlace,
    choose_places,
    read_sample,
)

LIMIT = 1 << 20
READING = TextReading(LIMIT)


def in_memory(path: str, data: bytes, *, seekable: bool = True) -> InputFile:
    @contextmanager
    def open_at(offset: int) -> Iterator[Source]:
        assert seekable or offset == 0
        yield io.BytesIO(data[offset:])

    return InputFile(path, len(data), open_at, seekable)


def of_size(path: str, size: int, *, seekable: bool = True) -> InputFile:
    """Return a file that is only looked at, never read."""
    return InputFile(path, size, in_memory(path, b"").open, seekable)


def numbered(count: int, width: int = 99) -> bytes:
    return b"".join(b"%0*d\n" % (width, number) for number in range(count))


def lines_of(sample: Sample) -> list[bytes]:
    return list(chain.from_iterable(block for block in sample.blocks if isinstance(block, list)))


def test_a_small_input_is_read_whole() -> None:
    sample = read_sample([in_memory("a", b"1\n2\n"), in_memory("b", b"\n3")], READING)
    assert sorted(lines_of(sample)) == [b"", b"1", b"2", b"3"]
    assert (sample.lines, sample.filled_lines, sample.files, sample.is_whole) == (4, 3, 2, True)


def test_lines_of_the_places_come_in_turn() -> None:
    sample = read_sample([in_memory("a", b"1\n2\n"), in_memory("b", b"3\n")], READING)
    assert lines_of(sample) == [b"1", b"3", b"2"]


def test_an_empty_input_is_whole_and_has_no_lines() -> None:
    sample = read_sample([in_memory("a", b"")], READING)
    assert (sample.lines, sample.blocks, sample.is_whole) == (0, [], True)


def test_empty_files_beside_others_dont_make_it_less_than_whole() -> None:
    assert read_sample([in_memory("a", b""), in_memory("b", b"1\n")], READING).is_whole


LARGE = numbered(3 * SAMPLE_BYTES // 100)


def test_a_large_file_is_sampled_at_places_spread_over_it() -> None:
    sample = read_sample([in_memory("a", LARGE)], READING)
    numbers = sorted(map(int, lines_of(sample)))
    assert len(set(numbers)) == len(numbers)
    tenths = {number * 10 * 100 // len(LARGE) for number in numbers}
    assert tenths == set(range(10))
    assert not sample.is_whole
    assert SAMPLE_BYTES * 0.9 < sample.text_bytes < SAMPLE_BYTES * 1.3


def test_every_sampled_line_is_a_whole_line_of_the_input() -> None:
    sample = read_sample([in_memory("a", LARGE)], READING)
    assert {len(line) for line in lines_of(sample)} == {99}


def test_a_file_that_has_no_middle_to_read_from_is_sampled_at_its_start() -> None:
    sample = read_sample([in_memory("a", LARGE, seekable=False)], READING)
    first, *_, last = lines_of(sample)
    assert int(first) == 0
    assert int(last) == len(lines_of(sample)) - 1


def test_places_are_spread_by_bytes_over_many_files() -> None:
    places = choose_places([of_size(f"{number:03}", SAMPLE_BYTES) for number in range(80)])
    assert [place.file.path for place in places] == [f"{number:03}" for number in range(0, 80, 10)]
    assert {place.share for place in places} == {SAMPLE_BYTES // PLACES}


def test_a_file_that_cant_be_entered_in_its_middle_is_one_place() -> None:
    compressed, streamed = of_size("a.gz", SAMPLE_BYTES), of_size("b", SAMPLE_BYTES, seekable=False)
    assert choose_places([compressed, streamed]) == [
        SamplePlace(compressed, 0, SAMPLE_BYTES // 2),
        SamplePlace(streamed, 0, SAMPLE_BYTES // 2),
    ]


def test_a_small_file_beside_a_large_one_that_has_one_place_is_seen_as_well() -> None:
    large, small = of_size("a.gz", 100 * SAMPLE_BYTES), of_size("b", 10)
    assert [place.file.path for place in choose_places([large, small])] == ["a.gz", "b"]


def test_of_a_thousand_tiny_files_a_hundred_are_opened_and_early_ones_are_from_all_over() -> None:
    places = choose_places([of_size(str(number), 10) for number in range(1000)])
    assert len(places) == MOST_PLACES
    assert {int(place.file.path) // 100 for place in places[: MOST_PLACES // PLACES + 1]} == set(range(10))


def test_of_small_files_so_many_are_read_that_the_sample_is_full() -> None:
    places = choose_places([of_size(str(number), SAMPLE_BYTES // 50) for number in range(1000)])
    assert len(places) == 50


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": zstd.compress,
}


@pytest.mark.parametrize("ending", COMPRESS)
def test_a_small_compressed_file_is_read_whole(ending: str) -> None:
    text = numbered(1000)
    sample = read_sample([in_memory(f"a{ending}", COMPRESS[ending](text))], READING)
    assert (sample.lines, sample.is_whole, sample.text_bytes) == (1000, True, len(text))


def test_what_a_compressed_file_expands_to_is_told_by_its_start() -> None:
    packed = gzip.compress(LARGE)
    sample = read_sample([in_memory("a.gz", packed)], READING)
    assert not sample.is_whole
    assert sample.text_bytes < SAMPLE_BYTES + LIMIT
    assert sample.expansion == pytest.approx(len(LARGE) / len(packed), rel=0.1)


def test_without_compressed_files_nothing_expands() -> None:
    assert read_sample([in_memory("a", b"1\n")], READING).expansion == 1.0


def test_a_damaged_file_is_named() -> None:
    with pytest.raises(InputError, match=r"a\.gz is cut off or damaged"):
        read_sample([in_memory("a.gz", gzip.compress(numbered(100))[:-9])], READING)


def test_a_file_that_may_not_be_opened_is_named() -> None:
    @contextmanager
    def open_at(_offset: int) -> Iterator[Source]:
        raise PermissionError(13, "Permission denied")
        yield io.BytesIO()

    with pytest.raises(InputError, match="The input a can't be read: Permission denied"):
        read_sample([InputFile("a", 1, open_at)], READING)


def test_a_line_over_the_limit_is_one_line_of_the_sample() -> None:
    sample = read_sample([in_memory("a", b"1\n" + b"x" * 2000 + b"\n2\n")], TextReading(1000))
    assert [type(block) for block in sample.blocks] == [list, OverlongLine, list]
    assert (sample.lines, sample.filled_lines) == (3, 3)


def test_a_file_that_is_one_endless_line_is_not_read_to_its_end() -> None:
    read = 0

    class Endless:
        def read(self, size: int, /) -> bytes:
            nonlocal read
            read += size
            return b"x" * size

    @contextmanager
    def open_at(_offset: int) -> Iterator[Source]:
        yield Endless()

    sample = read_sample([InputFile("a", 1 << 40, open_at, seekable=False)], READING)
    assert [type(block) for block in sample.blocks] == [OverlongLine]
    assert read < 2 * (SAMPLE_BYTES + LIMIT)


def test_a_line_longer_than_a_places_share_is_still_read() -> None:
    line = b"y" * (SAMPLE_BYTES // PLACES * 2)
    data = b"\n".join([line] * 20)
    sample = read_sample([in_memory("a", data)], TextReading(len(line)))
    assert set(lines_of(sample)) == {line}


def test_reading_stops_at_the_deadline_with_what_it_has() -> None:
    sample = read_sample([in_memory("a", LARGE)], READING, seconds=0.0)
    assert 0 < sample.text_bytes < SAMPLE_BYTES // PLACES
    assert not sample.is_whole


@given(
    lines=st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), max_size=60),
    share=st.integers(1, 200),
)
@settings(max_examples=100, deadline=None)
def test_whatever_a_file_holds_only_its_lines_are_sampled(lines: list[bytes], share: int) -> None:
    data = b"\n".join(lines)
    file = in_memory("a", data)
    for offset in range(0, len(data), 7):
        part = sample_module._read(SamplePlace(file, offset, share), READING, float("inf"))
        assert set(part.text.removesuffix(b"\n").split(b"\n")) <= {*lines, b""}


def test_a_file_in_memory_reads_as_one_on_disk(tmp_path: Path) -> None:
    """The fake of these tests is as good as a file."""
    path = tmp_path / "a"
    path.write_bytes(LARGE)

    @contextmanager
    def open_at(offset: int) -> Iterator[Source]:
        with path.open("rb") as file:
            file.seek(offset)
            yield file

    on_disk = InputFile("a", len(LARGE), open_at)
    assert read_sample([on_disk], READING) == read_sample([in_memory("a", LARGE)], READING)
