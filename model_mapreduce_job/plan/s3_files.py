"""The files of an input on S3."""

from __future__ import annotations

from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.plan.input_files import InputFile, check_found
from model_mapreduce_job.runners.aws_errors import aws_errors
from model_mapreduce_job.runners.s3 import S3Object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_mapreduce_job.lines import Source


def s3_files(filesystem: Any, pattern: str) -> list[InputFile]:
    """Return the objects that a URI, prefix or glob names; raises InputError for none, or AwsError."""
    with aws_errors():
        objects = list(filesystem._ls(pattern))  # noqa: SLF001 - mrjob's ls() tells no sizes
    files = [InputFile(uri, entry.size, partial(_open, filesystem, uri)) for uri, entry in objects]
    return check_found(pattern, files)


@contextmanager
def _open(filesystem: Any, uri: str, offset: int) -> Iterator[Source]:
    with aws_errors(), closing(S3Object(filesystem.make_s3_client(), uri, offset)) as opened:
        yield opened
