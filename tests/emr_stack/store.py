"""S3 as a cluster sees it: whole objects under s3:// URIs."""

import fnmatch
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

WILDCARDS: Final = frozenset("*?[")


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

    def input_files(self, path: str) -> list[str]:
        """Return the files that Hadoop reads for an input path: a file, a directory's files, or a glob's."""
        fixed = path[: min((path.find(sign) for sign in WILDCARDS if sign in path), default=len(path))]
        found = [uri for uri in self.ls(fixed) if _belongs(uri, path)]
        return [uri for uri in found if not uri.rsplit("/", 1)[-1].startswith(("_", ".")) and uri[-1] != "/"]


def _belongs(uri: str, path: str) -> bool:
    return uri == path or uri.startswith(path.rstrip("/") + "/") or fnmatch.fnmatchcase(uri, path)


def _split(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri, allow_fragments=False)
    return parts.netloc, parts.path.lstrip("/")
