"""An output directory on a cluster that appears whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

# Where a directory is renamed in one step; a path of this machine has no scheme. Object stores copy each
# file, so there _SUCCESS alone tells.
RENAMING: Final = frozenset({"hdfs", "viewfs", "webhdfs", "ofs", "abfs", "abfss", "file", ""})


class OutputFilesystem(Protocol):
    """What a staged output needs of a filesystem."""

    def move(self, source: str, target: str) -> None:
        """Rename a directory; raises InputError when the target is there."""
        ...

    def remove(self, paths: Sequence[str]) -> None:
        """Remove what is at paths, where it's there."""
        ...

    def remove_all(self, prefix: str) -> None:
        """Remove what has a path that begins so."""
        ...

    def touchz(self, path: str) -> None:
        """Make an empty file."""
        ...


@dataclass(frozen=True)
class StagedOutput:
    """A run's output directory: tasks write to `staging`; publish() gives it its name, or its _SUCCESS.

    What begins with a dot is no input to any later job, so what a run leaves that was killed can't be taken
    for a result.
    """

    final: str
    run: str

    @property
    def renames(self) -> bool:
        """Whether the output is renamed when it's whole; else it's written in place."""
        return urlsplit(self.final).scheme in RENAMING

    @property
    def staging(self) -> str:
        """Return the directory that tasks write to, of this run alone."""
        return self._aside(self.run) if self.renames else self.final

    def publish(self, filesystem: OutputFilesystem) -> None:
        """Make the output a result, and remove what killed runs left of theirs: it can't become one now.

        _SUCCESS is written here and not by Hadoop's tasks, which know nothing of the proof.
        """
        filesystem.touchz(f"{self.staging.rstrip('/')}/_SUCCESS")
        if self.renames:
            filesystem.move(self.staging, self.final)
            filesystem.remove_all(self._aside(""))

    def abandon(self, filesystem: OutputFilesystem) -> None:
        """Remove what was written."""
        filesystem.remove([self.staging])

    def _aside(self, run: str) -> str:
        parent, _, name = self.final.rstrip("/").rpartition("/")  # posixpath would make hdfs: of hdfs:///
        return f"{parent}/.{name}.unfinished-{run}"
