"""A batch of lines into records: each line's record or failure, and the key by which it comes back."""

from __future__ import annotations

import os
from bisect import bisect
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.arrow_records import ArrowRecords
from model_mapreduce_job.formats.errors import extend_until_error, failure_of, still_ourselves
from model_mapreduce_job.formats.lines import BOM, strip_bom_and_cr
from model_mapreduce_job.formats.protocols import HeaderLine, needs_escaping
from model_mapreduce_job.formats.read_batch import ReadBatch, ReadLines, inserted, places_without
from model_mapreduce_job.formats.records import RECORD_ERRORS, DecodedRecords, Failure, Records, with_value
from model_mapreduce_job.formats.text_encodings import is_utf_8
from model_mapreduce_job.formats.text_forms import are_plain, is_text_block, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from model_mapreduce_job.formats.plain_reader import PlainPart
    from model_mapreduce_job.formats.protocols import InputProtocol
    from model_mapreduce_job.formats.records import ToColumns


def read_batch(
    protocol: InputProtocol, lines: Sequence[bytes], to_columns: ToColumns | None = None
) -> ReadBatch:
    """Return the records of lines; one that can't be read becomes a failure, a blank one is only counted.

    to_columns makes columns of records, for a model that takes some.
    """
    lines, text = _stripped(lines)
    utf8 = is_utf_8(text)
    if (read_plain := getattr(protocol, "read_plain", None)) and (part := read_plain(lines, is_utf_8=utf8)):
        return _with_others(_Block(protocol, lines, part, to_columns, utf8))
    lines = list(lines)
    read = _read(protocol, lines, _reads(protocol, lines, utf8=utf8))
    failures = read.failures
    kept: Sequence[int] = range(len(lines))
    if read.blank or read.headers:
        gone = read.blank | read.headers
        kept = [place for place in kept if place not in gone]
        lines = [lines[place] for place in kept]
        failures = {new: failures[place] for new, place in enumerate(kept) if place in failures}
    keys = _keys(protocol, lines, failures, as_they_are=protocol.line_is_key and not needs_escaping(text))
    records = DecodedRecords(
        read.records,
        _without(failures, lines),
        partial(_read_alone, protocol),
        to_columns,
    )
    return ReadBatch(keys, records, failures, kept, len(read.blank), len(read.headers))


def _stripped(lines: Sequence[bytes]) -> tuple[Sequence[bytes], bytes]:
    """Return lines without byte order marks and CRs, and their text: the very lines where there are none.

    The text is none where nothing needs to be sought in it.
    """
    if are_plain(lines):
        return lines, b""
    text = text_of(lines)
    if b"\r" in text or BOM[:1] in text:  # one byte is quickly sought
        lines = list(map(strip_bom_and_cr, lines))
        text = b"\n".join(lines)
    return lines, text


class _Block(msgspec.Struct, frozen=True):
    """Lines of which a part, the plain rows, was read together, and how the others are read."""

    protocol: Any
    lines: Sequence[bytes]
    part: PlainPart
    to_columns: ToColumns | None
    utf8: bool

    def rest(self) -> tuple[ReadLines, list[Any]]:
        """Return what the lines are that are no plain rows, and their records' columns, where some are asked.

        A record that has no room in the columns is a failure.
        """
        lines = [self.lines[place] for place in self.part.others]
        read = _read(self.protocol, lines, _reads(self.protocol, lines, utf8=self.utf8))
        if self.part.columns is None or self.to_columns is None or not read.records:
            return read, []
        pid = os.getpid()
        columns: list[Any] = []
        if extend_until_error(columns, map(self.to_columns, [read.records]), RECORD_ERRORS) is not None:
            _each_in_columns(read, columns, self.to_columns, pid)
        still_ourselves(pid)
        return read, columns

    def records(
        self,
        rows: list[Any],
        own_lines: Callable[[], Sequence[bytes]],
        more: Mapping[int, Any],
        columns: Sequence[Any] = (),
    ) -> Records:
        """Return the plain rows' records, with more of them at the places that they have in the end."""
        decode = partial(_read_alone, self.protocol)
        if self.part.columns is None or self.to_columns is None:
            return DecodedRecords(inserted(rows, more), own_lines(), decode, self.to_columns)
        found = self.part.with_columns(sorted(more), columns)

        def read_rows(_: Any, places: Sequence[int]) -> list[Any]:
            lines = own_lines()
            return [decode(lines[place]) for place in places]

        return ArrowRecords(found, read_rows)


def _each_in_columns(read: ReadLines, columns: list[Any], to_columns: ToColumns, pid: int) -> None:
    """Make columns of each record by itself; one that has no room in them becomes a failure."""
    gone = sorted(read.failures.keys() | read.blank | read.headers)
    places = iter(places_without(range(read.place()), gone))
    records, read.records = read.records, []
    for record in records:
        place = next(places)
        try:
            columns.append(to_columns([record]))
        except RECORD_ERRORS as error:
            read.failures[place] = replace(failure_of(error, pid), place="")
        else:
            read.records.append(record)


def _with_others(block: _Block) -> ReadBatch:
    """Return the records of a block's plain rows, and of its other lines, in their order."""
    lines, part = block.lines, block.part
    plain, keys = _plain_rows(block.protocol, part)
    if not part.others:
        records = block.records(plain.records, partial(_without, plain.failures, lines), {})
        return ReadBatch(keys, records, plain.failures, range(len(lines)))
    rest, columns = block.rest()
    gone = [part.others[at] for at in sorted(rest.blank | rest.headers)]
    kept = places_without(range(len(lines)), gone)
    # where the other lines that are records stand among the keys
    places = {
        at: place - bisect(gone, place)
        for at, place in enumerate(part.others)
        if at not in rest.blank and at not in rest.headers
    }
    failures = _failures_of_both(plain, rest, places, places_without(range(len(kept)), list(places.values())))
    failed = list(failures)
    read = [place - bisect(failed, place) for at, place in places.items() if at not in rest.failures]
    more = dict(zip(read, rest.records, strict=True))
    own = partial(_own_lines, failures, lines, kept)
    records = block.records(plain.records, own, more, columns)
    keys = _keys_of_both(block, keys, {place: lines[kept[place]] for place in places.values()})
    return ReadBatch(keys, records, failures, kept, len(rest.blank), len(rest.headers))


def _plain_rows(protocol: Any, part: PlainPart) -> tuple[ReadLines, Any]:
    """Return what plain rows are that are no columns yet, and the keys of all plain rows."""
    if part.columns is not None:
        return ReadLines(), part.keys
    plain = _read(protocol, part.lines, map(protocol.decode, part.texts))
    if not plain.failures:
        return plain, part.keys
    # a number that is out of range comes back as a text
    return plain, [
        protocol.text(part.lines[place]) if place in plain.failures else key
        for place, key in enumerate(part.keys)
    ]


def _failures_of_both(
    plain: ReadLines, rest: ReadLines, places: Mapping[int, int], plain_places: Sequence[int]
) -> dict[int, Failure]:
    """Return the failures of plain rows and of the other lines, by their places among the keys, in order."""
    failures = {places[at]: failure for at, failure in rest.failures.items()}
    failures |= {plain_places[at]: failure for at, failure in plain.failures.items()}
    return dict(sorted(failures.items()))


def _own_lines(
    failures: Mapping[int, Failure], lines: Sequence[bytes], kept: Sequence[int]
) -> Sequence[bytes]:
    """Return the lines of the records that could be read."""
    return _without(failures, lines if len(kept) == len(lines) else [lines[place] for place in kept])


def _keys_of_both(block: _Block, keys: Any, others: Mapping[int, bytes]) -> Any:
    """Return the plain rows' keys with those of the other lines at their places."""
    texts = {place: block.protocol.text(line) for place, line in others.items()}
    none_left_out = len(block.part.lines) + len(texts) == len(block.lines)
    if none_left_out and keys is block.part.lines and texts == others:
        return block.lines
    return keys.with_lines(texts) if is_text_block(keys) else inserted(keys, texts)


def _reads(protocol: InputProtocol, lines: list[bytes], *, utf8: bool) -> Iterator[Any]:
    decoded = getattr(protocol, "decoded", bytes.decode)

    def read_utf8(line: bytes) -> Any:
        decoded(line)
        return protocol.read(line)

    return map(protocol.read if utf8 else read_utf8, lines)


def _read(protocol: InputProtocol, lines: Sequence[bytes], reads: Iterator[Any]) -> ReadLines:
    pid = os.getpid()
    read = ReadLines()
    while read.place() < len(lines):
        error = extend_until_error(read.records, reads, RECORD_ERRORS)
        if issubclass(type(error), HeaderLine):
            read.headers.add(read.place())
        elif read.place() < len(lines):
            # a read that raises StopIteration ends the iterator as if it were at its end
            _raised(protocol, read, lines[read.place()], StopIteration() if error is None else error, pid)
    still_ourselves(pid)
    return read


def _raised(protocol: InputProtocol, read: ReadLines, line: bytes, error: BaseException, pid: int) -> None:
    """Note what a line is that its protocol raised on: blank, a failure, or after all a record."""
    if isinstance(error, InputError):
        raise error  # no record's own: what the columns are is in doubt from here on
    if not line.strip():
        read.blank.add(read.place())
        return
    try:
        read.records.append(_read_again(protocol, line, error))
    except RECORD_ERRORS as reason:
        failure = replace(failure_of(reason, pid), place="")
        value_of = getattr(protocol, "value_of", None)
        read.failures[read.place()] = with_value(failure, partial(value_of, line)) if value_of else failure


def _read_again(protocol: InputProtocol, line: bytes, error: BaseException) -> Any:
    read_again = getattr(protocol, "read_again", None)
    if read_again is None or isinstance(error, UnicodeDecodeError):
        raise error
    return read_again(line, error)


def _read_alone(protocol: InputProtocol, line: bytes) -> Any:
    try:
        return protocol.read(line)
    except RECORD_ERRORS as error:
        return _read_again(protocol, line, error)


def _without(failures: Mapping[int, Failure], lines: Sequence[bytes]) -> Sequence[bytes]:
    if not failures:
        return lines
    return [line for place, line in enumerate(lines) if place not in failures]


def _keys(
    protocol: InputProtocol, lines: list[bytes], failures: Mapping[int, Failure], *, as_they_are: bool
) -> list[bytes]:
    if not protocol.line_is_key:
        return list(map(protocol.text, lines))
    if not as_they_are:
        return [
            protocol.text(line) if place in failures or needs_escaping(line) else line
            for place, line in enumerate(lines)
        ]
    keys = lines.copy()
    for place in failures:
        keys[place] = protocol.text(lines[place])
    return keys
