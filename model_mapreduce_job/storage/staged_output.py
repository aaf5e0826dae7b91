"""An output directory on a cluster that appears whole or not at all."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from glob import escape, glob
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from model_mapreduce_job.exceptions import InputError, ModelMapReduceError

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger("mrjob.output")  # mrjob shows what its own loggers write

# Filesystems that rename a directory in one step; a local path has no scheme. Object stores copy each file,
# so there only _SUCCESS marks a whole output.
RENAMING: Final = frozenset({"hdfs", "viewfs", "webhdfs", "ofs", "abfs", "abfss", "file", ""})


class OutputFilesystem(Protocol):
    """The operations that a staged output needs of a filesystem."""

    def move(self, source: str, target: str) -> None:
        """Rename a directory; raises InputError when the target is there."""
        ...

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files and directories, those that exist."""
        ...

    def remove_all(self, prefix: str) -> None:
        """Remove the files and directories whose paths begin with prefix."""
        ...

    def touchz(self, path: str) -> None:
        """Make an empty file."""
        ...


@dataclass(frozen=True)
class StagedOutput:
    """A run's output directory: tasks write to `staging`; publish() gives it its name, or its _SUCCESS.

    Names that begin with a dot are skipped as input, so what a killed run leaves can't be taken for a result.
    """

    final: str
    run: str

    @property
    def renames(self) -> bool:
        """Whether the output is renamed when it is complete; else it's written in place."""
        return urlsplit(self.final).scheme in RENAMING

    @property
    def staging(self) -> str:
        """Return the directory that tasks write to, of this run alone."""
        return self._aside(self.run) if self.renames else self.final

    def publish(self, filesystem: OutputFilesystem) -> None:
        """Mark the output as complete and publish it; remove what killed runs left beside it.

        _SUCCESS is written here and not by Hadoop's tasks, which don't check that the counts add up.
        """
        filesystem.touchz(f"{self.staging.rstrip('/')}/_SUCCESS")
        if self.renames:
            filesystem.move(self.staging, self.final)
            try:
                filesystem.remove_all(self._aside(""))
            except ModelMapReduceError as error:  # the output stands: another user's leftovers don't undo it
                log.warning("What killed runs left beside %s stays there: %s", self.final, error)

    def abandon(self, filesystem: OutputFilesystem) -> None:
        """Remove the staging directory."""
        filesystem.remove([self.staging])

    def _aside(self, run: str) -> str:
        parent, _, name = self.final.rstrip("/").rpartition("/")  # posixpath would make hdfs: of hdfs:///
        return f"{parent}/.{name}.unfinished-{run}"


class LocalOutputs:
    """Outputs on this machine."""

    def move(self, source: str, target: str) -> None:
        """Rename a directory; raises InputError when the target exists."""
        try:
            Path(source).rename(target)
        except OSError as error:
            raise InputError(
                f"The output {target} can't be made: {error.strerror}. Name another, or move that away."
            ) from error

    def remove(self, paths: Sequence[str]) -> None:
        """Remove directories, those that exist."""
        for path in paths:
            shutil.rmtree(path, ignore_errors=True)

    def remove_all(self, prefix: str) -> None:
        """Remove the directories whose paths begin with prefix."""
        self.remove(glob(f"{escape(prefix)}*"))  # noqa: PTH207 - the paths are text

    def touchz(self, path: str) -> None:
        """Make an empty file."""
        Path(path).touch()
