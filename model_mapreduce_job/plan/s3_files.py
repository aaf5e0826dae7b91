"""The files of an input on S3."""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.plan.input_files import InputFile, check_found
from model_mapreduce_job.runners.aws_errors import UNREACHED, aws_errors
from model_mapreduce_job.runners.s3 import READ_TRIES, split_uri

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
    with aws_errors(), closing(_Object(filesystem.make_s3_client(), uri, offset)) as opened:
        yield opened


class _Object:
    """Reads an object from an offset on; where the connection breaks, a new one goes on."""

    def __init__(self, client: Any, uri: str, offset: int) -> None:
        self._client = client
        self._bucket, self._key = split_uri(uri)
        self._offset = offset
        self._body: Any = None

    def read(self, size: int, /) -> bytes:
        """Return at most size bytes, and none at the end."""
        tries = 0
        while True:
            try:
                return self._read(size)
            except UNREACHED:
                self.close()
                tries += 1
                if tries == READ_TRIES:
                    raise
                time.sleep(2**tries / 10)

    def close(self) -> None:
        """Close the connection; the next read would open another."""
        if self._body is not None:
            self._body.close()
            self._body = None

    def _read(self, size: int) -> bytes:
        if self._body is None:
            place = f"bytes={self._offset}-"
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key, Range=place)
            self._body = answer["Body"]
        data: bytes = self._body.read(size)
        self._offset += len(data)
        return data
