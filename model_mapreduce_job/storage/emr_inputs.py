"""The input of a run on EMR: files of this machine, which go to S3, and what is on S3 already."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mrjob.parse import is_s3_uri

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.storage.cluster_paths import is_remote
from model_mapreduce_job.storage.inputs import STDIN, list_inputs
from model_mapreduce_job.storage.s3_inputs import (
    FoundObject,
    check_not_archived,
    check_unchanged,
    find_objects,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

# What one machine reads, and Hadoop has no codec for, or one that its build may lack: read as text
UNREADABLE: Final = (".xz", ".zst", ".lzma", ".lz", ".zip", ".7z", ".rar", ".z", ".br")
UPLOADED: Final = "input"  # the directory of the run's files on S3
# A step's arguments may have 10,240 characters in all (AddJobFlowSteps); the job's own take the rest
MOST_CHARACTERS: Final = 7_000
_ODD: Final = re.compile(r"[^\w.=+-]", re.ASCII)


@dataclass(frozen=True)
class EmrInputs:
    """What a run reads: named is what its step is given, objects are those on S3 as they were before."""

    named: Sequence[str] = ()
    objects: Mapping[str, FoundObject] = field(default_factory=dict)

    @classmethod
    def find(cls, paths: Iterable[str], make_client: Callable[[], Any], *, look_at_s3: bool) -> EmrInputs:
        """Return the input that paths, directories and globs name, here and on S3.

        Raises InputError for one that isn't there or can't be read, and for what Hadoop would misread.
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
            named.append(_without_comma(pattern))
        _check_length([path for path in named if is_remote(path)])
        check_compression([*(path for path in named if not is_remote(path)), *objects])
        if objects:
            check_not_archived(make_client(), list(objects.values()))
        return cls(named, objects)

    @property
    def files(self) -> list[str]:
        """Return the files of this machine."""
        return [path for path in self.named if path != STDIN and not is_remote(path)]

    def upload_names(self) -> dict[str, str]:
        """Return what files are called on S3: in their order, with nothing that Hadoop takes for a glob."""
        width = len(str(len(self.files)))
        return {
            path: f"{UPLOADED}/{number:0{width}}-{_ODD.sub('_', Path(path).name)}"
            for number, path in enumerate(dict.fromkeys(self.files))
        }

    @contextmanager
    def uploading(self) -> Iterator[None]:
        """Raise InputError if a file was written to while the with statement copied it."""
        before = {path: _state(path) for path in self.files}
        yield
        changed = [path for path, state in before.items() if _state(path) != state]
        if changed:
            raise InputError(f"{changed[0]} was written to while it was copied to S3. Start again.")

    def check_unchanged(self, client: Any) -> None:
        """Raise IncompleteRunError if an object was replaced or removed since it was found."""
        if self.objects:
            patterns = [path for path in self.named if is_s3_uri(path)]
            now = [entry for pattern in patterns for entry in _there(client, pattern)]
            check_unchanged(self.objects, {entry.uri: entry for entry in now})


def check_compression(paths: Iterable[str]) -> None:
    """Raise InputError for a file that a cluster would take for text, and predict garbage of."""
    for path in paths:
        ending = Path(path).suffix.lower()
        if ending in UNREADABLE:
            raise InputError(
                f"{path} can't be read on a cluster: Hadoop does not know {ending}. "
                "Compress it with gzip or bzip2, or run with -r local."
            )


def _there(client: Any, pattern: str) -> list[FoundObject]:
    try:
        return find_objects(client, pattern)[1]
    except InputError:
        return []  # all of it is gone


def _check_length(uris: Sequence[str]) -> None:
    if sum(map(len, uris)) > MOST_CHARACTERS:
        raise InputError(
            f"{len(uris):,} inputs on S3 are more than EMR takes for a step. Name directories or a glob."
        )


def _without_comma(path: str) -> str:
    if "," in re.sub(r"\{[^}]*\}", "", path):
        raise InputError(
            f"Hadoop takes the comma in {path} for the end of a path. Name its directory instead."
        )
    return path


def _state(path: str) -> tuple[int, int, int]:
    info = Path(path).stat()
    return info.st_ino, info.st_size, info.st_mtime_ns
