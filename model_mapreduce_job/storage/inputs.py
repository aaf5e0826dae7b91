"""The input files that paths, directories and globs on the command line name, and their splits."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from dataclasses import replace
from glob import glob
from itertools import filterfalse
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.printable import some_of
from model_mapreduce_job.storage.splits import Split, split_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from model_mapreduce_job.formats.column_order import ColumnOrder

STDIN = "-"
# The bucket of an object is part of its name; the host of a file is not.
_HOST = re.compile(r"^(?:s3[an]?:(?=//)|\w+:(?://[^/]*)?)")
_KINDS = (
    (stat.S_ISDIR, "a link to a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def is_remote(path: str) -> bool:
    """Return whether a path is the URI of something that is not on this machine."""
    return "://" in path and not path.startswith("file://")


def without_host(uri: str) -> str:
    """Return what names a file in its URI, by which the driver and Hadoop call it alike."""
    return _HOST.sub("", uri)


def is_hidden(name: str) -> bool:
    """Return whether a file or directory of this name is skipped where nothing names it, as Hadoop does."""
    return name.startswith(("_", "."))


def list_inputs(patterns: Iterable[str]) -> list[str]:
    """Return the files that paths and globs name, in the order given and by name within each.

    As on Hadoop, hidden names are skipped in directories and globs. Everything else found there must be a
    file or a link to one. Raises InputError for anything else, and for a path that names nothing or can't be
    read.
    """
    try:
        return [path for pattern in patterns for path in _files_at(local_path(pattern))]
    except OSError as error:
        raise _unreadable(error) from error


def with_orders(splits: list[Split], orders: Mapping[str, ColumnOrder]) -> list[Split]:
    """Return splits with the order of their file's columns, where orders has one for the file's path."""
    by_path = {path if path == STDIN else str(_absolute(path)): order for path, order in orders.items()}
    return [
        replace(split, delimiter=order.delimiter, places=tuple(order.places))
        if (order := by_path.get(split.path))
        else split
        for split in splits
    ]


def with_states(splits: list[Split], states: Mapping[str, tuple[int, ...]]) -> list[Split]:
    """Return splits with the state in which their file was looked at, where states has one for its path.

    A file that has changed since then is refused when it is opened for its split.
    """
    by_path = {str(_absolute(path)): state for path, state in states.items() if state}
    return [replace(split, state=by_path.get(split.path, split.state)) for split in splits]


def split_inputs(paths: list[str], workers: int, *, whole: bool = False) -> list[Split]:
    """Return the splits of files and standard input; with whole, each file is one.

    Raises InputError for a file that can't be read.
    """
    splits: list[Split] = []
    files: list[str] = []
    try:
        for path in paths:
            if path == STDIN:
                splits += [*split_files(files, workers, whole=whole), Split(STDIN, 0, 0, streamed=True)]
                files = []
            else:
                files.append(str(_absolute(path)))
        return splits + split_files(files, workers, whole=whole)
    except OSError as error:
        raise _unreadable(error) from error


def refuse_if_filled(paths: Iterable[str], splits: Iterable[Split]) -> None:
    """Raise InputError for a file that was empty when the splits were made, and isn't now: nobody read it."""
    read = {split.path for split in splits}
    for path in paths:
        if path != STDIN and str(_absolute(path)) not in read and _size(path):
            raise InputError(
                f"{path} was empty when the run started, and isn't now. Run again when nothing writes to it."
            )


def _size(path: str) -> int:
    with suppress(OSError):
        return Path(path).stat().st_size
    return 0


def local_path(path: str) -> str:
    """Return the path in a file URI, any other path as it is; raises InputError for another kind of URI."""
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
    found = [path for path in map(Path, glob(pattern)) if not is_hidden(path.name)]  # noqa: PTH207 - from anywhere
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
        directories[:] = [below for below in directories if not is_hidden(below)]
        for below in filter(Path.is_symlink, map(place.joinpath, directories)):
            _refuse_unless_file(below)
        for file in map(place.joinpath, filterfalse(is_hidden, names)):
            _refuse_unless_file(file)
            yield file


def _refuse_unless_file(path: Path, *, directories: bool = False) -> None:
    """Raise InputError for something that is not a file in a directory or glob: it may have no end."""
    mode = path.stat().st_mode
    if stat.S_ISREG(mode) or (directories and stat.S_ISDIR(mode)):
        return
    kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "not a file")
    raise InputError(
        f"{path} is {kind}. Only files, and links to files, are read from a directory or a glob. "
        "Move it away, or name the files to read."
    )


def _absolute(path: str) -> Path:
    """Return a path by which another process opens the same file, which /dev/stdin is not."""
    if path.startswith(("/dev/", "/proc/")) and Path(path).is_file():
        found = Path(path).resolve()
        # a shell's long here-document has no name any more, so only this process can read it
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
    there = sorted(entry.name for entry in path.parent.iterdir() if not is_hidden(entry.name))
    place = "The current directory" if path.parent == Path() else path.parent
    return f"There is no input {pattern}. {place} has: {some_of(there) or 'no files'}. Check the path."
