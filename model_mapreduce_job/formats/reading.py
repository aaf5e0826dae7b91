"""A batch of lines into records: each line's record or failure, and the key by which it comes back."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.errors import failure_of
from model_mapreduce_job.formats.lines import BOM, bare
from model_mapreduce_job.formats.protocols import HeaderLine, has_tabs
from model_mapreduce_job.formats.records import RECORD_ERRORS, Failure, Records
from model_mapreduce_job.own_process import still_ourselves

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_mapreduce_job.formats.protocols import InputProtocol


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """The records of a batch of lines.

    keys has a text for each line that is a record; records has those that could be read, failures has the
    others, by their place among the keys, in order.
    """

    keys: list[bytes]
    records: Records
    failures: Mapping[int, Failure]
    blank: int = 0
    headers: int = 0

    def with_failures(self, texts: list[bytes | Failure]) -> list[bytes | Failure]:
        """Return what became of each key's record: its failure, or the next of the texts."""
        outcomes = texts.copy() if self.failures else texts
        for place, failure in self.failures.items():
            outcomes.insert(place, failure)
        return outcomes


@dataclass(slots=True)
class _Reading:
    """What lines were read as, each in one of these; all but the records are by their place."""

    records: list[Any] = field(default_factory=list)
    failures: dict[int, Failure] = field(default_factory=dict)
    blank: set[int] = field(default_factory=set)
    headers: set[int] = field(default_factory=set)

    def place(self) -> int:
        return len(self.records) + len(self.failures) + len(self.blank) + len(self.headers)


def read_batch(protocol: InputProtocol, lines: list[bytes]) -> RecordBatch:
    """Return the records of lines; one that can't be read becomes a failure, a blank one is only counted."""
    text = b"\n".join(lines)
    if b"\r" in text or BOM[:1] in text:  # one byte is quickly sought
        lines = list(map(bare, lines))
        text = b"\n".join(lines)
    read = _read(protocol, lines, utf8=_is_utf8(text))
    failures = read.failures
    if read.blank or read.headers:
        gone = read.blank | read.headers
        kept = [place for place in range(len(lines)) if place not in gone]
        lines = [lines[place] for place in kept]
        failures = {new: failures[place] for new, place in enumerate(kept) if place in failures}
    keys = _keys(protocol, lines, failures, as_they_are=protocol.verbatim and not has_tabs(text))
    records = Records(read.records, _without(failures, lines), partial(_read_alone, protocol))
    return RecordBatch(keys, records, failures, len(read.blank), len(read.headers))


def _read(protocol: InputProtocol, lines: list[bytes], *, utf8: bool) -> _Reading:
    def read_utf8(line: bytes) -> Any:
        line.decode()
        return protocol.read(line)

    pid = os.getpid()
    read = _Reading()
    reads = map(protocol.read if utf8 else read_utf8, lines)
    while read.place() < len(lines):
        try:
            # nearly always this reads them all, and no line is looked at by Python code
            read.records.extend(reads)  # goes on behind the line that raised
            if read.place() < len(lines):  # a StopIteration ends such a loop without a word
                _raised(protocol, read, lines[read.place()], StopIteration(), pid)
        except HeaderLine:
            read.headers.add(read.place())
        except RECORD_ERRORS as error:
            _raised(protocol, read, lines[read.place()], error, pid)
    still_ourselves(pid)
    return read


def _raised(protocol: InputProtocol, read: _Reading, line: bytes, error: BaseException, pid: int) -> None:
    """Note what a line is that its protocol raised on: blank, a failure, or after all a record."""
    if isinstance(error, InputError):
        raise error  # no record's own: what the columns are is in doubt from here on
    if not line.strip():
        read.blank.add(read.place())
        return
    try:
        read.records.append(_read_again(protocol, line, error))
    except RECORD_ERRORS as reason:
        read.failures[read.place()] = replace(failure_of(reason, pid), place="")


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


def _without(failures: Mapping[int, Failure], lines: list[bytes]) -> list[bytes]:
    if not failures:
        return lines
    return [line for place, line in enumerate(lines) if place not in failures]


def _keys(
    protocol: InputProtocol, lines: list[bytes], failures: Mapping[int, Failure], *, as_they_are: bool
) -> list[bytes]:
    if not protocol.verbatim:
        return list(map(protocol.text, lines))
    if not as_they_are:
        return [
            protocol.text(line) if place in failures or has_tabs(line) else line
            for place, line in enumerate(lines)
        ]
    keys = lines.copy()
    for place in failures:
        keys[place] = protocol.text(lines[place])
    return keys


def _is_utf8(text: bytes) -> bool:
    try:
        return text.isascii() or bool(text.decode())
    except UnicodeDecodeError:
        return False
