"""S3 for the EMR runner: buckets that keep data private, and reads that survive a broken connection."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import ClientError
from mrjob.cat import decompress
from mrjob.fs.s3 import S3Filesystem

from model_mapreduce_job.runners.aws_errors import UNREACHED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

log = logging.getLogger("mrjob.s3")  # mrjob shows what its own loggers and those below them write

CHUNK_BYTES: Final = 1 << 20
READ_TRIES: Final = 5
ABANDONED_UPLOAD_DAYS: Final = 1


class ResumingS3Filesystem(S3Filesystem):
    """mrjob's S3 filesystem; an object whose connection breaks is read on from where it broke."""

    def _cat_file(self, path: str) -> Iterator[bytes]:
        chunks: Iterator[bytes] = decompress(self._chunks(*split_uri(path)), path)
        return chunks

    def _chunks(self, bucket: str, key: str) -> Iterator[bytes]:
        client = self.make_s3_client()
        head = client.head_object(Bucket=bucket, Key=key)
        size, read, tries = head["ContentLength"], 0, 0
        while read < size:
            try:
                # the same version of the object to the end: S3 refuses the request if it was written over
                answer = client.get_object(
                    Bucket=bucket, Key=key, IfMatch=head["ETag"], Range=f"bytes={read}-{size - 1}"
                )
                for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                    read, tries = read + len(chunk), 0
                    yield chunk
            except UNREACHED as error:
                tries += 1
                if tries == READ_TRIES:
                    raise
                log.warning(
                    "Reading s3://%s/%s broke off at byte %d, going on from there: %s",
                    bucket,
                    key,
                    read,
                    error,
                )
                time.sleep(2**tries / 10)


def ensure_bucket(filesystem: S3Filesystem, name: str, expiry_days: Mapping[str, int]) -> None:
    """Create a bucket if it is missing: encrypted, closed to the public, old data expiring by prefix.

    A bucket that is there is its owner's business and stays as it is. Raises botocore's ClientError.
    """
    client = filesystem.make_s3_client()
    try:
        client.head_bucket(Bucket=name)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:  # noqa: PLR2004 the status of what isn't there
            raise
        filesystem.create_bucket(name)
        _protect(client, name, expiry_days)
        log.info("Created bucket %s: encrypted, not public, data of past runs expires", name)


def _protect(client: Any, name: str, expiry_days: Mapping[str, int]) -> None:
    try:
        client.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=_NOTHING_PUBLIC)
        client.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=_ENCRYPTED)
        client.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration=_lifecycle(expiry_days))
    except ClientError:
        client.delete_bucket(Bucket=name)  # else the next run would find it and trust it
        raise


_NOTHING_PUBLIC: Final = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
_ENCRYPTED: Final = {
    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": True}]
}


def _lifecycle(expiry_days: Mapping[str, int]) -> dict[str, Any]:
    rules = [
        {
            "ID": f"expire-{prefix}",
            "Filter": {"Prefix": prefix},
            "Status": "Enabled",
            "Expiration": {"Days": days},
        }
        for prefix, days in expiry_days.items()
        if prefix  # an empty prefix would expire the whole bucket, results and all
    ]
    abandoned = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": ABANDONED_UPLOAD_DAYS}}
    return {
        "Rules": [*rules, {"ID": "abandoned", "Filter": {"Prefix": ""}, "Status": "Enabled", **abandoned}]
    }


def split_uri(uri: str) -> tuple[str, str]:
    """Return the bucket and the key of an s3:// URI."""
    parts = urlsplit(uri, allow_fragments=False)
    return parts.netloc, parts.path.lstrip("/")
