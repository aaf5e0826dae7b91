"""The objects on S3 that an input names to Hadoop, and whether they are archived or have changed."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.exceptions import IncompleteRunError, InputError
from model_mapreduce_job.printable import counted, some_of
from model_mapreduce_job.storage.inputs import is_hidden
from model_mapreduce_job.storage.s3 import split_uri

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_GLOB_BEGINS: Final = re.compile(r"[*?\[{\\]")
_PIECE: Final = re.compile(r"\\.|\[[!^]?\]?[^\]]*\]|[*?{},]|[^*?{},\\\[]+|.", re.DOTALL)
_FOLDER_MARK: Final = "_$folder$"
# An object of the first two may have been restored; one of the third may have been archived
_MAYBE_ARCHIVED: Final = frozenset({"GLACIER", "DEEP_ARCHIVE", "INTELLIGENT_TIERING"})
_RESTORED: Final = 'ongoing-request="false"'
_HEADS_AT_ONCE: Final = 16
_STATE_BYTES: Final = 7  # of a number that any message can carry


@dataclass(frozen=True)
class FoundObject:
    """An object that an input names; etag changes with its content."""

    uri: str
    size: int
    etag: str
    storage_class: str

    @property
    def state(self) -> tuple[int, int, int, int]:
        """What stands for its file_state(): its size, and a number that changes with its content."""
        digest = sha256(self.etag.encode()).digest()
        return 0, 0, self.size, int.from_bytes(digest[:_STATE_BYTES])


@dataclass(frozen=True)
class S3Pattern:
    """A path or glob on S3 as Hadoop reads it: `*` and `?` stop at `/`, a directory means all files below it.

    What has a name that starts with `_` or `.` is skipped at and below the place that the pattern names.
    """

    uri: str

    @property
    def key(self) -> str:
        """Return the pattern's path in its bucket, without a slash at its end."""
        return split_uri(self.uri)[1].rstrip("/")

    @property
    def prefix(self) -> str:
        """Return the prefix of all keys that it can name."""
        return _GLOB_BEGINS.split(self.key, maxsplit=1)[0]

    def literal(self) -> S3Pattern:
        """Return a pattern that names this path only, also if it has a glob's characters."""
        return S3Pattern(re.sub(r"([*?\[\]{}\\])", r"\\\1", self.uri))

    def is_a_path_of(self, keys: Iterable[str]) -> bool:
        """Return whether there is an object or a directory of exactly this name."""
        return any(key == self.key or key.startswith(f"{self.key}/") for key in keys)

    def names(self, key: str) -> bool:
        """Return whether Hadoop reads a key for this pattern."""
        if key.endswith(("/", _FOLDER_MARK)):
            return False
        if not self.key:
            return _visible(key.split("/"))
        regex = glob_regex(self.key)
        parts = key.split("/")
        paths = accumulate(parts, "{}/{}".format)
        depth = next((depth for depth, path in enumerate(paths) if regex.fullmatch(path)), None)
        return depth is not None and _visible(parts[depth:])


def glob_regex(glob: str) -> re.Pattern[str]:
    """Return the regular expression of a glob, as org.apache.hadoop.fs.GlobPattern reads it."""
    return re.compile("".join(_translated(_PIECE.findall(glob))), re.DOTALL)


def find_objects(client: Any, uri: str) -> tuple[str, list[FoundObject]]:
    """Return the objects that an input names, by key, and the pattern that names them to Hadoop.

    A path that exists exactly as written is not read as a glob, as on one machine. Raises InputError when
    there is none.
    """
    pattern = S3Pattern(uri)
    listed = list(_listed(client, split_uri(uri)[0], pattern.prefix))
    keys = [split_uri(found.uri)[1] for found in listed]
    if pattern.prefix != pattern.key and pattern.is_a_path_of(keys):
        pattern = pattern.literal()
    found = [entry for entry, key in zip(listed, keys, strict=True) if pattern.names(key)]
    if not found:
        raise InputError(f"There is no input {uri}. Check the path{_hidden(keys)}.")
    return pattern.uri, found


def check_not_archived(client: Any, objects: Sequence[FoundObject]) -> None:
    """Raise InputError when objects are archived and have to be restored first."""
    doubtful = [found for found in objects if found.storage_class in _MAYBE_ARCHIVED]
    with ThreadPoolExecutor(_HEADS_AT_ONCE) as pool:
        archived = [entry for entry in pool.map(lambda found: _archived(client, found), doubtful) if entry]
    if archived:
        raise InputError(
            f"{counted(len(archived), 'object')} of the input can't be read, being archived: "
            f"{some_of(archived)}. Restore them first (aws s3api restore-object), or leave them out."
        )


def check_unchanged(before: Mapping[str, FoundObject], after: Mapping[str, FoundObject]) -> None:
    """Raise IncompleteRunError if objects were replaced or removed since the run began."""
    changed = [
        f"{uri} ({'replaced' if uri in after else 'removed'})"
        for uri, found in before.items()
        if uri not in after or after[uri].etag != found.etag
    ]
    if changed:
        raise IncompleteRunError(
            f"{counted(len(changed), 'object')} of the input changed during the run: {some_of(changed)}. "
            "Nothing is published. Run it again."
        )


def _listed(client: Any, bucket: str, prefix: str) -> Iterator[FoundObject]:
    try:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", ()):
                uri = f"s3://{bucket}/{entry['Key']}"
                yield FoundObject(uri, entry["Size"], entry["ETag"], entry.get("StorageClass", "STANDARD"))
    except client.exceptions.NoSuchBucket:
        return


def _archived(client: Any, found: FoundObject) -> str:
    """Return an object's URI and where it's archived, nothing when it can be read."""
    bucket, key = split_uri(found.uri)
    head = client.head_object(Bucket=bucket, Key=key)
    if found.storage_class == "INTELLIGENT_TIERING":
        tier = head.get("ArchiveStatus")
        return f"{found.uri} ({tier})" if tier else ""
    restored = _RESTORED in head.get("Restore", "")
    return "" if restored else f"{found.uri} ({found.storage_class})"


def _translated(pieces: Iterable[str]) -> Iterator[str]:
    open_groups = 0
    for piece in pieces:
        if piece == "{":
            open_groups += 1
            yield "(?:"
        elif piece == "}" and open_groups:
            open_groups -= 1
            yield ")"
        elif piece == "," and open_groups:
            yield "|"
        else:
            yield _plain(piece)
    yield ")" * open_groups


def _plain(piece: str) -> str:
    if piece == "*":
        return "[^/]*"
    if piece == "?":
        return "[^/]"
    if piece[0] == "\\" and len(piece) > 1:
        return re.escape(piece[1:])
    if piece[0] == "[" and len(piece) > 1:
        inner = piece[1:-1].replace("\\", "\\\\").replace("[", "\\[")
        return f"[^{inner[1:]}]" if inner[:1] in {"!", "^"} else f"[{inner}]"
    return re.escape(piece)


def _visible(names: Sequence[str]) -> bool:
    return not any(map(is_hidden, names))


def _hidden(keys: Sequence[str]) -> str:
    return "; what has a name that starts with _ or . is no input to Hadoop" if keys else ""
