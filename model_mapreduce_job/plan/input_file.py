"""One file that a run would read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.storage.compression import is_compressed

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from model_mapreduce_job.formats.lines import Source

    Open = Callable[[int], AbstractContextManager[Source]]


@dataclass(frozen=True)
class InputFile:
    """A file: its size in bytes as it is stored, and how its bytes are read from an offset on.

    Only a seekable file can be opened at another offset than 0.
    """

    path: str
    size: int
    open: Open
    seekable: bool = True

    @property
    def is_compressed(self) -> bool:
        """Return whether the file is compressed, by its ending."""
        return is_compressed(self.path)


def check_found(pattern: str, files: list[InputFile]) -> list[InputFile]:
    """Return the files by name, less those that Hadoop passes over; raise InputError when none is left."""
    found = [file for file in files if os.path.basename(file.path)[:1] not in {"", "_", "."}]  # noqa: PTH119 - a URI
    if not found:
        raise InputError(f"There is no input {pattern}. Check the path.")
    return sorted(found, key=lambda file: file.path)
