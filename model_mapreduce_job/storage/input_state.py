"""What a run's input was when it started: an input that changes while it is read is no input."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from model_mapreduce_job.exceptions import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MOST_NAMES = 5


@dataclass(frozen=True)
class InputState:
    """By each file's name what changes when the file does: its length and time, here its inode as well."""

    files: Mapping[str, object]

    @classmethod
    def of_local(cls, paths: Iterable[str]) -> InputState:
        """Return the state of files on this machine; one that is gone has none."""
        return cls({path: _state(path) for path in paths})

    def check_same(self, later: InputState) -> None:
        """Raise InputError when files were changed, added or removed."""
        names = {*self.files, *later.files}
        changed = sorted(name for name in names if self.files.get(name) != later.files.get(name))
        if changed:
            more = f" and {len(changed) - _MOST_NAMES} more" if changed[_MOST_NAMES:] else ""
            raise InputError(
                f"The input changed while it was read: {', '.join(changed[:_MOST_NAMES])}{more}. Nothing was "
                "published; run again when nobody writes to it."
            )


def _state(path: str) -> tuple[int, ...] | None:
    try:
        info = Path(path).stat()
    except OSError:
        return None
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns
