"""Messages over a pipe: a JSON header, and bytes."""

from __future__ import annotations

import json
import os
import struct
from typing import Any, NoReturn

from model_mapreduce_job import exceptions
from model_mapreduce_job.exceptions import ModelMapReduceError

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
    head_size, body_size = _SIZES.unpack(_read_exactly(pipe, _SIZES.size))
    header: dict[str, Any] = json.loads(_read_exactly(pipe, head_size))
    return header, _read_exactly(pipe, body_size)


def describe_error(error: BaseException) -> list[str]:
    """Return an error as a header can hold it: the name of its class, or of its base here, and its text."""
    own = (kind.__name__ for kind in type(error).__mro__ if getattr(exceptions, kind.__name__, None) is kind)
    return [next(own, type(error).__name__), str(error)]


def raise_described(description: list[str]) -> NoReturn:
    """Raise the error that was described, in its own class where that is one of this package's."""
    name, message = description
    kind = getattr(exceptions, name, None)
    if isinstance(kind, type) and issubclass(kind, ModelMapReduceError):
        raise kind(message)
    raise RuntimeError(f"{name}: {message}")


def _read_exactly(pipe: int, size: int) -> bytes:
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
