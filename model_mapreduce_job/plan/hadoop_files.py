"""The files of an input that Hadoop's own command reads: HDFS, and whatever else it is set up for."""

from __future__ import annotations

import re
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.plan.input_file import InputFile, check_found
from model_mapreduce_job.storage.given_names import escape_pattern
from model_mapreduce_job.storage.hadoop_fs import HadoopShell

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from model_mapreduce_job.formats.lines import Source

# -rw-r--r--   3 owner group       3276 2010-01-13 14:00 /path
_FILE: Final = re.compile(r"^-\S+ .*?(\d+) \d{4}-\d\d-\d\d \d\d:\d\d (.+)$", re.MULTILINE)
_NOTHING: Final = re.compile(rb"No such file or directory")


def hadoop_files(filesystem: Any, pattern: str) -> list[InputFile]:
    """Return the files that a URI or glob names; raises InputError when there are none, or ClusterError."""
    shell = HadoopShell(filesystem.get_hadoop_bin())
    listed = shell.invoke_hadoop(["fs", "-ls", "-R", pattern], ok_stderr=[_NOTHING], return_stdout=True)
    found = _FILE.findall(listed.decode(errors="replace"))
    return check_found(pattern, [_file(shell, _qualified(pattern, path), int(size)) for size, path in found])


def _file(shell: HadoopShell, path: str, size: int) -> InputFile:
    return InputFile(path, size, partial(_open, shell, path), seekable=False)


@contextmanager
def _open(shell: HadoopShell, path: str, _offset: int) -> Iterator[Source]:
    chunks: Any = shell.read([escape_pattern(path)])
    with closing(chunks):  # which ends the command
        yield _Chunks(chunks)


class _Chunks:
    """Reads what comes in chunks."""

    def __init__(self, chunks: Generator[bytes]) -> None:
        self._chunks = chunks
        self._chunk = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        """Return at most size bytes, and none at the end."""
        if not self._chunk:
            self._chunk = memoryview(next(self._chunks, b""))
        data, self._chunk = self._chunk[:size], self._chunk[size:]
        return bytes(data)


def _qualified(pattern: str, path: str) -> str:
    scheme, _, rest = pattern.partition("://")
    return path if "://" in path else f"{scheme}://{rest.partition('/')[0]}{path}"
