"""Reliable standard streams, also when a parent process closed them or made them non-blocking.

A non-blocking pipe is waited for, no other file takes the place of a closed stream, and standard error that
can't be written changes nothing.
"""

from __future__ import annotations

import io
import os
import select
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import ReadableBuffer, WriteableBuffer

_BUFFER_BYTES = 1 << 16
# A closed stream is replaced by one that can't be used in its direction, so that using it is an error.
_STANDS_IN = (os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)


class WaitingFile(io.RawIOBase):
    """A descriptor whose reads and writes wait, also where it is in non-blocking mode."""

    def __init__(self, descriptor: int, *, reads: bool = False) -> None:
        self._descriptor = descriptor
        self._reads = reads

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Return whether it's a terminal."""
        return os.isatty(self._descriptor)

    def readable(self) -> bool:
        """Return whether it can be read."""
        return self._reads

    def writable(self) -> bool:
        """Return whether it can be written."""
        return not self._reads

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Wait for data and read it into a buffer; return the number of bytes, 0 at the end."""
        return self._wait_for(select.POLLIN, lambda: os.readv(self._descriptor, [buffer]))

    def write(self, data: ReadableBuffer, /) -> int:
        """Wait for room and write; return the number of bytes."""
        return self._wait_for(select.POLLOUT, lambda: os.write(self._descriptor, data))

    def _wait_for(self, event: int, act: Callable[[], int]) -> int:
        while True:
            try:
                return act()
            except BlockingIOError:
                poll = select.poll()
                poll.register(self._descriptor, event)
                poll.poll()


class ReaderGoneError(BrokenPipeError):
    """Raised when the process that read standard output has closed it."""


class OutputFile(WaitingFile):
    """A descriptor to which output is written, until it is dropped."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self._dropped = False

    def drop(self) -> None:
        """Discard everything that is written from now on, such as buffered data after a failed write."""
        self._dropped = True

    def write(self, data: ReadableBuffer, /) -> int:
        """Wait for room and write; return the number of bytes. Raises ReaderGoneError when nobody reads."""
        if self._dropped:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except BrokenPipeError as error:
            raise ReaderGoneError(*error.args) from error


class ForgivingFile(WaitingFile):
    """A descriptor for messages: a message that can't be written is dropped."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Wait for room and write; return the number of bytes, also of those that were dropped."""
        with suppress(OSError):
            return super().write(data)
        return memoryview(data).nbytes


def make_standard_streams_reliable() -> None:
    """Replace this process's standard streams with reliable ones; a second call changes nothing.

    Leaves alone what somebody else has put there, such as a notebook.
    """
    for descriptor, mode in enumerate(_STANDS_IN):
        _occupy(descriptor, mode)
    _replace("stdin", lambda: io.BufferedReader(WaitingFile(0, reads=True), _BUFFER_BYTES))
    _replace("stdout", lambda: io.BufferedWriter(OutputFile(1), _BUFFER_BYTES))
    _replace("stderr", lambda: io.BufferedWriter(ForgivingFile(2), _BUFFER_BYTES))


def drop_output() -> None:
    """Discard what is buffered for standard output, which Python would report as an error at exit."""
    if isinstance(raw := _raw(sys.stdout), OutputFile):
        raw.drop()


def _replace(name: str, make: Callable[[], io.BufferedReader | io.BufferedWriter]) -> None:
    before = getattr(sys, name)
    if before is not getattr(sys, f"__{name}__") or isinstance(_raw(before), WaitingFile):
        return
    if before is not None and name != "stdin":
        before.flush()
    text = _text(make(), before, messages=name == "stderr")
    setattr(sys, name, text)
    setattr(sys, f"__{name}__", text)


def _raw(stream: Any) -> Any:
    return getattr(getattr(stream, "buffer", None), "raw", None)


def _occupy(descriptor: int, mode: int) -> None:
    try:
        os.fstat(descriptor)
    except OSError:
        opened = os.open(os.devnull, mode)
        if opened != descriptor:
            os.dup2(opened, descriptor)
            os.close(opened)
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - the signature of os


def _text(
    buffer: io.BufferedReader | io.BufferedWriter, before: TextIO | None, *, messages: bool
) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        buffer,
        encoding=before.encoding if before else "utf-8",
        errors="backslashreplace" if messages else before.errors if before else "surrogateescape",
        line_buffering=messages or buffer.isatty(),
        write_through=messages,
    )
