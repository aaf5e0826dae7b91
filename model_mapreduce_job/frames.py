"""Messages over a pipe: a JSON header, and bytes."""

from __future__ import annotations

import json
import os
import struct
from typing import Any

# The bytes of the header, and of the body.
_SIZES = struct.Struct(">IQ")


class EndOfFrames(Exception):  # noqa: N818 - it is no error: the other side is done, or gone
    """Raised when the pipe ends."""


def send(pipe: int, header: dict[str, Any], body: bytes = b"") -> None:
    """Write one message."""
    head = json.dumps(header).encode()
    _write(pipe, _SIZES.pack(len(head), len(body)) + head)
    _write(pipe, body)


def receive(pipe: int) -> tuple[dict[str, Any], bytes]:
    """Read one message; raises EndOfFrames when there is none, or only a part of one."""
    head_size, body_size = _SIZES.unpack(read_exactly(pipe, _SIZES.size))
    header: dict[str, Any] = json.loads(read_exactly(pipe, head_size))
    return header, read_exactly(pipe, body_size)


def read_exactly(pipe: int, size: int) -> bytes:
    """Read so many bytes; raises EndOfFrames when the pipe ends before."""
    parts: list[bytes] = []
    while size:
        part = os.read(pipe, min(size, 1 << 20))
        if not part:
            raise EndOfFrames
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write(pipe: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(pipe, view) :]
