"""The files that a run would read, wherever they are, with their sizes."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.plan.input_file import InputFile
from model_mapreduce_job.storage.compression import whole_or_error
from model_mapreduce_job.storage.inputs import list_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from model_mapreduce_job.formats.lines import Source


def list_files(runner: Any, patterns: Iterable[str]) -> list[InputFile]:
    """Return the files that paths, globs and URIs name to a runner, in the order given, by name within each.

    Raises InputError for one that names nothing, or that the runner can't read; AwsError or ClusterError when
    what holds them can't be reached, or refuses.
    """
    files = [file for pattern in patterns for file in _listing(runner, pattern)(pattern)]
    if runner.alias == "emr":
        from model_mapreduce_job.storage.emr_inputs import check_compression  # noqa: PLC0415 - only EMR needs boto3

        check_compression(file.path for file in files)
    return files


def _listing(runner: Any, pattern: str) -> Callable[[str], list[InputFile]]:
    """Return what lists a path, chosen as the runner would choose a filesystem for it."""
    filesystems = vars(runner.fs)
    if "://" not in pattern or pattern.startswith("file:///"):
        return _local_files
    if "s3" in filesystems and filesystems["s3"].can_handle_path(pattern):
        from model_mapreduce_job.plan.s3_files import s3_files  # noqa: PLC0415 - only S3 input needs boto3

        return partial(s3_files, filesystems["s3"])
    if "hadoop" in filesystems and filesystems["hadoop"].can_handle_path(pattern):
        from model_mapreduce_job.plan.hadoop_files import hadoop_files  # noqa: PLC0415 - same for Hadoop

        return partial(hadoop_files, filesystems["hadoop"])
    raise InputError(f"-r {runner.alias} can't read {pattern}. Choose a runner that can, or copy the input.")


def _local_files(pattern: str) -> list[InputFile]:
    return list(map(_local_file, list_inputs([pattern])))


def _local_file(path: str) -> InputFile:
    with whole_or_error(path):
        info = os.stat(path)  # noqa: PTH116 - paths are mrjob's, text
    if not stat.S_ISREG(info.st_mode):
        raise InputError(
            f"--plan can't use {path}: it is no file, and what is read from it is gone. Save it first."
        )
    return InputFile(path, info.st_size, partial(_open_local, path))


@contextmanager
def _open_local(path: str, offset: int) -> Iterator[Source]:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - paths are mrjob's, text
        file.seek(offset)
        yield file
