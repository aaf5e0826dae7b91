"""The first line of each input, read by the driver before the run."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.plan.input_files import list_files
from model_mapreduce_job.storage.compression import decompressed, whole_or_error
from model_mapreduce_job.storage.inputs import STDIN, list_inputs
from model_mapreduce_job.storage.streams import as_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_mapreduce_job.formats.lines import Source
    from model_mapreduce_job.task.job import Job

_MAX_HEADER_BYTES = 16 << 20
_LOOK_BYTES = 1 << 12


@dataclass(frozen=True)
class FirstLine:
    """An input, as messages name it, and its first line; None of a pipe, which can be read only once."""

    path: str
    line: bytes | None


def first_lines(job: Job) -> Iterator[FirstLine]:
    """Yield each input of a job with its first line, less those that are empty; reads on only when asked to.

    Standard input can be read from its start again. Raises InputError for one that can't be read.
    """
    for pattern in job.options.args or [STDIN]:
        if pattern == STDIN:
            found = _of_stdin(job)
        elif is_remote(pattern):
            found = _of_remote(job, pattern)
        else:
            found = map(_of_file, list_inputs([pattern]))
        yield from (first for first in found if first.line != b"")


def local_paths(job: Job) -> list[str]:
    """Return the inputs that are on this machine, those in directories and of globs one by one."""
    return list_inputs(path for path in job.options.args if path != STDIN and not is_remote(path))


def local_first_lines(job: Job) -> Iterator[FirstLine]:
    """Yield each input that is a file of this machine with its first line, less those that are empty."""
    yield from (first for first in map(_of_file, local_paths(job)) if first.line)


def local_heads(job: Job, size: int) -> Iterator[tuple[str, bytes]]:
    """Yield path and first bytes of each input that is a file of this machine, decompressed."""
    for path in local_paths(job):
        if Path(path).is_file():
            with whole_or_error(path), Path(path).open("rb") as file:
                yield path, decompressed(path, file).read(size)


def is_remote(path: str) -> bool:
    """Return whether a path is a URI of another machine's file."""
    return "://" in path and not path.startswith("file://")


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


def _of_stdin(job: Job) -> Iterator[FirstLine]:
    source: Any = as_source(job.stdin)
    line = source.readline(_MAX_HEADER_BYTES)
    job.replace_stdin(Unread(line, source))
    yield FirstLine(STDIN, line)


def _of_file(path: str) -> FirstLine:
    if not Path(path).is_file():
        return FirstLine(path, None)
    with whole_or_error(path), Path(path).open("rb") as file:
        return FirstLine(path, _read_line(decompressed(path, file)))


def _of_remote(job: Job, pattern: str) -> Iterator[FirstLine]:
    with job.make_plain_runner() as runner:
        for file in list_files(runner, [pattern]):
            with whole_or_error(file.path), file.open(0) as opened:
                stream: Any = opened
                yield FirstLine(file.path, _read_line(decompressed(file.path, stream)) if file.size else b"")


def _read_line(source: Source) -> bytes:
    """Return the first line with its newline, nothing for a file that holds nothing but blanks."""
    begun = b""
    while data := source.read(_LOOK_BYTES):
        begun += data
        if b"\n" in begun.lstrip() or len(begun) > _MAX_HEADER_BYTES:
            break
    return begun.partition(b"\n")[0] + b"\n" if begun.strip() else b""
