"""The first line of a job's input, read by the driver before the run."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.runners.compression import decompressed, whole_or_error
from model_mapreduce_job.runners.inputs import STDIN, list_inputs
from model_mapreduce_job.runners.streams import as_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_mapreduce_job.lines import Source
    from model_mapreduce_job.ml_model_map_reduce_job import MLModelMapReduceJob

_MAX_HEADER_BYTES = 1 << 20


def first_line(job: MLModelMapReduceJob) -> bytes:
    """Return the first line of a job's input, wherever that is; raises InputError when there is none.

    Standard input can be read from its start again.
    """
    path = next(iter(job.options.args), STDIN)
    if path == STDIN:
        source = as_source(job.stdin)
        begun = _read_line(source)
        job.replace_stdin(Unread(begun, source))
    elif "://" in path and not path.startswith("file://"):
        begun = _read_remote(job, path)
    else:
        begun = _read_file(path)
    if not begun.strip():
        raise InputError(f"The input {path} starts with no header. Name its columns with --columns a,b,c.")
    return begun.partition(b"\n")[0]


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


def _read_line(source: Any) -> bytes:
    line: bytes = source.readline(_MAX_HEADER_BYTES)
    return line


def _read_file(pattern: str) -> bytes:
    path = Path(list_inputs([pattern])[0])
    if not path.is_file():
        raise InputError(
            f"The input {path} can be read only once, so its first line can't be looked at for the columns. "
            "Name them with --columns a,b,c."
        )
    with whole_or_error(str(path)), path.open("rb") as file:
        return _read_line(decompressed(str(path), file))


def _read_remote(job: MLModelMapReduceJob, path: str) -> bytes:
    begun = b""
    with job.make_plain_runner() as runner:
        for chunk in runner.fs.cat(path):
            begun += chunk
            if b"\n" in begun or len(begun) > _MAX_HEADER_BYTES:
                break
    return begun
