"""The paths of a run on a cluster: on this machine, or on a filesystem that the `hadoop` command reaches."""

from __future__ import annotations

import shutil
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.runners.hadoop_fs import nothing_at
from model_mapreduce_job.runners.inputs import list_inputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.runners.hadoop_fs import HadoopShell


def is_remote(path: str) -> bool:
    """Return whether a path is the URI of something that is not on this machine."""
    return "://" in path and not path.startswith("file://")


def check_paths(inputs: Sequence[str], output: str | None, shell: HadoopShell) -> list[str]:
    """Return the inputs, directories and globs of this machine as the files that they name.

    Raises InputError unless each input is there and the output is not.
    """
    local = list_inputs(path for path in inputs if not is_remote(path))
    remote = list(filter(is_remote, inputs))
    if output and not is_remote(output) and Path(output).exists():
        raise InputError(_is_there(output))
    remote_output = [output] if output and is_remote(output) else []
    if remote or remote_output:
        _check_remote(remote, remote_output, shell)
    return [*local, *remote]


def _check_remote(inputs: list[str], output: list[str], shell: HadoopShell) -> None:
    found = shell.look([*inputs, *output])
    for path in inputs:
        if path in found.missing:
            raise InputError(nothing_at(path))
    if not found.missing.issuperset(output):
        raise InputError(_is_there(output[0]))
    if inputs and not found.files:
        raise InputError(f"The input {' '.join(inputs)} has no files in it.")


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
        """Remove directories and globs, those that are there."""
        for path in paths:
            for found in glob(path):  # noqa: PTH207 - the paths are text
                shutil.rmtree(found, ignore_errors=True)

    def touchz(self, path: str) -> None:
        """Make an empty file."""
        Path(path).touch()
