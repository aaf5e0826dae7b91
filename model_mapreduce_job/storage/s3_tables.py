"""Tables on S3, as the driver looks at them before a run."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.storage.aws_errors import aws_errors
from model_mapreduce_job.storage.inputs import without_host
from model_mapreduce_job.storage.remote_tables import Found, root_of
from model_mapreduce_job.storage.s3_inputs import check_not_archived, find_objects
from model_mapreduce_job.storage.s3_objects import read_ranges

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from model_mapreduce_job.storage.table_ranges import FileRange

_SCHEME = "s3://"


class S3Files:
    """Objects on S3; make_client returns a client of it."""

    def __init__(self, make_client: Callable[[], Any]) -> None:
        self._make_client = make_client

    def find(self, pattern: str) -> Found:
        """Return the objects that a path or glob names, one at least; raises InputError and AwsError."""
        if not pattern.startswith(_SCHEME):
            raise InputError(f"-r emr reads {_SCHEME} and this machine's files, and {pattern} is neither.")
        with aws_errors():
            client = self._make_client()
            read_as, objects = find_objects(client, pattern)
            check_not_archived(client, objects)
        root = root_of(pattern) if read_as == pattern else PurePosixPath(without_host(pattern))
        return Found({found.uri: found.state for found in objects}, root)

    def read(self, ranges: Sequence[FileRange]) -> Iterator[bytes]:
        """Yield the bytes of parts of objects, one after the other; raises AwsError."""
        with aws_errors():
            yield from read_ranges(self._make_client(), ranges)
