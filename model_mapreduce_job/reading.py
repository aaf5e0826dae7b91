"""A batch of lines into records: each line's record or failure, and the key by which it comes back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.protocols import HeaderLine, has_tabs
from model_mapreduce_job.records import RECORD_ERRORS, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_mapreduce_job.protocols import InputProtocol

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """The records of a batch of lines: one record or Failure, and one key, for each line that is a record."""

    records: list[Any]
    keys: list[bytes]
    blank: int = 0
    headers: int = 0

    @property
    def good(self) -> list[Any]:
        """Return the records that could be read."""
        if Failure not in map(type, self.records):
            return self.records
        return [record for record in self.records if type(record) is not Failure]

    def with_failures(self, texts: list[bytes | Failure]) -> list[bytes | Failure]:
        """Return what became of each record: the texts of those that could be read, and the other's failures."""
        if len(texts) == len(self.records):
            return texts
        in_order = iter(texts)
        return [record if type(record) is Failure else next(in_order) for record in self.records]


def read_batch(protocol: InputProtocol, lines: list[bytes]) -> RecordBatch:
    """Return the records of lines; a line that can't be read becomes a failure, a blank one is only counted."""
    text = b"\n".join(lines)
    if b"\r" in text or b"\xef" in text:
        lines = list(map(bare, lines))
        text = b"\n".join(lines)
    plain = protocol.verbatim and not has_tabs(text)
    # nearly always every line can be read: the whole batch in one go, and no line looked at by Python code
    with suppress(*RECORD_ERRORS):
        if _is_utf8(text) and (protocol.verbatim or not any(map(_is_blank, lines))):
            records = list(map(protocol.read, lines))
            return RecordBatch(records, lines if plain else list(map(protocol.text, lines)))
    return _read_each(protocol, lines)


def bare(line: bytes) -> bytes:
    """Return a line without its byte order mark and without the CR of a CR LF."""
    return line.removeprefix(_BOM).removesuffix(b"\r")


def _read_each(protocol: InputProtocol, lines: list[bytes]) -> RecordBatch:
    kept = [line for line in lines if not _is_blank(line)]
    blank = len(lines) - len(kept)
    read = list(zip(kept, _records(protocol, kept), strict=True))
    pairs = [pair for pair in read if type(pair[1]) is not HeaderLine]
    keys = [_key(protocol, line, record) for line, record in pairs]
    return RecordBatch([record for _, record in pairs], keys, blank, len(read) - len(pairs))


def _key(protocol: InputProtocol, line: bytes, record: Any) -> bytes:
    if protocol.verbatim and type(record) is not Failure and not has_tabs(line):
        return line
    return protocol.text(line)


def _records(protocol: InputProtocol, lines: list[bytes]) -> Iterator[Any]:
    """Yield each line's record, its failure, or the HeaderLine that it is."""

    def read(line: bytes) -> Any:
        line.decode()
        return protocol.read(line)

    reads = map(protocol.read if _is_utf8(b"\n".join(lines)) else read, lines)
    while True:
        try:
            yield from reads  # goes on behind the line that raised
        except HeaderLine as header:
            yield header
        except RECORD_ERRORS as error:
            yield Failure.of(error)
        else:
            return


def _is_blank(line: bytes) -> bool:
    return not line or line.isspace()


def _is_utf8(text: bytes) -> bool:
    try:
        return text.isascii() or bool(text.decode())
    except UnicodeDecodeError:
        return False
