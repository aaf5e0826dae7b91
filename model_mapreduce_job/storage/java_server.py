"""One Java machine that runs commands of the `hadoop` program, one at a time: to start one takes 0.7 s."""

from __future__ import annotations

import os
import select
import struct
import subprocess
import tempfile
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.storage.hadoop_commands import complaint, last_text, what_is_left

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

JAR: Final = Path(__file__).parents[1] / "runners" / "hadoop" / "model_mapreduce_job.jar"
CLASS: Final = "modelmapreducejob.CommandServer"
# As runners/hadoop/java/Replies.java writes them
_READY: Final = b"model_mapreduce_job commands 1\n"
_BEGUN, _OUT, _ERR, _CODE = b"b", b"o", b"e", b"x"
_HEADER: Final = struct.Struct(">cI")
_NOT_HERE: Final = 1 << 20
_STOP: Final = b"s"
_LARGEST_FRAME: Final = 1 << 16
# A site's own `hadoop` may print something before it starts Java
_MOST_BEFORE_READY: Final = 1 << 16
_MOST_ERRORS: Final = 1 << 20
_PATIENCE_SECONDS: Final = 3.0


class ServerGoneError(Exception):
    """Raised when a Java machine has ended, or never came, and the command asked for was not run."""


class JavaServer:
    """A Java machine that was started and may not be ready yet; raises OSError when it can't be started.

    It ends with close(), when its standard input ends, and as before_start says, which runs in it first.
    """

    def __init__(self, hadoop: Sequence[str], jar: Path, before_start: Callable[[], None] | None) -> None:
        self._err = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed where the process ends
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the operator's own hadoop
                [*hadoop, CLASS],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._err,
                env={**os.environ, "HADOOP_CLASSPATH": _with_jar(os.environ.get("HADOOP_CLASSPATH"), jar)},
                preexec_fn=before_start,  # noqa: PLW1509 - the driver has no threads
                start_new_session=True,  # Ctrl-C is the driver's, which may need it to clean up
            )
        except OSError:
            self._err.close()
            raise
        self.program = hadoop
        self._ready = False
        self._deadline: float | None = None
        self.busy = False
        self.last_errors = ""
        self.unread = b""
        self._reading = bytearray()

    @property
    def is_open(self) -> bool:
        """Return whether commands can be sent."""
        return not self._err.closed

    def start(self, args: Sequence[str]) -> ServedCommand | None:
        """Return a command that runs, None if it needs a Java machine of its own; raises ServerGoneError."""
        self.busy = True
        try:
            begun = self._begin(args)
        except (EOFError, OSError) as error:
            self.kill()
            raise ServerGoneError(complaint(self.last_errors)) from error
        except BaseException:
            self.kill()
            raise
        self.busy = begun
        return ServedCommand(self) if begun else None

    def _begin(self, args: Sequence[str]) -> bool:
        self._wait_until_ready()
        self._write(_request(args))
        while True:
            kind, body = self.frame()
            if kind == _BEGUN:
                return True
            if kind == _CODE and _number(body) == _NOT_HERE:
                return False

    def _wait_until_ready(self) -> None:
        seen = 0
        while not self._ready:
            line = self._line()
            seen += len(line)
            self._ready = line == _READY
            if seen > _MOST_BEFORE_READY:
                raise EOFError

    def _line(self) -> bytes:
        line = bytearray()
        while not line.endswith(b"\n") and len(line) < _MOST_BEFORE_READY:
            line += self._read(1)
        return bytes(line)

    def frame(self) -> tuple[bytes, bytes]:
        """Return the next frame's kind and bytes; raises EOFError when the process has ended."""
        kind, length = _HEADER.unpack(self._read(_HEADER.size))
        if length > _LARGEST_FRAME:
            raise EOFError
        return kind, self._read(length)

    def leave(self) -> None:
        """Let the running command fail, and skip what comes of it; end the process if that takes long."""
        if not self.is_open:
            return
        self._deadline = monotonic() + _PATIENCE_SECONDS
        try:
            self._write(_STOP)
            while self.frame()[0] != _CODE:
                pass
            self.busy = False
        except (EOFError, OSError):
            self.kill()
        finally:
            self._deadline = None

    def _write(self, data: bytes) -> None:
        assert self._process.stdin  # noqa: S101 - for mypy: it is a pipe
        view = memoryview(data)
        while view:
            view = view[self._process.stdin.write(view) :]

    def _read(self, size: int) -> bytes:
        assert self._process.stdout  # noqa: S101 - for mypy: it is a pipe
        # what a signal's exception leaves of it is among what was not read
        data = self._reading = bytearray()
        while len(data) < size:
            if self._deadline is not None:
                select.select([self._process.stdout], [], [], max(0.0, self._deadline - monotonic()))
                if monotonic() > self._deadline:
                    raise EOFError
            some = self._process.stdout.read(size - len(data))
            if not some:
                raise EOFError
            data += some
        return bytes(data)

    def close(self) -> None:
        """Let the process end."""
        if not self.is_open:
            return
        if self.busy or not self._ready:
            self.kill()
            return
        assert self._process.stdin  # noqa: S101 - for mypy: it is a pipe
        self._process.stdin.close()
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._end()

    def kill(self) -> None:
        """End the process at once; what it has written and nobody has read is kept as unread."""
        if self.is_open:
            self._process.kill()
            self.unread = bytes(self._reading) + what_is_left(self._process)
            self._end()

    def _end(self) -> None:
        with self._err, self._process:
            self._process.wait()
            self.last_errors = last_text(self._err)


class ServedCommand:
    """A command that a JavaServer runs."""

    def __init__(self, server: JavaServer) -> None:
        self._server = server
        self._errors = bytearray()
        self.code = 0

    @property
    def errors(self) -> str:
        """Return the end of its standard error."""
        return self._errors.decode(errors="replace")

    def out(self) -> Iterator[bytes]:
        """Yield its standard output in chunks."""
        for kind, data in self._frames():
            if kind == _OUT:
                yield data
            else:
                self._errors += data
                del self._errors[:-_MOST_ERRORS]

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of its standard output and error, as they come."""
        begun = bytearray()
        for _, data in self._frames():
            begun += data
            *whole, begun = begun.split(b"\n")
            yield from (bytes(line) + b"\n" for line in whole)
        if begun:
            yield bytes(begun)

    def _frames(self) -> Iterator[tuple[bytes, bytes]]:
        try:
            while (frame := self._server.frame())[0] != _CODE:
                yield frame
        except GeneratorExit:
            self.stop()
            raise
        except (EOFError, OSError):
            yield from self._end_of_server()
            return
        except BaseException:
            self.kill()  # part of a frame may have been read
            raise
        self._server.busy = False
        self.code = _number(frame[1]) & 0xFF  # as the exit code of a process is

    def _end_of_server(self) -> Iterator[tuple[bytes, bytes]]:
        self._server.kill()
        self.code = 1
        yield _ERR, f"\n{self._server.last_errors}\nits Java machine ended before it was done\n".encode()

    def stop(self) -> None:
        """End the command: nobody reads on."""
        self._server.leave()

    def kill(self) -> bytes:
        """End the command with its Java machine, at once; return what was not read of its output."""
        self._server.kill()
        return self._server.unread


def _request(args: Sequence[str]) -> bytes:
    words = [arg.encode(errors="surrogateescape") for arg in args]
    return b"".join(
        [struct.pack(">cI", b"r", len(words)), *(struct.pack(">I", len(word)) + word for word in words)]
    )


def _number(body: bytes) -> int:
    number: int = struct.unpack(">i", body)[0]
    return number


def _with_jar(classpath: str | None, jar: Path) -> str:
    return os.pathsep.join(filter(None, [classpath, str(jar)]))
