"""A batch of lines into records: each line's record or failure, and the key by which it comes back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.protocols import HeaderLine
from model_mapreduce_job.records import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_mapreduce_job.protocols import InputProtocol

# What one line may raise without ending the task; a schema's library may raise anything.
_LINE_ERRORS = (Exception, SystemExit)
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """The records of a batch of lines: one record or Failure, and one key, for each line that is a record."""

    records: list[Any]
    keys: list[bytes]
    blank: int = 0
    headers: int = 0

    def with_outcomes(self, answers: list[Any]) -> list[Any]:
        """Return an outcome for each record: the answers, in order, and the failures where they were."""
        if len(answers) == len(self.records):
            return answers
        in_order = iter(answers)
        return [record if type(record) is Failure else next(in_order) for record in self.records]

    @property
    def good(self) -> list[Any]:
        """Return the records that could be read."""
        if Failure not in map(type, self.records):
            return self.records
        return [record for record in self.records if type(record) is not Failure]


def read_batch(protocol: InputProtocol, lines: list[bytes]) -> RecordBatch:
    """Return the records of lines; a line that can't be read becomes a failure, a blank one is only counted."""
    text = b"\n".join(lines)
    utf8 = _is_utf8(text)
    plain = protocol.verbatim and utf8 and not (b"\t" in text or b"\r" in text or _BOM in text)
    # nearly always every line can be read: the whole batch in one go, and no line looked at by Python code
    with suppress(*_LINE_ERRORS):
        if utf8:
            records = list(map(protocol.read, lines))
            return RecordBatch(records, lines if plain else list(map(protocol.text, lines)))
    return _read_each(protocol, lines, plain=plain)


def _read_each(protocol: InputProtocol, lines: list[bytes], *, plain: bool) -> RecordBatch:
    kept = [line for line in lines if line and not line.isspace()]
    blank = len(lines) - len(kept)
    records = list(_records(protocol, kept))
    headers = sum(kind is HeaderLine for kind in map(type, records))
    if headers:
        pairs = [pair for pair in zip(kept, records, strict=True) if type(pair[1]) is not HeaderLine]
        kept, records = [line for line, _ in pairs], [record for _, record in pairs]
    text = protocol.text
    if plain:
        keys = [text(line) if type(record) is Failure else line for line, record in zip(kept, records, strict=True)]
    else:
        keys = list(map(text, kept))
    return RecordBatch(records, keys, blank, headers)


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
        except _LINE_ERRORS as error:
            yield Failure.of(error)
        else:
            return


def _is_utf8(text: bytes) -> bool:
    try:
        return text.isascii() or bool(text.decode())
    except UnicodeDecodeError:
        return False
