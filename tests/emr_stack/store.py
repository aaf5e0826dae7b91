"""S3 as a cluster sees it: whole objects under s3:// URIs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Store:
    """Reads and writes objects with a boto3 client."""

    client: Any

    def read(self, uri: str) -> bytes:
        """Return an object's bytes; raises FileNotFoundError when there is none."""
        bucket, key = _split(uri)
        try:
            return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except self.client.exceptions.NoSuchKey as why:
            raise FileNotFoundError(uri) from why

    def write(self, uri: str, data: bytes) -> None:
        """Write an object."""
        bucket, key = _split(uri)
        self.client.put_object(Bucket=bucket, Key=key, Body=data)

    def download(self, uri: str, path: Path) -> None:
        """Write an object's bytes to a file."""
        path.write_bytes(self.read(uri))

    def ls(self, prefix: str) -> list[str]:
        """Return the URIs that begin with a prefix, in order."""
        bucket, key = _split(prefix)
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
        return [f"s3://{bucket}/{item['Key']}" for page in pages for item in page.get("Contents", ())]


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.partition("://")[2].partition("/")
    return bucket, key.lstrip("/")
