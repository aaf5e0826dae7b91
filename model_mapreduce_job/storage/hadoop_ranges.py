"""Reads parts of files that the `hadoop` command reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_mapreduce_job.printable import some_of
from model_mapreduce_job.storage.hadoop_commands import ClusterError, complaint
from model_mapreduce_job.storage.upload_names import escape_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model_mapreduce_job.storage.hadoop_fs import HadoopShell
    from model_mapreduce_job.storage.java_server import ServedCommand
    from model_mapreduce_job.storage.table_ranges import FileRange


def read_ranges(shell: HadoopShell, ranges: Sequence[FileRange]) -> Iterator[bytes]:
    """Yield the bytes of parts of files, one after the other, in chunks; raises ClusterError."""
    command = _served(shell, ranges)
    if command is None:
        for one in ranges:
            yield from _from_the_start(shell, one)
    else:
        yield from _answered(command, ranges)


def read_beginnings(shell: HadoopShell, ranges: Sequence[FileRange]) -> Iterator[bytes]:
    """Yield the beginnings of small files, one after the other, in chunks; raises ClusterError.

    Where there is no Java machine that reads several at a time, they come whole.
    """
    command = _served(shell, ranges)
    if command is None:
        yield from shell.read([escape_pattern(one.path) for one in ranges])
    else:
        yield from _answered(command, ranges)


def _served(shell: HadoopShell, ranges: Sequence[FileRange]) -> ServedCommand | None:
    return shell.client.serve(["ranges", *(str(word) for one in ranges for word in one)])


def _answered(command: ServedCommand, ranges: Sequence[FileRange]) -> Iterator[bytes]:
    yield from command.out()
    if command.code:
        place = some_of([one.path for one in ranges], 1)
        raise ClusterError(f"{place} can't be read: {complaint(command.errors)}")


def _from_the_start(shell: HadoopShell, wanted: FileRange) -> Iterator[bytes]:
    """Yield a part of a file, all before which is read as well: there is no command for it alone."""
    at = 0
    for chunk in shell.read([escape_pattern(wanted.path)]):
        if part := chunk[max(0, wanted.start - at) : max(0, wanted.end - at)]:
            yield part
        at += len(chunk)
        if at >= wanted.end:
            return
