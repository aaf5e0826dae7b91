"""What a model's code writes to standard output and error, read by the process that started it."""

from __future__ import annotations

import os
import select
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_mapreduce_job.task.channel import Channel
    from model_mapreduce_job.task.messages import Message

_KEPT_BYTES = 8192
_READ_BYTES = 1 << 16
# The reads before other descriptors are looked at, so that a model that prints without end blocks nothing.
_MOST_READS = 16


class ModelOutput:
    """The reading end of a pipe that a process writes to; only the last 8 KiB are kept.

    show is called with each whole line as it comes.
    """

    def __init__(self, show: Callable[[bytes], None] | None = None) -> None:
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        self.show = show
        self._kept = b""
        self._line = b""
        self._open = True

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._read_end

    @property
    def is_open(self) -> bool:
        """Whether there may be more to read."""
        return self._open

    def close_write_end(self) -> None:
        """Close this process's copy of the writing end."""
        os.close(self.write_end)

    def read(self) -> None:
        """Read what has arrived, without waiting."""
        for _ in range(_MOST_READS):
            if not self._open:
                return
            try:
                data = os.read(self._read_end, _READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                self._close()
                return
            self._hear(data)

    def while_waiting(self, channel: Channel, timeout: float | None) -> tuple[Message, bytes] | None:
        """Return the next message of a channel, None when none came in time; reads the pipe meanwhile."""
        deadline = None if timeout is None else monotonic() + timeout
        while (found := channel.received()) is None:
            left = None if deadline is None else max(0.0, deadline - monotonic())
            poll = select.poll()
            poll.register(channel, select.POLLIN)
            if self._open:
                poll.register(self._read_end, select.POLLIN)
            ready = {descriptor for descriptor, _ in poll.poll(None if left is None else left * 1000)}
            if self._read_end in ready and self._open:
                self.read()
            if channel.fileno() in ready:
                channel.fill()
            elif left == 0:
                return None
        return found

    def finish(self) -> None:
        """Read the rest, and close the pipe."""
        self.read()
        if self.show and self._line:
            self.show(self._line)
            self._line = b""
        self._close()

    def last_line(self) -> str:
        """Return the last line that is not blank, empty when there is none."""
        lines = self._kept.decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def _hear(self, data: bytes) -> None:
        self._kept = (self._kept + data)[-_KEPT_BYTES:]
        if self.show:
            *lines, rest = (self._line + data).split(b"\n")
            self._line = rest[-_KEPT_BYTES:]
            for line in lines:
                self.show(line)

    def _close(self) -> None:
        if self._open:
            self._open = False
            with suppress(OSError):
                os.close(self._read_end)
