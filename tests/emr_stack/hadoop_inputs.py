"""The files that Hadoop reads for an input path: org.apache.hadoop.mapred.FileInputFormat over S3.

A path names what a glob of it matches, component by component (GlobFilter). What has a name that starts with
`_` or `.` is skipped among the matches and below them (hiddenFileFilter). A directory among the files of a
directory is an error, unless mapreduce.input.fileinputformat.input.dir.recursive says otherwise. Objects that
stand for directories are no files.
"""

import fnmatch
from collections.abc import Iterator
from typing import Protocol

from emr_stack.streaming import BadStepError


class Listing(Protocol):
    """What lists the objects whose URI begins with a prefix."""

    def ls(self, prefix: str) -> list[str]:
        """Return their URIs, in order."""
        ...


def input_files(store: Listing, path: str, *, recursive: bool) -> list[str]:
    """Return the files of a path's matches; raises BadStepError as Hadoop's job client would say it."""
    bucket, _, pattern = path.partition("://")[2].partition("/")
    wanted = [part for part in pattern.split("/") if part]
    keys = [uri.partition("://")[2].partition("/")[2] for uri in store.ls(f"s3://{bucket}/")]
    found = list(_matching([key for key in keys if not key.endswith(("/", "_$folder$"))], wanted, recursive))
    if not found:
        raise BadStepError(f"Input path does not exist: {path}")
    return [f"s3://{bucket}/{key}" for key in found]


def _matching(keys: list[str], wanted: list[str], recursive: bool) -> Iterator[str]:
    depth = len(wanted)
    for key in keys:
        parts = key.split("/")
        if len(parts) < depth or not all(map(_matches, parts, wanted)):
            continue
        if any(part.startswith(("_", ".")) for part in parts[max(0, depth - 1) :]):
            continue
        if len(parts) > depth + 1 and not recursive:
            raise BadStepError(f"Not a file: {'/'.join(parts[: depth + 1])}")
        yield key


def _matches(name: str, glob: str) -> bool:
    return name == _unescaped(glob) if "\\" in glob else fnmatch.fnmatchcase(name, glob)


def _unescaped(glob: str) -> str:
    return glob.replace("\\", "")
