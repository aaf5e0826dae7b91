"""A batch of lines into records: each line's record or failure, and the key by which it comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.lines import BOM, bare
from model_mapreduce_job.protocols import HeaderLine, has_tabs
from model_mapreduce_job.records import RECORD_ERRORS, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_mapreduce_job.protocols import InputProtocol


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """The records of a batch of lines.

    keys has a text for each line that is a record; records has those that could be read, failures has the
    others, by their place among the keys.
    """

    keys: list[bytes]
    records: list[Any]
    failures: Mapping[int, Failure]
    blank: int = 0
    headers: int = 0

    def with_failures(self, texts: list[bytes | Failure]) -> list[bytes | Failure]:
        """Return what became of each key's record: its failure, or the next of the texts."""
        if not self.failures:
            return texts
        in_order = iter(texts)
        return [self.failures.get(place) or next(in_order) for place in range(len(self.keys))]


def read_batch(protocol: InputProtocol, lines: list[bytes]) -> RecordBatch:
    """Return the records of lines; one that can't be read becomes a failure, a blank one is only counted."""
    text = b"\n".join(lines)
    if b"\r" in text or BOM[:1] in text:  # one byte is quickly sought
        lines = list(map(bare, lines))
        text = b"\n".join(lines)
    records = list(_records(protocol, lines, utf8=_is_utf8(text)))
    # nearly always every line can be read, and no line is looked at by Python code
    if {Failure, HeaderLine}.isdisjoint(map(type, records)):
        return RecordBatch(_keys(protocol, lines, {}), records, {})
    return _sorted_out(protocol, lines, records)


def _sorted_out(protocol: InputProtocol, lines: list[bytes], records: list[Any]) -> RecordBatch:
    headers = list(map(type, records)).count(HeaderLine)
    kept = [
        place
        for place, record in enumerate(records)
        if type(record) is not HeaderLine and (type(record) is not Failure or lines[place].strip())
    ]
    blank = len(lines) - len(kept) - headers
    lines, records = [lines[place] for place in kept], [records[place] for place in kept]
    failures = {place: record for place, record in enumerate(records) if type(record) is Failure}
    good = [record for record in records if type(record) is not Failure]
    return RecordBatch(_keys(protocol, lines, failures), good, failures, blank, headers)


def _keys(protocol: InputProtocol, lines: list[bytes], failures: Mapping[int, Failure]) -> list[bytes]:
    if not protocol.verbatim or has_tabs(b"\n".join(lines)):
        return list(map(protocol.text, lines))
    keys = lines.copy()
    for place in failures:
        keys[place] = protocol.text(lines[place])
    return keys


def _records(protocol: InputProtocol, lines: list[bytes], *, utf8: bool) -> Iterator[Any]:
    """Yield each line's record, its Failure, or the HeaderLine that it is."""

    def read(line: bytes) -> Any:
        line.decode()
        return protocol.read(line)

    reads = map(protocol.read if utf8 else read, lines)
    while True:
        try:
            yield from reads  # goes on behind the line that raised
        except HeaderLine as header:
            yield header
        except RECORD_ERRORS as error:
            yield Failure.of(error)
        else:
            return


def _is_utf8(text: bytes) -> bool:
    try:
        return text.isascii() or bool(text.decode())
    except UnicodeDecodeError:
        return False
