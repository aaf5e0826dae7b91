"""The channel between a process that runs a model's code and the process that started it: framed messages.

A frame has a magic number, the lengths of its header and body, the header (a message as JSON) and the body
(bytes). Bytes that don't begin with the magic number, or give an impossible length, were written by something
else.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_mapreduce_job.task.messages import Message

_MAGIC = b"\x8aMMJ"
_FRAME = struct.Struct(">4sIQ")
_LARGEST_HEADER = 64 << 20
_LARGEST_BODY = 1 << 32
_CHUNK_BYTES = 1 << 20
# Taken before a model is loaded, whose code may replace it.
_exit = os._exit
# A process that reads nothing for this long is stopped or hangs.
_PATIENCE_SECONDS = 60.0


class EndOfChannel(Exception):  # noqa: N818 - it is no error: the other side is done, or gone
    """Raised when the other side is gone: there is nothing more to receive, and nobody to send to."""


class ForeignBytesError(Exception):
    """Raised when something other than the other side has written into the channel."""


class Channel:
    """One end of a channel; only the process that made this object writes into it."""

    def __init__(self, end: socket.socket, patience: float | None = None) -> None:
        self._socket = end
        self._socket.settimeout(0)
        self._patience = patience
        self._owner = os.getpid()
        self._received = bytearray()

    @classmethod
    def of_descriptor(cls, descriptor: int) -> Channel:
        """Return the end that this process was started with; its own child processes do not inherit it."""
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - the signature of os
        return cls(socket.socket(fileno=descriptor))

    def fileno(self) -> int:
        """Return the descriptor that messages come from."""
        return self._socket.fileno()

    def send(self, message: Message, body: bytes = b"") -> None:
        """Send a message; raises EndOfChannel when the other side is gone, or does not read.

        In a forked copy of this process, such as a model may make, it ends the copy.
        """
        if os.getpid() != self._owner:
            _exit(1)
        import msgspec  # noqa: PLC0415 - a process is started before what takes a while to import

        header = json.dumps(msgspec.to_builtins(message)).encode()
        try:
            self._write(_FRAME.pack(_MAGIC, len(header), len(body)) + header)
            self._write(body)
        except (BrokenPipeError, ConnectionResetError):
            raise EndOfChannel from None

    def receive(self, timeout: float | None = None) -> tuple[Message, bytes] | None:
        """Return the next message and its body; None when none came within timeout seconds.

        Raises EndOfChannel when the other side is gone, ForeignBytesError.
        """
        while (found := self.received()) is None:
            if not is_ready(self._socket, select.POLLIN, timeout):
                return None
            self.fill()
        return found

    def receive_available(self) -> list[tuple[Message, bytes]]:
        """Return the messages that have arrived, without waiting; raises EndOfChannel at the end."""
        try:
            self.fill()
        except EndOfChannel:
            if not (found := self._complete()):
                raise
            return found
        return self._complete()

    def received(self) -> tuple[Message, bytes] | None:
        """Return the next message that was read completely, else None; raises ForeignBytesError."""
        if len(self._received) < _FRAME.size:
            return None
        magic, header, body = _FRAME.unpack_from(self._received)
        if magic != _MAGIC or header > _LARGEST_HEADER or body > _LARGEST_BODY:
            raise ForeignBytesError("something wrote into the channel that is not for it")
        start, end = _FRAME.size + header, _FRAME.size + header + body
        if len(self._received) < end:
            return None
        try:
            message = _message(bytes(self._received[_FRAME.size : start]))
        except ValueError as error:
            raise ForeignBytesError(str(error)) from error
        content = bytes(self._received[start:end])
        del self._received[:end]
        return message, content

    def fill(self) -> None:
        """Read what has arrived; raises EndOfChannel at the end."""
        try:
            data = self._socket.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        if not data:
            raise EndOfChannel
        self._received += data

    def has_more(self) -> bool:
        """Return whether there are bytes to read."""
        return is_ready(self._socket, select.POLLIN, 0)

    def close(self) -> None:
        """Close this end; the other side then finds the end of the channel."""
        self._socket.close()

    def _complete(self) -> list[tuple[Message, bytes]]:
        return list(iter(self.received, None))

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[self._socket.send(view) :]
            except BlockingIOError:
                if not is_ready(self._socket, select.POLLOUT, self._patience):
                    raise EndOfChannel from None


def channel_pair() -> tuple[Channel, socket.socket]:
    """Return the starter's end of a new channel, and the end for the process to be started."""
    mine, other = socket.socketpair()
    return Channel(mine, _PATIENCE_SECONDS), other


def _message(header: bytes) -> Message:
    import msgspec  # noqa: PLC0415 - as above

    from model_mapreduce_job.task.messages import Message as Known  # noqa: PLC0415 - as above

    # the standard library's JSON: counts go over 64 bits, and texts may hold lone surrogates
    message: Message = msgspec.convert(json.loads(header), Known)
    return message


def is_ready(source: socket.socket | int, event: int, timeout: float | None) -> bool:
    """Return whether a descriptor is ready for reading or writing, after at most timeout seconds."""
    poll = select.poll()  # select.select knows no descriptor above 1,023
    poll.register(source, event)
    return bool(poll.poll(None if timeout is None else timeout * 1000))
