"""The paths of a run on a cluster: on this machine, or on a filesystem that the `hadoop` command reaches."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from glob import escape, glob
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.storage.hadoop_fs import nothing_at
from model_mapreduce_job.storage.input_state import InputState
from model_mapreduce_job.storage.inputs import STDIN, list_inputs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from model_mapreduce_job.storage.hadoop_fs import HadoopShell, Listing

# What one machine reads, and Hadoop has no codec for: a cluster would take it for text
_UNREADABLE: Final = frozenset({".xz", ".lzma", ".lz", ".zip", ".7z", ".rar", ".z", ".br"})
_PATTERN_CHARACTERS: Final = frozenset("[]{}*?\\")


def is_remote(path: str) -> bool:
    """Return whether a path is the URI of something that is not on this machine."""
    return "://" in path and not path.startswith("file://")


@dataclass(frozen=True)
class ClusterInputs:
    """What a run reads: `paths` are files here, `-` and what is asked of the cluster, in the order given.

    before is the state of all its files when it was looked at.
    """

    paths: tuple[str, ...]
    before: InputState

    @property
    def local(self) -> list[str]:
        """Return the files of this machine."""
        return [path for path in self.paths if not is_remote(path) and path != STDIN]

    def absolute(self) -> dict[str, str]:
        """Return the files of this machine by their absolute paths."""
        return {str(Path(path).absolute()): path for path in self.local}

    def as_given_to_cluster(self) -> list[str]:
        """Return the paths with those of this machine absolute: none is taken for an option or a URI."""
        return [
            path if is_remote(path) or path == STDIN else str(Path(path).absolute()) for path in self.paths
        ]

    def check_unchanged(self, shell: HadoopShell) -> None:
        """Raise InputError when any of it has changed since."""
        remote = list(filter(is_remote, self.paths))
        found = shell.look(remote) if remote else None
        self.before.check_same(_state(self.local, found, remote))


def check_paths(inputs: Sequence[str], output: str | None, shell: HadoopShell) -> ClusterInputs:
    """Return the inputs, directories and globs of this machine as the files that they name.

    Raises InputError unless each input is there, can be read on a cluster, and the output is not there.
    """
    paths = tuple(file for path in inputs for file in ([path] if is_remote(path) else list_inputs([path])))
    remote = list(filter(is_remote, paths))
    _check_commas(remote)
    if output:
        _check_output(output)
    remote_output = [output] if output and is_remote(output) else []
    found = shell.look([*remote, *remote_output]) if remote or remote_output else None
    if found:
        _check_remote(remote, remote_output, found)
    before = _state([path for path in paths if not is_remote(path) and path != STDIN], found, remote)
    check_compression(before.files, _UNREADABLE)
    return ClusterInputs(paths, before)


def check_compression(paths: Iterable[str], unreadable: frozenset[str]) -> None:
    """Raise InputError for a file that a cluster would take for text, and predict garbage of."""
    for path in paths:
        ending = PurePosixPath(path).suffix.lower()
        if ending in unreadable:
            raise InputError(
                f"{path} can't be read on a cluster: Hadoop does not know {ending}. "
                "Compress it with gzip or bzip2, or run with -r local."
            )


def _check_output(output: str) -> None:
    if is_remote(output) and (odd := sorted(_PATTERN_CHARACTERS & {*output})):
        raise InputError(f"Hadoop takes {' '.join(odd)} in the output {output} for a pattern. Name another.")
    if not is_remote(output) and Path(output).exists():
        raise InputError(_is_there(output))


def _check_commas(paths: Iterable[str]) -> None:
    for path in paths:
        if "," in re.sub(r"\{[^}]*\}", "", path):
            raise InputError(
                f"Hadoop takes the comma in {path} for the end of a path. Name its directory instead, or "
                "write ? for it."
            )


def _check_remote(inputs: list[str], output: list[str], found: Listing) -> None:
    for path in inputs:
        if path in found.missing:
            raise InputError(nothing_at(path))
    if not found.missing.issuperset(output):
        raise InputError(_is_there(output[0]))
    if inputs and not _visible(found, inputs):
        raise InputError(f"The input {' '.join(inputs)} has no files in it.")


def _state(local: Sequence[str], found: Listing | None, patterns: Sequence[str]) -> InputState:
    here = InputState.of_local(local).files
    return InputState({**here, **(_visible(found, patterns) if found else {})})


def _visible(found: Listing, patterns: Sequence[str]) -> dict[str, str]:
    """Return the files that a job would read: none that is hidden, or in a hidden directory, unless named."""
    named = {part for pattern in patterns for part in pattern.split("/")}

    def is_hidden(path: str) -> bool:
        return any(part.startswith(("_", ".")) and part not in named for part in path.split("/"))

    return {path: state for path, state in found.files.items() if not is_hidden(path)}


def _is_there(output: str) -> str:
    return f"The output {output} is there already. Name another, or remove it first."


class LocalOutputs:
    """Outputs on this machine."""

    def move(self, source: str, target: str) -> None:
        """Rename a directory; raises InputError when the target is there already."""
        try:
            Path(source).rename(target)
        except OSError as error:
            raise InputError(f"The output {target} can't be made: {error.strerror}.") from error

    def remove(self, paths: Sequence[str]) -> None:
        """Remove directories, those that are there."""
        for path in paths:
            shutil.rmtree(path, ignore_errors=True)

    def remove_all(self, prefix: str) -> None:
        """Remove the directories whose paths begin so."""
        self.remove(glob(f"{escape(prefix)}*"))  # noqa: PTH207 - the paths are text

    def touchz(self, path: str) -> None:
        """Make an empty file."""
        Path(path).touch()
