"""The first line of each input, read by the driver before the run."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.formats.lines import strip_bom_and_cr
from model_mapreduce_job.formats.protocols import decode_fields
from model_mapreduce_job.plan.input_files import list_files
from model_mapreduce_job.storage.compression import decompressed, whole_or_error
from model_mapreduce_job.storage.inputs import STDIN, is_remote, list_inputs
from model_mapreduce_job.storage.sources import as_source
from model_mapreduce_job.storage.splits import file_state
from model_mapreduce_job.task.delimited_options import text_reading
from model_mapreduce_job.task.job import looking_runner

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from model_mapreduce_job.formats.lines import Source
    from model_mapreduce_job.formats.text_reading import TextReading
    from model_mapreduce_job.task.job import Job
    from model_mapreduce_job.task.run_options import RunOptions

_MAX_HEADER_BYTES = 16 << 20
_LOOK_BYTES = 1 << 12
_MAX_HEAD_BYTES = 1 << 16


class FirstLine(msgspec.Struct, frozen=True):
    """An input, as messages name it, and its first line; None of a pipe, which can be read only once.

    state is the file's, as a split has it; empty for what is no file of this machine.
    """

    path: str
    line: bytes | None
    state: tuple[int, ...] = ()


def first_lines(job: Job, options: RunOptions) -> Iterator[FirstLine]:
    """Yield each input of a job with its first line, less those that are empty; reads on only when asked to.

    Standard input can be read from its start again. Raises InputError for one that can't be read.
    """
    reading = text_reading(options.task)
    for pattern in options.inputs:
        if pattern == STDIN:
            found = _of_stdin(job, reading)
        elif is_remote(pattern):
            found = _of_remote(job, pattern, reading)
        else:
            found = (_of_file(path, reading) for path in list_inputs([pattern]))
        yield from (first for first in found if first.line != b"")


def local_paths(inputs: Iterable[str]) -> list[str]:
    """Return the inputs that are on this machine, those in directories and of globs one by one."""
    return list_inputs(path for path in inputs if path != STDIN and not is_remote(path))


def local_first_lines(options: RunOptions) -> Iterator[FirstLine]:
    """Yield each input that is a file of this machine with its first line, less those that are empty."""
    reading = text_reading(options.task)
    found = (_of_file(path, reading) for path in local_paths(options.inputs))
    yield from (first for first in found if first.line)


def local_heads(inputs: Iterable[str], size: int) -> Iterator[tuple[str, bytes]]:
    """Yield path and first bytes of each input that is a file of this machine, decompressed."""
    for path in local_paths(inputs):
        if Path(path).is_file():
            with whole_or_error(path), Path(path).open("rb") as file:
                yield path, decompressed(path, file).read(size)


def first_fields(inputs: Iterable[str]) -> tuple[str, ...]:
    """Return the fields of the JSON records that the first local input begins with, in their order.

    Nothing where there are none, or where the first input is on another machine or a stream.
    """
    _, head = next(local_heads(islice(inputs, 1), _MAX_HEAD_BYTES), ("", b""))
    fields: dict[str, None] = {}
    for line in head.split(b"\n"):
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):  # the last one may be cut off
            fields |= dict.fromkeys(decode_fields(strip_bom_and_cr(line)))
    return tuple(fields)


class Unread:
    """A stream whose beginning was read, to be read again from its start."""

    def __init__(self, begun: bytes, rest: Source) -> None:
        self._begun = begun
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        """Return at most size bytes, or what was read before."""
        begun, self._begun = self._begun, b""
        return begun or self._rest.read(size)

    def __iter__(self) -> Iterator[bytes]:
        """Yield lines."""
        begun, self._begun = self._begun, b""
        lines: Any = self._rest
        yield from chain(begun.splitlines(keepends=True), lines)


def _of_stdin(job: Job, reading: TextReading) -> Iterator[FirstLine]:
    source: Any = as_source(job.stdin)
    begun = source.readline(_MAX_HEADER_BYTES) if hasattr(source, "readline") else _read_begin(source)
    job.replace_stdin(Unread(begun, source))
    lines: Iterable[Any] = [begun.split(b"\n")[:1] if begun else []]
    if not job.run_options.is_on_this_machine:  # there it was transcoded before
        lines = reading.utf_8_lines(lines)
    yield FirstLine(STDIN, next((line + b"\n" for block in lines for line in block), b""))


def _of_file(path: str, reading: TextReading) -> FirstLine:
    if not Path(path).is_file():
        return FirstLine(path, None)
    with whole_or_error(path), Path(path).open("rb") as file:
        state = file_state(os.fstat(file.fileno()))
        return FirstLine(path, _read_line(reading.in_utf_8(decompressed(path, file))), state)


def _of_remote(job: Job, pattern: str, reading: TextReading) -> Iterator[FirstLine]:
    with looking_runner(job) as runner:
        for file in list_files(runner, [pattern]):
            with whole_or_error(file.path), file.open(0) as opened:
                stream: Any = opened
                source = reading.in_utf_8(decompressed(file.path, stream))
                yield FirstLine(file.path, _read_line(source) if file.size else b"")


def _read_line(source: Source) -> bytes:
    """Return the first line with its newline, nothing for a file that holds nothing but blanks."""
    begun = _read_begin(source)
    return begun.partition(b"\n")[0] + b"\n" if begun.strip() else b""


def _read_begin(source: Source) -> bytes:
    """Return a source's first bytes, with the end of its first line unless that is too far."""
    begun = b""
    while data := source.read(_LOOK_BYTES):
        begun += data
        if b"\n" in begun.lstrip() or len(begun) > _MAX_HEADER_BYTES:
            break
    return begun
