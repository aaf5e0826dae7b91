"""A stream into chunks of whole lines, so that it's handed to workers as it comes, and never stored."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_mapreduce_job.formats.lines import Source

CHUNK_BYTES = 4 << 20


def chunks(stream: Source, max_record_bytes: int, size: int = CHUNK_BYTES) -> Iterator[bytes]:
    """Yield a stream's bytes, cut behind newlines; of a line over max_record_bytes some are left out.

    What is left of such a line is still over max_record_bytes, so that the task sees it for what it is.
    """
    begun = b""
    while data := stream.read(size):
        whole, newline, rest = data.rpartition(b"\n")
        if newline:
            yield begun + whole + newline
            begun = rest
        elif len(begun) <= max_record_bytes:
            begun += data
    if begun:
        yield begun


def as_source(stream: Any) -> Source:
    """Return a stream that can be read; mrjob's tests give lists of lines, which may lack their newlines."""
    if hasattr(stream, "read"):
        source: Source = stream
        return source
    return io.BytesIO(b"".join(line if line.endswith(b"\n") else line + b"\n" for line in stream))
