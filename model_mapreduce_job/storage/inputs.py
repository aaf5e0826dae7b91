"""What the paths on the command line name, and the splits that it makes."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import replace
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.storage.splits import Split, plan_splits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from model_mapreduce_job.formats.column_order import ColumnOrder

STDIN = "-"
_MOST_NAMES = 5
_KINDS = (
    (stat.S_ISDIR, "a link to a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def list_inputs(patterns: Iterable[str]) -> list[str]:
    """Return the files that paths and globs name, in the order given and by name within each.

    As on Hadoop, what has a name that starts with _ or . is skipped where a directory or glob names it. What
    else is found there has to be a file, or a link to one. Raises InputError for anything else, and for a
    path that names nothing or can't be read.
    """
    try:
        return [path for pattern in patterns for path in _files_at(local_path(pattern))]
    except OSError as error:
        raise _unreadable(error) from error


def with_orders(splits: list[Split], orders: Mapping[str, ColumnOrder]) -> list[Split]:
    """Return splits that know the order of their file's columns, where orders has it by the file's path."""
    by_path = {path if path == STDIN else str(_absolute(path)): order for path, order in orders.items()}
    return [
        replace(split, delimiter=order.delimiter, places=tuple(order.places))
        if (order := by_path.get(split.path))
        else split
        for split in splits
    ]


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
                files.append(str(_absolute(path)))
        return splits + plan_splits(files, workers)
    except OSError as error:
        raise _unreadable(error) from error


def refuse_if_filled(paths: Iterable[str], splits: Iterable[Split]) -> None:
    """Raise InputError for a file that was empty when the run was planned, and isn't now: nobody read it."""
    read = {split.path for split in splits}
    for path in paths:
        if path != STDIN and str(_absolute(path)) not in read and _size(path):
            raise InputError(
                f"{path} was empty when the run was planned, and isn't now. "
                "Run again when nothing writes to it."
            )


def _size(path: str) -> int:
    with suppress(OSError):
        return Path(path).stat().st_size
    return 0


def local_path(path: str) -> str:
    """Return the path that a file URI names, any other path as it is; raises InputError for another URI."""
    if path.startswith("file:///"):
        return path.removeprefix("file://")
    if "://" in path:
        raise InputError(
            f"{path} is not on this machine. Name a path here, or choose another runner with -r."
        )
    return path


def _files_at(pattern: str) -> list[str]:
    path = Path(pattern)
    if pattern == STDIN or (path.exists() and not path.is_dir()):
        return [pattern]
    named = [path] if path.is_dir() else _matches(pattern)
    found = sorted(str(file) for place in named for file in _files_below(place))
    if not found:
        raise InputError(_nothing_at(pattern))
    return found


def _matches(pattern: str) -> list[Path]:
    found = [path for path in map(Path, glob(pattern)) if _is_visible(path)]  # noqa: PTH207 - from anywhere
    for path in found:
        _refuse_unless_file(path, directories=not path.is_symlink())
    return found


def _files_below(path: Path) -> Iterator[Path]:
    """Yield a file, or the files of a directory and of those in it."""
    if not path.is_dir():
        yield path
        return
    for name, directories, names in os.walk(path, onerror=_raise):
        place = Path(name)
        directories[:] = [below for below in directories if _is_visible(place / below)]
        for below in filter(Path.is_symlink, map(place.joinpath, directories)):
            _refuse_unless_file(below)
        for file in filter(_is_visible, map(place.joinpath, names)):
            _refuse_unless_file(file)
            yield file


def _refuse_unless_file(path: Path, *, directories: bool = False) -> None:
    """Raise InputError for what is found in a directory, or by a glob, and could be read without end."""
    mode = path.stat().st_mode
    if stat.S_ISREG(mode) or (directories and stat.S_ISDIR(mode)):
        return
    kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "no file")
    raise InputError(
        f"{path} is {kind}. Of a directory or a glob only files are read, and links to files. "
        "Move it away, or name what is to be read."
    )


def _is_visible(path: Path) -> bool:
    return not path.name.startswith(("_", "."))


def _absolute(path: str) -> Path:
    """Return the path by which a task, which runs elsewhere, opens a file; /dev/stdin is another there."""
    if path.startswith(("/dev/", "/proc/")) and Path(path).is_file():
        found = Path(path).resolve()
        # a shell's long here-document has no name any more, and is read by this process
        return found if found.exists() else Path(path)
    return Path(path).absolute()


def _unreadable(error: OSError) -> InputError:
    return InputError(f"The input {error.filename} can't be read: {error.strerror}.")


def _raise(error: OSError) -> NoReturn:
    raise error


def _nothing_at(pattern: str) -> str:
    path = Path(pattern)
    if path.is_dir():
        return f"The input directory {pattern} has no files in it."
    if not path.parent.is_dir():
        return f"There is no input {pattern}. There is no directory {path.parent}. Check the path."
    there = sorted(entry.name for entry in path.parent.iterdir() if _is_visible(entry))
    return f"There is no input {pattern}. {path.parent} has: {_some(there)}. Check the path."


def _some(names: list[str]) -> str:
    return ", ".join([*names[:_MOST_NAMES], *(["..."] if names[_MOST_NAMES:] else [])]) or "no files"
