"""A sample of the input: lines from places spread over it, bounded in bytes and in seconds."""

from __future__ import annotations

import io
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate, groupby, zip_longest
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from model_mapreduce_job.formats.column_order import rearranged
from model_mapreduce_job.formats.lines import BLOCK_BYTES
from model_mapreduce_job.formats.records import OverlongLine
from model_mapreduce_job.storage.compression import decompressed, whole_or_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from model_mapreduce_job.formats.column_order import ColumnOrder
    from model_mapreduce_job.formats.lines import Block, Source
    from model_mapreduce_job.formats.text_reading import TextReading
    from model_mapreduce_job.plan.input_files import InputFile

SAMPLE_BYTES = 8 << 20
PLACES = 8
MOST_PLACES = 100
# The assumed bytes of text for each byte of a compressed file, until the sample is read.
_LIKELY_EXPANSION = 10
READ_SECONDS = 30.0
# Small reads, so that a decompressor's input is not far ahead of its output.
_RAW_BYTES = 1 << 12


@dataclass(frozen=True)
class SamplePlace:
    """Where a part of the sample begins: the first line start at or after an offset of a file.

    share is roughly how many bytes of text to read there.
    """

    file: InputFile
    offset: int
    share: int


@dataclass(frozen=True)
class Part:
    """Whole lines that were read at a place, and the bytes read for them before and after decompression."""

    place: SamplePlace
    text: bytes
    stored_bytes: int
    taken_bytes: int
    is_whole_file: bool


@dataclass(frozen=True)
class Sample:
    """Lines of the input in blocks, a line of each place in turn.

    text_bytes is their size, decompressed. expansion is the bytes of text for each stored byte of compressed
    files, 1.0 when there are none. is_whole says that the sample is the whole input.
    """

    blocks: Sequence[Any]
    lines: int
    filled_lines: int
    text_bytes: int
    files: int
    expansion: float
    is_whole: bool


def read_sample(
    files: Sequence[InputFile],
    reading: TextReading,
    orders: Mapping[str, ColumnOrder] = MappingProxyType({}),
    seconds: float = READ_SECONDS,
) -> Sample:
    """Return a sample of files, about 8 MiB at most; raises InputError for one that can't be read.

    orders has, by path, the column order of files whose columns are in another order than the run's.
    """
    deadline = monotonic() + seconds
    if not reading.splits_at_lines:
        files = [replace(file, seekable=False) for file in files]
    parts: list[Part] = []
    for place in choose_places(files):
        if parts and (monotonic() > deadline or sum(len(part.text) for part in parts) >= SAMPLE_BYTES):
            break
        parts.append(_read(place, reading, deadline))
    return _sample(files, parts, reading, orders)


def choose_places(files: Sequence[InputFile]) -> list[SamplePlace]:
    """Return every file's start when all can be read whole, else places spread evenly over the input's bytes.

    A file that is compressed or not seekable can only be read from its start. Where that leaves too few
    places, the starts of other files are added.
    """
    filled = [file for file in files if file.size]
    likely = sum(file.size * (_LIKELY_EXPANSION if file.is_compressed else 1) for file in filled)
    if likely <= SAMPLE_BYTES and len(filled) <= MOST_PLACES:
        return [SamplePlace(file, 0, SAMPLE_BYTES) for file in filled]
    ends = list(accumulate(file.size for file in filled))
    # more places when files are smaller than a place's share
    count = min(MOST_PLACES, max(PLACES, SAMPLE_BYTES * len(filled) // ends[-1]))
    located = list(dict.fromkeys(_locate(filled, ends, at * ends[-1] // count) for at in range(count)))
    if len(located) < PLACES:
        starts = ((filled[number * len(filled) // PLACES], 0) for number in range(PLACES))
        located = list(dict.fromkeys([*located, *starts]))[:PLACES]
    places = [SamplePlace(file, offset, SAMPLE_BYTES // len(located)) for file, offset in located]
    # not in order, so that places all over the input were read when reading stops early
    return [place for start in range(PLACES) for place in places[start::PLACES]]


def _locate(files: Sequence[InputFile], ends: Sequence[int], position: int) -> tuple[InputFile, int]:
    number = bisect_right(ends, position)
    file = files[number]
    can_seek = file.seekable and not file.is_compressed
    return file, position - (ends[number] - file.size) if can_seek else 0


def _read(place: SamplePlace, reading: TextReading, deadline: float) -> Part:
    # from one byte before the place: if that is a newline, the line at the place is a whole one
    skipped = 1 if place.offset else 0
    path = place.file.path
    with whole_or_error(path), place.file.open(place.offset - skipped) as opened:
        counted: Any = _Counted(opened)
        source = reading.in_utf_8(decompressed(path, counted))
        taken, ended = _take(source, place.share, reading.max_record_bytes, 1 + skipped, deadline)
    text = taken.partition(b"\n")[2] if skipped else taken
    whole = text if ended else _without_last(text, reading.max_record_bytes)
    return Part(place, whole, counted.count, len(taken), ended and not skipped)


def _take(
    source: Source, share: int, max_record_bytes: int, newlines: int, deadline: float
) -> tuple[bytes, bool]:
    """Return bytes with at least this many newlines, or of a line that is too long; and whether it's all."""
    parts: list[bytes] = []
    size = 0
    while data := source.read(BLOCK_BYTES):
        parts.append(data)
        size += len(data)
        newlines -= data.count(b"\n")
        is_enough = size >= share or monotonic() > deadline
        if is_enough and (newlines <= 0 or size > share + max_record_bytes):
            return b"".join(parts), False
    return b"".join(parts), True


def _without_last(text: bytes, max_record_bytes: int) -> bytes:
    """Return text without its last, incomplete line, unless that is over the limit already."""
    head, newline, rest = text.rpartition(b"\n")
    return text if len(rest) > max_record_bytes else head + newline


class _Counted:
    """Reads at most 4 KiB at a time, and counts the bytes."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.count = 0

    def read(self, size: int = _RAW_BYTES, /) -> bytes:
        """Return at most 4 KiB, and none at the end."""
        data = self._source.read(min(size, _RAW_BYTES) if size > 0 else _RAW_BYTES)
        self.count += len(data)
        return data


def _sample(
    files: Sequence[InputFile],
    parts: Sequence[Part],
    reading: TextReading,
    orders: Mapping[str, ColumnOrder],
) -> Sample:
    by_part = [list(_lines(part.text, reading, orders.get(part.place.file.path))) for part in parts]
    lines = [line for turn in zip_longest(*by_part) for line in turn if line is not None]
    return Sample(
        blocks=list(_blocks(lines)),
        lines=len(lines),
        filled_lines=sum(1 for line in lines if isinstance(line, OverlongLine) or line.strip()),
        text_bytes=sum(len(part.text) for part in parts),
        files=len({part.place.file.path for part in parts}),
        expansion=_expansion(parts),
        is_whole=all(part.is_whole_file for part in parts) and len(parts) == sum(1 for f in files if f.size),
    )


def _lines(text: bytes, reading: TextReading, order: ColumnOrder | None) -> Iterator[bytes | OverlongLine]:
    for block in rearranged(reading.blocks(io.BytesIO(text), is_utf_8=True), order):
        yield from [block] if isinstance(block, OverlongLine) else block


def _blocks(lines: Sequence[bytes | OverlongLine]) -> Iterator[Block]:
    for kind, group in groupby(lines, key=type):
        found: list[Any] = list(group)
        yield from found if kind is OverlongLine else [found]


def _expansion(parts: Sequence[Part]) -> float:
    packed = [part for part in parts if part.place.file.is_compressed and part.stored_bytes]
    stored = sum(part.stored_bytes for part in packed)
    return sum(part.taken_bytes for part in packed) / stored if stored else 1.0
