"""The files of an input on S3."""

from __future__ import annotations

from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.plan.input_file import InputFile, check_found
from model_mapreduce_job.storage.aws_errors import aws_errors
from model_mapreduce_job.storage.s3 import S3Object
from model_mapreduce_job.storage.s3_inputs import check_not_archived, find_objects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_mapreduce_job.formats.lines import Source


def s3_files(filesystem: Any, pattern: str) -> list[InputFile]:
    """Return the objects that a path or glob names to a run; raises what the run would, or AwsError."""
    with aws_errors():
        client = filesystem.make_s3_client()
        objects = find_objects(client, pattern)[1]
        check_not_archived(client, objects)
    files = [InputFile(entry.uri, entry.size, partial(_open, filesystem, entry.uri)) for entry in objects]
    return check_found(pattern, files)


@contextmanager
def _open(filesystem: Any, uri: str, offset: int) -> Iterator[Source]:
    with aws_errors(), closing(S3Object(filesystem.make_s3_client(), uri, offset)) as opened:
        yield opened
