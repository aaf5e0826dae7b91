"""The files that a run would read, wherever they are: their sizes, and how to read them."""

from __future__ import annotations

import os
import posixpath
import stat
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.storage.compression import is_compressed, whole_or_error
from model_mapreduce_job.storage.inputs import is_hidden, is_remote, list_inputs
from model_mapreduce_job.storage.sources import ChunkSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from model_mapreduce_job.formats.lines import Source
    from model_mapreduce_job.storage.hadoop_fs import HadoopShell

    Open = Callable[[int], AbstractContextManager[Source]]


class InputFile(msgspec.Struct, frozen=True):
    """A file: its size in bytes as stored, and how to read it from an offset.

    A file that is not seekable can only be opened at offset 0.
    """

    path: str
    size: int
    open: Open
    seekable: bool = True

    @property
    def is_compressed(self) -> bool:
        """Return whether the file is compressed, by its ending."""
        return is_compressed(self.path)


def list_files(runner: Any, patterns: Iterable[str]) -> list[InputFile]:
    """Return the files that paths, globs and URIs name to a runner, in the order given, by name within each.

    Raises InputError for a pattern that names nothing or that the runner can't read; AwsError or ClusterError
    when the filesystem can't be reached or refuses.
    """
    files = [file for pattern in patterns for file in _lister(runner, pattern)(pattern)]
    if runner.alias == "emr":
        from model_mapreduce_job.storage.cluster_paths import check_compression  # noqa: PLC0415 - only EMR needs it
        from model_mapreduce_job.storage.emr_inputs import UNREADABLE  # noqa: PLC0415 - same, with boto3

        check_compression([file.path for file in files], UNREADABLE)
    return files


def _lister(runner: Any, pattern: str) -> Callable[[str], list[InputFile]]:
    """Return the function that lists a path, chosen as the runner would choose a filesystem for it."""
    filesystems = vars(runner.fs)
    if not is_remote(pattern):
        return _local_files
    if "s3" in filesystems and filesystems["s3"].can_handle_path(pattern):
        return partial(_s3_files, filesystems["s3"])
    if "hadoop" in filesystems and filesystems["hadoop"].can_handle_path(pattern):
        return partial(_hadoop_files, filesystems["hadoop"])
    raise InputError(f"-r {runner.alias} can't read {pattern}. Choose a runner that can, or copy the input.")


def _local_files(pattern: str) -> list[InputFile]:
    return list(map(_local_file, list_inputs([pattern])))


def _local_file(path: str) -> InputFile:
    with whole_or_error(path):
        info = os.stat(path)  # noqa: PTH116 - paths are mrjob's, text
    if not stat.S_ISREG(info.st_mode):
        raise InputError(
            f"--plan can't use {path}: it is not a file, and what is read from it is gone. "
            "Save its content to a file first."
        )
    return InputFile(path, info.st_size, partial(_open_local, path))


@contextmanager
def _open_local(path: str, offset: int) -> Iterator[Source]:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - paths are mrjob's, text
        file.seek(offset)
        yield file


def _s3_files(filesystem: Any, pattern: str) -> list[InputFile]:
    from model_mapreduce_job.storage.aws_errors import aws_errors  # noqa: PLC0415 - only S3 input needs boto3
    from model_mapreduce_job.storage.s3_inputs import check_not_archived, find_objects  # noqa: PLC0415 - same

    with aws_errors():
        client = filesystem.make_s3_client()
        objects = find_objects(client, pattern)[1]
        check_not_archived(client, objects)
    return _visible(
        pattern,
        [InputFile(found.uri, found.size, partial(_open_s3, filesystem, found.uri)) for found in objects],
    )


@contextmanager
def _open_s3(filesystem: Any, uri: str, offset: int) -> Iterator[Source]:
    from model_mapreduce_job.storage.aws_errors import aws_errors  # noqa: PLC0415 - only S3 input needs boto3
    from model_mapreduce_job.storage.s3 import S3Object  # noqa: PLC0415 - same

    with aws_errors(), closing(S3Object(filesystem.make_s3_client(), uri, offset)) as opened:
        yield opened


def _hadoop_files(filesystem: Any, pattern: str) -> list[InputFile]:
    from model_mapreduce_job.plan.small_files import SMALL_BYTES, SmallFiles  # noqa: PLC0415 - only Hadoop's input needs it
    from model_mapreduce_job.storage.hadoop_fs import HadoopShell  # noqa: PLC0415 - same

    is_ours = isinstance(filesystem, HadoopShell)
    shell = filesystem if is_ours else HadoopShell(filesystem.get_hadoop_bin())
    found = {uri: file.size for uri, file in sorted(shell.find_files(pattern).items())}
    sizes = {uri: size for uri, size in found.items() if not is_hidden(posixpath.basename(uri))}
    small = SmallFiles(shell, {uri: size for uri, size in sizes.items() if size <= SMALL_BYTES})

    def opening(uri: str) -> Open:
        return partial(small.open if sizes[uri] <= SMALL_BYTES else partial(_open_hadoop, shell), uri)

    return _visible(
        pattern, [InputFile(uri, size, opening(uri), seekable=False) for uri, size in sizes.items()]
    )


@contextmanager
def _open_hadoop(shell: HadoopShell, uri: str, _offset: int) -> Iterator[Source]:
    from model_mapreduce_job.storage.upload_names import escape_pattern  # noqa: PLC0415 - only Hadoop's needs it

    chunks: Any = shell.read([escape_pattern(uri)])
    with closing(chunks):  # which ends the command
        yield ChunkSource(chunks)


def _visible(pattern: str, files: list[InputFile]) -> list[InputFile]:
    """Return the files that Hadoop reads, by name; raises InputError when there is none."""
    names = {file.path: os.path.basename(file.path) for file in files}  # noqa: PTH119 - a URI
    found = [file for file in files if names[file.path] and not is_hidden(names[file.path])]
    if not found:
        raise InputError(f"There is no input {pattern}. Check the path.")
    return sorted(found, key=lambda file: file.path)
