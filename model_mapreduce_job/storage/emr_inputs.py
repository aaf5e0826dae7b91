"""The input of a run on EMR: local files, which are uploaded to S3, and objects on S3."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mrjob.parse import is_s3_uri

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.storage import cluster_paths
from model_mapreduce_job.storage.cluster_paths import check_commas, check_compression
from model_mapreduce_job.storage.inputs import STDIN, is_remote, list_inputs, without_host
from model_mapreduce_job.storage.s3_inputs import (
    FoundObject,
    check_not_archived,
    check_unchanged,
    find_objects,
)
from model_mapreduce_job.storage.splits import file_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

# Files that one machine reads and Hadoop on EMR may have no codec for: it would read them as text
UNREADABLE: Final = cluster_paths.UNREADABLE | {".zst"}
UPLOADED: Final = "input"  # the directory of the run's files on S3
# A step's arguments may have 10,240 characters in all (AddJobFlowSteps); the job's own take the rest
MOST_CHARACTERS: Final = 7_000
_ODD: Final = re.compile(r"[^\w.=+-]", re.ASCII)


@dataclass(frozen=True)
class EmrInputs:
    """What a run reads: named are the inputs of its step, objects those on S3 before the run."""

    named: Sequence[str] = ()
    objects: Mapping[str, FoundObject] = field(default_factory=dict)

    @classmethod
    def find(cls, paths: Iterable[str], make_client: Callable[[], Any], *, look_at_s3: bool) -> EmrInputs:
        """Return the input that paths, directories and globs name, here and on S3.

        Raises InputError for a path that names nothing or can't be read, or that Hadoop would misread.
        """
        named: list[str] = []
        objects: dict[str, FoundObject] = {}
        for path in paths:
            if not is_remote(path):
                named += list_inputs([path])
                continue
            pattern = path
            if is_s3_uri(path) and look_at_s3:
                pattern, found = find_objects(make_client(), path)
                objects.update((entry.uri, entry) for entry in found)
            check_commas([pattern])
            named.append(pattern)
        _check_length([path for path in named if is_remote(path)])
        check_compression([*(path for path in named if not is_remote(path)), *objects], UNREADABLE)
        if objects:
            check_not_archived(make_client(), list(objects.values()))
        return cls(named, objects)

    @property
    def files(self) -> list[str]:
        """Return the files of this machine."""
        return [path for path in self.named if path != STDIN and not is_remote(path)]

    def states(self) -> dict[str, tuple[int, ...]]:
        """Return the state of each file, by its URI or absolute path."""
        local = {str(Path(path).absolute()): _state(path) for path in self.files}
        return {**local, **{uri: found.state for uri, found in self.objects.items()}}

    def upload_names(self) -> dict[str, str]:
        """Return the names of files on S3: numbered in their order, without characters of a glob."""
        width = len(str(len(self.files)))
        return {
            path: f"{UPLOADED}/{number:0{width}}-{_ODD.sub('_', Path(path).name)}"
            for number, path in enumerate(dict.fromkeys(self.files))
        }

    @contextmanager
    def uploading(self) -> Iterator[None]:
        """Raise InputError when a file changes while the with statement uploads it."""
        before = {path: _state(path) for path in self.files}
        yield
        changed = [path for path, state in before.items() if _state(path) != state]
        if changed:
            raise InputError(f"{changed[0]} was written to while it was copied to S3. Run again.")

    def check_unchanged(self, client: Any) -> None:
        """Raise IncompleteRunError if an object was replaced or removed since it was found."""
        if self.objects:
            patterns = [path for path in self.named if is_s3_uri(path)]
            now = [entry for pattern in patterns for entry in _there(client, pattern)]
            check_unchanged(self.objects, {entry.uri: entry for entry in now})


@dataclass(frozen=True)
class UploadedNames:
    """The URIs of this machine's files on S3, by the paths that a person knows them by."""

    uris: Mapping[str, str]

    def uri_of(self, path: str) -> str:
        """Return the URI of an input file on the cluster, given by any of its paths."""
        return path if is_remote(path) else self._by_absolute_path[str(Path(path).absolute())]

    def of(self, uri: str) -> str:
        """Return a person's name for a file; a URI that is his own as it is."""
        return self._names.get(without_host(uri), uri)

    @cached_property
    def _by_absolute_path(self) -> dict[str, str]:
        return {str(Path(path).absolute()): uri for path, uri in self.uris.items()}

    @cached_property
    def _names(self) -> dict[str, str]:
        return {without_host(uri): path for path, uri in self.uris.items()}


def _there(client: Any, pattern: str) -> list[FoundObject]:
    try:
        return find_objects(client, pattern)[1]
    except InputError:
        return []  # all of it is gone


def _check_length(uris: Sequence[str]) -> None:
    if sum(map(len, uris)) > MOST_CHARACTERS:
        raise InputError(
            f"{len(uris):,} inputs on S3 are more than a step of EMR can have. Name directories or a glob."
        )


def _state(path: str) -> tuple[int, ...]:
    return file_state(Path(path).stat())
