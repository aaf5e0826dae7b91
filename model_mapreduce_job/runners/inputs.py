"""What the paths on the command line name, and the splits that it makes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.runners.splits import Split, plan_splits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

STDIN = "-"


def list_inputs(patterns: Iterable[str], ls: Callable[[str], Iterable[str]]) -> list[str]:
    """Return the files that paths and globs name, in the order given and by name within each.

    As on Hadoop, files whose names start with _ or . are passed over where a directory or glob names them.
    Raises InputError for one that names nothing.
    """
    paths: list[str] = []
    for pattern in map(local_path, patterns):
        if pattern == STDIN or (os.path.exists(pattern) and not os.path.isdir(pattern)):  # noqa: PTH110, PTH112 - text
            paths.append(pattern)
            continue
        found = sorted(path for path in ls(pattern) if os.path.basename(path)[0] not in "_.")  # noqa: PTH119 - text
        if not found:
            raise InputError(_nothing_at(pattern))
        paths += found
    return paths


def plan_inputs(paths: list[str], workers: int) -> list[Split]:
    """Return the splits of files and standard input; raises InputError for a file that can't be read."""
    splits: list[Split] = []
    files: list[str] = []
    try:
        for path in paths:
            if path == STDIN:
                splits += [*plan_splits(files, workers), Split(STDIN, 0, 0, streamed=True)]
                files = []
            else:
                files.append(os.path.abspath(path))  # noqa: PTH100 - tasks run in another directory
        return splits + plan_splits(files, workers)
    except OSError as error:
        raise InputError(f"The input {error.filename} can't be read: {error.strerror}.") from error


def local_path(path: str) -> str:
    """Return the path that a file URI names; any other path as it is."""
    return path.removeprefix("file://") if path.startswith("file:///") else path


def _nothing_at(pattern: str) -> str:
    path = Path(pattern)
    if path.is_dir():
        return f"The input directory {pattern} has no files in it."
    there = sorted(entry.name for entry in path.parent.iterdir())[:5] if path.parent.is_dir() else []
    beside = f"{path.parent} has: {', '.join(there)}." if there else f"There is no directory {path.parent}."
    return f"There is no input {pattern}. {beside} Check the path."
