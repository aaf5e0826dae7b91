"""Tables that are on a cluster: which files there are, and a copy of what each says of itself."""

from __future__ import annotations

from itertools import chain
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from msgspec.structs import replace

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.first_bytes import LOOK_BYTES
from model_mapreduce_job.formats.registry import FORMATS
from model_mapreduce_job.formats.table_tails import LOOK_BYTES as END_BYTES
from model_mapreduce_job.formats.table_tails import tail_bytes
from model_mapreduce_job.storage.cluster_paths import visible
from model_mapreduce_job.storage.hadoop_fs import as_uris, nothing_at
from model_mapreduce_job.storage.hadoop_ranges import read_ranges
from model_mapreduce_job.storage.inputs import is_remote, without_host
from model_mapreduce_job.storage.sources import ChunkSource
from model_mapreduce_job.storage.splits import size_in
from model_mapreduce_job.storage.table_files import TablePlace, above_wildcards, named_files, partition_of
from model_mapreduce_job.storage.table_ranges import FileRange

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from model_mapreduce_job.storage.hadoop_fs import FoundFile, HadoopShell

# The end of most files is all of what describes them.
_TAIL_BYTES: Final = 1 << 15
# The beginning of those whose end says nothing.
_HEAD_BYTES: Final = 1 << 20
_WILD: Final = frozenset("*?[{")


class Found(NamedTuple):
    """Files by their URIs, each with what stands for its file_state(), and the directory that they are below.

    Directories below that one may name columns.
    """

    states: Mapping[str, tuple[int, ...]]
    root: PurePath


class RemoteFiles(Protocol):
    """Files that are on a cluster. Each method raises ModelMapReduceError."""

    def find(self, pattern: str) -> Found:
        """Return the files that a path or glob names, one at least."""
        ...

    def read(self, ranges: Sequence[FileRange], /) -> Iterator[bytes]:
        """Yield the bytes of parts of files, one after the other, in chunks."""
        ...


class HadoopFiles:
    """Files that the `hadoop` command reaches."""

    def __init__(self, shell: HadoopShell) -> None:
        self._shell = shell

    def find(self, pattern: str) -> Found:
        """Return the files that a path or glob names, one at least; raises InputError and ClusterError."""
        found = self._shell.look([pattern])
        if found.missing:
            raise InputError(nothing_at(pattern))
        if not (files := visible(found, [pattern])):
            raise InputError(f"The input {pattern} has no files in it.")
        states = {uri: remote_state(file) for uri, file in as_uris(pattern, files).items()}
        return Found(states, root_of(pattern))

    def read(self, ranges: Sequence[FileRange]) -> Iterator[bytes]:
        """Yield the bytes of parts of files, one after the other, in chunks; raises ClusterError."""
        return read_ranges(self._shell, ranges)


def table_places(
    remote: RemoteFiles, patterns: Iterable[str], table: str, directory: Path
) -> tuple[TablePlace, ...]:
    """Return the files that paths and globs name, here and on a cluster, as named_files does.

    A directory of this machine gets copies of what those of the cluster say of themselves, as files of the
    format that table names. Raises InputError for a path that names nothing, and what remote raises.
    """
    places = list(chain.from_iterable(_places(remote, pattern) for pattern in patterns))
    sizes = {place.path: size_in(place.state) for place in places if place.state}
    copies = {path: directory / f"table-{number:06}" for number, path in enumerate(sizes)}
    _copy_descriptions(remote, sizes, copies, table)
    return tuple(replace(place, copy=str(copies[place.path])) if place.state else place for place in places)


def remote_state(found: FoundFile) -> tuple[int, int, int, int]:
    """Return what stands for a file's file_state() on a cluster, which says of its time the minute."""
    return 0, 0, found.size, int("".join(filter(str.isdigit, found.changed)))


def root_of(pattern: str) -> PurePath:
    """Return the directory, or the file, that all that a path or glob may match is below."""
    path = PurePosixPath(without_host(pattern))
    return above_wildcards(path, _WILD) if _WILD & {*pattern} else path


def _places(remote: RemoteFiles, pattern: str) -> Iterator[TablePlace]:
    if not is_remote(pattern):
        yield from named_files([pattern])
        return
    found = remote.find(pattern)
    for uri, state in found.states.items():
        partition = partition_of(PurePosixPath(without_host(uri)), found.root)
        yield TablePlace(uri, partition, state)


def _copy_descriptions(
    remote: RemoteFiles, sizes: Mapping[str, int], copies: Mapping[str, Path], table: str
) -> None:
    """Fill copies, of the files' length and with holes for the rows, with the files' begin and end."""
    for path, size in sizes.items():
        with copies[path].open("wb") as file:
            file.truncate(size)
    if not FORMATS[table].has_footer:
        _copy(remote, [FileRange(path, 0, min(size, _HEAD_BYTES)) for path, size in sizes.items()], copies)
        return
    _copy(remote, [one for file in sizes.items() for one in _begin_and_end(*file)], copies)
    _copy(remote, [one for file in sizes.items() for one in _rest(*file, copies[file[0]], table)], copies)


def _begin_and_end(path: str, size: int) -> Iterator[FileRange]:
    if size <= LOOK_BYTES + _TAIL_BYTES:
        yield FileRange(path, 0, size)
    else:
        yield FileRange(path, 0, LOOK_BYTES)
        yield FileRange(path, size - _TAIL_BYTES, _TAIL_BYTES)


def _rest(path: str, size: int, copy: Path, table: str) -> Iterator[FileRange]:
    """Yield what describes a file, and begins before what was copied of its end."""
    with copy.open("rb") as file:
        file.seek(max(0, size - END_BYTES))
        start = max(LOOK_BYTES, size - tail_bytes(table, file.read()))
    if start < size - _TAIL_BYTES:
        yield FileRange(path, start, size - _TAIL_BYTES - start)


def _copy(remote: RemoteFiles, ranges: Sequence[FileRange], copies: Mapping[str, Path]) -> None:
    source = ChunkSource(remote.read(ranges) if ranges else iter(()))
    for one in ranges:
        with copies[one.path].open("r+b") as file:
            file.seek(one.start)
            left = one.length
            while left and (data := source.read(left)):
                file.write(data)
                left -= len(data)
        if left:
            raise InputError(
                f"{one.path} became shorter while it was looked at. Run again when it is complete."
            )
    source.read(1)  # an error comes after the last bytes
