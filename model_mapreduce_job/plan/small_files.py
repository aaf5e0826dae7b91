"""Small files on Hadoop's filesystems, which the driver reads many at a time: each command takes a while."""

from __future__ import annotations

import io
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.storage.hadoop_commands import ClusterError
from model_mapreduce_job.storage.hadoop_ranges import read_beginnings
from model_mapreduce_job.storage.table_ranges import FileRange
from model_mapreduce_job.storage.upload_names import escape_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from model_mapreduce_job.formats.lines import Source
    from model_mapreduce_job.storage.hadoop_fs import HadoopShell

SMALL_BYTES: Final = 1 << 14
_MOST_TOGETHER: Final = 500  # 8 MB in memory, and a command line of 100 KB


class SmallFiles:
    """Reads small files, each together with those that follow it.

    sizes has the size of each file by its URI, in the order in which they are read.
    """

    def __init__(self, shell: HadoopShell, sizes: Mapping[str, int]) -> None:
        self._shell = shell
        self._sizes = dict(sizes)
        self._places = {uri: place for place, uri in enumerate(self._sizes)}
        self._contents: dict[str, bytes] = {}

    @contextmanager
    def open(self, uri: str, offset: int) -> Iterator[Source]:
        """Open a file at an offset; raises ClusterError when it can't be read."""
        if uri not in self._contents:
            self._contents = self._read_from(uri)
        yield io.BytesIO(self._contents[uri][offset:])

    def _read_from(self, uri: str) -> dict[str, bytes]:
        first = self._places[uri]
        uris = list(islice(self._sizes, first, first + _MOST_TOGETHER))
        data = memoryview(self._read(uris))
        if len(data) != sum(map(self._sizes.__getitem__, uris)):
            # one of them has changed, can't be read, or is stored in another length than it's read
            return {uri: b"".join(self._shell.read([escape_pattern(uri)]))}
        contents = {}
        for each in uris:
            contents[each], data = bytes(data[: self._sizes[each]]), data[self._sizes[each] :]
        return contents

    def _read(self, uris: Sequence[str]) -> bytes:
        with suppress(ClusterError):
            return b"".join(
                read_beginnings(self._shell, [FileRange(uri, 0, self._sizes[uri]) for uri in uris])
            )
        return b""
