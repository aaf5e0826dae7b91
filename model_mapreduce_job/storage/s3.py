"""S3 for the EMR runner: private buckets, and reads that continue after a broken connection."""

from __future__ import annotations

import logging
import posixpath
import time
from contextlib import closing, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from botocore.exceptions import ClientError
from mrjob.fs.s3 import S3Filesystem

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.storage.aws_errors import UNREACHED
from model_mapreduce_job.storage.cluster_paths import is_there
from model_mapreduce_job.storage.compression import decompressed, whole_or_error
from model_mapreduce_job.storage.inputs import is_hidden

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

log = logging.getLogger("mrjob.s3")  # mrjob shows what its own loggers and those below them write

CHUNK_BYTES: Final = 1 << 20
READ_TRIES: Final = 5
ABANDONED_UPLOAD_DAYS: Final = 1
_NO_BUCKET: Final = frozenset({"404", "NoSuchBucket"})


class ResumingS3Filesystem(S3Filesystem):
    """mrjob's S3 filesystem, whose reads continue after a broken connection and decompress every member.

    With requester_pays, requests to requester-pays buckets say that the requester pays.
    """

    requester_pays = False

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._made: dict[tuple[str, str | None], Any] = {}

    def make_s3_client(self, region_name: str | None = None) -> Any:
        """Return mrjob's client, whose requests say who pays; it's made once, and many threads may use it."""
        if ("client", region_name) not in self._made:
            self._made["client", region_name] = self._paying(super().make_s3_client(region_name))
        return self._made["client", region_name]

    def make_s3_resource(self, region_name: str | None = None) -> Any:
        """Return mrjob's resource, whose requests say who pays; it's made once."""
        if ("resource", region_name) not in self._made:
            resource = self._made["resource", region_name] = super().make_s3_resource(region_name)
            self._paying(resource.meta.client)
        return self._made["resource", region_name]

    def _paying(self, client: Any) -> Any:
        if self.requester_pays:
            client.meta.events.register("provide-client-params.s3", _pay)
        return client

    def ls(self, path_glob: str) -> Iterator[str]:
        """Yield the URIs at and below a path or glob, except hidden ones, which Hadoop skips."""
        for uri in super().ls(path_glob):
            if not is_hidden(posixpath.basename(uri)):
                yield uri

    def _cat_file(self, path: str) -> Iterator[bytes]:
        """Yield an object's content, decompressed by its ending; raises InputError for a damaged one."""
        with closing(S3Object(self.make_s3_client(), path)) as opened, whole_or_error(path):
            file = decompressed(path, cast("BinaryIO", opened))
            yield from iter(partial(file.read, CHUNK_BYTES), b"")


def _pay(params: dict[str, Any], model: Any, **_: Any) -> None:
    """Add to a request, if it has a parameter for it, that the requester pays."""
    if model.input_shape and "RequestPayer" in model.input_shape.members:
        params["RequestPayer"] = "requester"


class S3Object:
    """Reads an object, or a range of it, over a new connection after one that broke.

    All of it is one version of the object: S3 refuses a read of an object that was overwritten meanwhile.
    """

    def __init__(self, client: Any, uri: str, offset: int = 0, length: int | None = None) -> None:
        self._client = client
        self._uri = uri
        self._offset = offset
        self._last = "" if length is None else str(offset + length - 1)
        self._end = offset if length == 0 else None
        self._version: dict[str, str] = {}
        self._body: Any = None

    def read(self, size: int, /) -> bytes:
        """Return at most size bytes, and none at the end; raises botocore's errors."""
        tries = 0
        while self._offset != self._end:
            try:
                return self._read(size)
            except UNREACHED as error:
                self.close()
                tries += 1
                if tries == READ_TRIES:
                    raise
                log.info(
                    "Reading %s broke off at byte %d, continuing from there: %s",
                    self._uri,
                    self._offset,
                    error,
                )
                time.sleep(2**tries / 10)
        return b""

    def close(self) -> None:
        """Close the connection; the next read would open another."""
        if self._body is not None:
            self._body.close()
            self._body = None

    def _read(self, size: int) -> bytes:
        if self._body is None:
            self._open()
        data: bytes = self._body.read(size)
        self._offset += len(data)
        return data

    def _open(self) -> None:
        bucket, key = split_uri(self._uri)
        place = {"Range": f"bytes={self._offset}-{self._last}"} if self._offset or self._last else {}
        answer = self._client.get_object(Bucket=bucket, Key=key, **place, **self._version)
        self._body = answer["Body"]
        self._end = self._offset + answer["ContentLength"]
        self._version = {"IfMatch": answer["ETag"]}


def ensure_bucket(filesystem: S3Filesystem, name: str, expiry_days: Mapping[str, int]) -> None:
    """Create a bucket if it is missing: encrypted, closed to the public, old data expiring by prefix.

    An existing bucket is left as it is. Raises botocore's ClientError.
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
    """Return the bucket and the key of an s3:// URI; a key may have any character, `?` and `#` too."""
    bucket, _, key = uri.partition("://")[2].partition("/")
    return bucket, key.lstrip("/")


def requester_pays(jobconf: Mapping[str, Any]) -> bool:
    """Return whether Hadoop's settings say that who asks S3 pays for it, by either of EMR's connectors."""
    names = ("fs.s3a.requester.pays.enabled", "fs.s3.useRequesterPaysHeader")
    return any(str(jobconf.get(name)).lower() == "true" for name in names)


def check_output(filesystem: S3Filesystem, uri: str, *, is_named: bool) -> None:
    """Raise InputError for an output that exists; with is_named also for one in a bucket that doesn't.

    Otherwise the bucket may be this run's own, which is made later.
    """
    if is_named:
        _refuse_missing_bucket(filesystem.make_s3_client(), uri)
    with suppress(ClientError):
        if filesystem.exists(uri.rstrip("/")):
            raise InputError(is_there(uri))


def _refuse_missing_bucket(client: Any, uri: str) -> None:
    bucket = split_uri(uri)[0]
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        # whoever is not allowed to look may still be allowed to write
        if error.response["Error"]["Code"] in _NO_BUCKET:
            raise InputError(
                f"There is no bucket {bucket} for the output {uri}. Make it, or name another."
            ) from error


def s3_filesystem(options: Mapping[str, Any], part_size: int | None) -> ResumingS3Filesystem:
    """Return the filesystem of S3 that an EMR runner's options describe; part_size is an upload's part's."""
    filesystem = ResumingS3Filesystem(
        aws_access_key_id=options["aws_access_key_id"],
        aws_secret_access_key=options["aws_secret_access_key"],
        aws_session_token=options["aws_session_token"],
        s3_endpoint=options["s3_endpoint"],
        s3_region=options["region"],
        part_size=part_size,
    )
    filesystem.requester_pays = requester_pays(options["jobconf"])
    return filesystem
