"""Inputs and outputs of a run on a cluster: on this machine, or on what the `hadoop` command reaches."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.printable import some_of
from model_mapreduce_job.storage.file_operations import why_no_directory
from model_mapreduce_job.storage.hadoop_fs import nothing_at
from model_mapreduce_job.storage.inputs import STDIN, is_hidden, is_remote, list_inputs
from model_mapreduce_job.storage.splits import file_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from model_mapreduce_job.storage.hadoop_fs import FoundFile, HadoopShell, Listing

# Files that one machine reads and Hadoop has no codec for: a cluster would read them as text
UNREADABLE: Final = frozenset({".xz", ".lzma", ".lz", ".zip", ".7z", ".rar", ".z", ".br"})
_PATTERN_CHARACTERS: Final = frozenset("[]{}*?\\")


@dataclass(frozen=True)
class InputState:
    """The state of each input file by name: length and time, and for a local file also its inode."""

    files: Mapping[str, object]

    @classmethod
    def of_local(cls, paths: Iterable[str]) -> InputState:
        """Return the state of files on this machine, None for one that is missing."""
        return cls({path: _file_state(path) for path in paths})

    def check_same(self, later: InputState) -> None:
        """Raise InputError when files were changed, added or removed."""
        names = {*self.files, *later.files}
        changed = sorted(name for name in names if self.files.get(name) != later.files.get(name))
        if changed:
            raise InputError(
                f"The input changed while it was read: {some_of(changed)}. Nothing was published; run again "
                "when nobody writes to it."
            )


@dataclass(frozen=True)
class ClusterInputs:
    """What a run reads: `paths` are local files, `-` and URIs of the cluster, in the order given.

    before is the state of all its files before the run.
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

    def before_by_absolute_path(self) -> dict[str, object]:
        """Return the state of all files before the run, those of this machine by their absolute paths."""
        local = {*self.local}
        return {
            str(Path(path).absolute()) if path in local else path: state
            for path, state in self.before.files.items()
        }

    def as_given_to_cluster(self) -> list[str]:
        """Return the paths, local ones absolute, so that none is taken for an option or a URI."""
        return [
            path if is_remote(path) or path == STDIN else str(Path(path).absolute()) for path in self.paths
        ]

    def check_unchanged(self, shell: HadoopShell) -> None:
        """Raise InputError when any file has changed since `before`."""
        remote = list(filter(is_remote, self.paths))
        found = shell.look(remote) if remote else None
        self.before.check_same(_state_of(self.local, found, remote))


def check_paths(inputs: Sequence[str], output: str | None, shell: HadoopShell) -> ClusterInputs:
    """Return the inputs, with local directories and globs replaced by the files that they name.

    Raises InputError unless each input exists and can be read on a cluster, and the output does not exist.
    """
    paths = tuple(file for path in inputs for file in ([path] if is_remote(path) else list_inputs([path])))
    remote = list(filter(is_remote, paths))
    check_commas(remote)
    if output:
        _check_output(output)
    remote_output = [output] if output and is_remote(output) else []
    found = shell.look([*remote, *remote_output]) if remote or remote_output else None
    if found:
        _check_remote(remote, remote_output, found)
    before = _state_of([path for path in paths if not is_remote(path) and path != STDIN], found, remote)
    check_compression(before.files, UNREADABLE)
    return ClusterInputs(paths, before)


def check_compression(paths: Iterable[str], unreadable: frozenset[str]) -> None:
    """Raise InputError for a file with one of these endings, which a cluster would read as text."""
    for path in paths:
        ending = PurePosixPath(path).suffix.lower()
        if ending in unreadable:
            raise InputError(
                f"{path} can't be read on a cluster: Hadoop does not know {ending}. "
                "Compress it with gzip or bzip2, or run with -r local."
            )


def check_commas(paths: Iterable[str]) -> None:
    """Raise InputError for a path with a comma outside braces, where Hadoop would cut it in two."""
    for path in paths:
        if "," in re.sub(r"\{[^}]*\}", "", path):
            raise InputError(
                f"Hadoop takes the comma in {path} for the end of a path. Name its directory instead, or "
                "write ? for it."
            )


def _check_output(output: str) -> None:
    if is_remote(output) and (odd := sorted(_PATTERN_CHARACTERS & {*output})):
        raise InputError(f"Hadoop takes {' '.join(odd)} in the output {output} for a pattern. Name another.")
    if is_remote(output):
        return
    if os.path.lexists(absolute_path(output)):  # a link to nowhere as well
        raise InputError(is_there(output))
    if reason := why_no_directory(Path(absolute_path(output))):
        raise InputError(f"The output {output} can't be made: {reason}.")


def _check_remote(inputs: list[str], output: list[str], found: Listing) -> None:
    for path in inputs:
        if path in found.missing:
            raise InputError(nothing_at(path))
    if not found.missing.issuperset(output):
        raise InputError(is_there(output[0]))
    if inputs and not visible(found, inputs):
        raise InputError(f"The input {' '.join(inputs)} has no files in it.")


def _state_of(local: Sequence[str], found: Listing | None, patterns: Sequence[str]) -> InputState:
    here = InputState.of_local(local).files
    return InputState({**here, **(visible(found, patterns) if found else {})})


def visible(found: Listing, patterns: Sequence[str]) -> dict[str, FoundFile]:
    """Return the files that a job would read: none that is hidden or in a hidden directory, unless named."""
    named = {part for pattern in patterns for part in pattern.split("/")}

    def is_read(path: str) -> bool:
        return not any(is_hidden(part) and part not in named for part in path.split("/"))

    return {path: file for path, file in found.files.items() if is_read(path)}


def _file_state(path: str) -> tuple[int, ...] | None:
    try:
        return file_state(Path(path).stat())
    except OSError:
        return None


def is_there(output: str) -> str:
    """Return the message for an output that exists."""
    return f"The output {output} is there already. Name another, or remove it first."


def absolute_path(path: str) -> str:
    """Return a path of this machine as an absolute one; a URI of another place as it is."""
    return path if is_remote(path) else str(Path(path.removeprefix("file://")).absolute())


def uri_of(path: str) -> str:
    """Return the URI of a path of this machine; one of another place as it is."""
    return path if is_remote(path) else f"file://{absolute_path(path)}"
