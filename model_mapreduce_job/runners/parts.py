"""The parts of an output while they are being made: half-written ones never bear a part's name."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_mapreduce_job.runners.map_task import MapTask


class Parts:
    """Where tasks write. path gives a finished part's place by its task's number.

    A durable part outlives the machine's power: it's synced, and beside it stands what its task counted, so
    that a later run can go on from it.
    """

    def __init__(self, path: Callable[[int], Path], *, durable: bool) -> None:
        self._path = path
        self.durable = durable

    def attempt_path(self, task: MapTask, attempt: int) -> Path:
        """Return where an attempt writes."""
        part = self._path(task.number)
        part.parent.mkdir(parents=True, exist_ok=True)
        return part.with_name(f".{part.name}.attempt-{attempt}")

    def finish(self, task: MapTask, attempt: int, tally: dict[str, Any]) -> None:
        """Give an attempt's output its part's name."""
        part = self._path(task.number)
        if self.durable:
            write_synced(_tally_path(part), json.dumps(tally).encode())
        self.attempt_path(task, attempt).rename(part)

    def discard(self, task: MapTask, attempt: int) -> None:
        """Remove what an attempt has written."""
        self.attempt_path(task, attempt).unlink(missing_ok=True)

    def finished(self, number: int) -> dict[str, Any] | None:
        """Return what the task of a finished part counted; None when the part is not finished."""
        part = self._path(number)
        if not (self.durable and part.exists()):
            return None
        with suppress(OSError, ValueError):
            tally: dict[str, Any] = json.loads(_tally_path(part).read_bytes())
            return tally
        return None


def _tally_path(part: Path) -> Path:
    return part.with_name(f".{part.name}.tally")


def write_synced(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole, or not at all, whatever happens to the machine."""
    half = path.with_name(f"{path.name}.half")
    with half.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    half.rename(path)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
