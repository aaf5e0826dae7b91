"""Many objects on S3, read several at once, and removed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

from model_mapreduce_job.storage.s3 import CHUNK_BYTES, S3Object, split_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from model_mapreduce_job.storage.table_ranges import FileRange

_T = TypeVar("_T")

_AT_ONCE: Final = 16
# What is read before anyone has taken it.
_AHEAD: Final = 32
_MOST_REMOVED: Final = 1000  # that one request may name


def objects_below(client: Any, directory: str) -> list[str]:
    """Return the URIs of the objects in a directory, by key; raises botocore's errors."""
    bucket, key = split_uri(directory)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{key.rstrip('/')}/")
    return [f"s3://{bucket}/{entry['Key']}" for page in pages for entry in page.get("Contents", ())]


def read_objects(client: Any, uris: Iterable[str]) -> Iterator[bytes]:
    """Yield the content of objects, each of which memory can hold, in order; raises botocore's errors."""
    yield from _at_once(lambda uri: _whole(S3Object(client, uri)), uris)


def read_ranges(client: Any, ranges: Iterable[FileRange]) -> Iterator[bytes]:
    """Yield the bytes of ranges of objects, which memory can hold, in order; raises botocore's errors."""
    yield from _at_once(lambda one: _whole(S3Object(client, one.path, one.start, one.length)), ranges)


def remove_objects(client: Any, uris: Sequence[str]) -> None:
    """Remove objects of one bucket; raises botocore's errors, and OSError for one that stays."""
    for start in range(0, len(uris), _MOST_REMOVED):
        some = uris[start : start + _MOST_REMOVED]
        bucket, names = split_uri(some[0])[0], [{"Key": split_uri(uri)[1]} for uri in some]
        answer = client.delete_objects(Bucket=bucket, Delete={"Objects": names, "Quiet": True})
        for error in answer.get("Errors", ()):
            raise OSError(f"s3://{bucket}/{error['Key']} can't be removed: {error['Message']}")


def _at_once(read: Callable[[_T], bytes], wanted: Iterable[_T]) -> Iterator[bytes]:
    left = iter(wanted)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while some := list(islice(left, _AHEAD)):
            yield from pool.map(read, some)


def _whole(opened: S3Object) -> bytes:
    try:
        return b"".join(iter(partial(opened.read, CHUNK_BYTES), b""))
    finally:
        opened.close()
