"""Commands of the `hadoop` program: each a process of its own, or many in one Java machine that answers."""

from __future__ import annotations

import io
import re
import select
import subprocess
import tempfile
from functools import partial
from time import monotonic
from typing import IO, TYPE_CHECKING, Final, Protocol

from model_mapreduce_job.exceptions import ModelMapReduceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CHUNK_BYTES: Final = 1 << 20
# The most that is kept of what a command writes to its standard error: its end says what was wrong
_MOST_ERRORS: Final = 1 << 20
_PATIENCE_SECONDS: Final = 3.0
_NO_S3: Final = re.compile(r'No FileSystem for scheme:? "?s3n?"?')
_LOG_RECORD: Final = re.compile(
    r"^\d{2,4}[-/]\d\d[-/]\d\d \d\d:\d\d:\d\d\S* [A-Z]+ |^\s*(?:at |\.\.\. \d+ more$)|^SLF4J|^\s*$"
)
_SEE_MORE: Final = re.compile(r"; For more details see: .*", re.DOTALL)


class ClusterError(ModelMapReduceError):
    """Raised when a cluster, or a program that reaches it, can't be used."""


class Command(Protocol):
    """A command that was started. out() has to be read to its end, or left by stop()."""

    @property
    def code(self) -> int:
        """The exit code, once out() has ended."""
        ...

    @property
    def errors(self) -> str:
        """The end of its standard error, once out() has ended."""
        ...

    def out(self) -> Iterator[bytes]:
        """Yield its standard output in chunks."""
        ...

    def stop(self) -> None:
        """End it: nobody reads on."""
        ...


class ProcessCommand:
    """A command as a process of its own; raises OSError when it can't be started."""

    def __init__(self, command: Sequence[str]) -> None:
        # standard error goes to a file: a pipe that nobody reads yet would block a command that writes much
        self._err = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed where the process ends
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the operator's own hadoop
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._err
            )
        except OSError:
            self._err.close()
            raise
        self.code = 0
        self.errors = ""

    def out(self) -> Iterator[bytes]:
        """Yield its standard output in chunks."""
        assert self._process.stdout  # noqa: S101 - for mypy: it is a pipe
        try:
            yield from iter(partial(self._process.stdout.read, _CHUNK_BYTES), b"")
        except BaseException:
            self.stop()
            raise
        self._end()

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._end()

    def _end(self) -> None:
        with self._process, self._err:
            self.code = self._process.wait()
            self.errors = last_text(self._err)


def what_is_left(process: subprocess.Popen[bytes]) -> bytes:
    """Return what a process that is ending has written to its standard output and nobody has read.

    Its standard input is closed: a program that it has started, and that has the same output, ends by that.
    """
    if process.stdin:
        process.stdin.close()
    assert process.stdout  # noqa: S101 - for mypy: it is a pipe
    read = getattr(process.stdout, "read1", process.stdout.read)
    left = bytearray()
    deadline = monotonic() + _PATIENCE_SECONDS
    while select.select([process.stdout], [], [], max(0.0, deadline - monotonic()))[0]:
        if not (some := read(_CHUNK_BYTES)):
            break
        left += some
        del left[:-_MOST_ERRORS]
    return bytes(left)


def last_text(file: IO[bytes]) -> str:
    """Return the end of a file, as text."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _MOST_ERRORS))
    return file.read().decode(errors="replace")


def complaint(stderr: str) -> str:
    """Return the line of standard error with the error: the last one that is not a log record."""
    lines = [line for line in stderr.splitlines() if not _LOG_RECORD.match(line)]
    why = _SEE_MORE.sub("", lines[-1]).strip() if lines else "it did not say why"
    # Hadoop's own S3 has another scheme than AWS's and EMR's
    return f"{why}. S3 is s3a:// outside of EMR." if _NO_S3.search(why) else why
