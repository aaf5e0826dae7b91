"""Files that keep a run's summary, its profile, its page: tried before the run, written when all is done."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.storage.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ROOM_BYTES = 1 << 14
_STDIN, _STDOUT = 0, 1
_OTHERS_WRITE = 0o022


def refuse_same_file(names: Mapping[str, str | None]) -> None:
    """Raise InputError where two options name one file: the later would overwrite the earlier."""
    options: dict[str, str] = {}
    for option, name in names.items():
        if not name:
            continue
        path = os.path.realpath(name)
        is_file = Path(path).is_file() or not Path(path).exists()
        if path in options and is_file:  # a device such as /dev/stdout takes both
            raise InputError(f"{options[path]} and {option} are one file, {name}. Name two.")
        options[path] = option


def try_file(option: str, name: str, output_dir: str | None, inputs: Iterable[str]) -> None:
    """Raise InputError when what an option asks for can't be written there; what the file holds stays.

    Nor may it be one of the inputs, the file that standard output is redirected to, or in the output
    directory, which is there only when all is well.
    """
    path = Path(name).absolute()
    if output_dir and Path(output_dir).resolve() in path.resolve().parents:
        raise InputError(
            f"{option} {name} is in the output directory, which appears when all is done. "
            "Name a place outside of it."
        )
    if not path.parent.is_dir():
        raise _unwritable(option, name, "its directory does not exist")
    if path.is_dir():
        raise InputError(f"{option} {name} can't be written: it's a directory. Name a file in it.")
    _refuse_if_others(option, name, path)
    if path.is_file():
        _refuse_if_used(option, name, path, output_dir, inputs)
    try:
        _try(Path(os.path.realpath(path)))  # of a link that leads nowhere yet, not the link is removed again
    except OSError as error:
        raise _unwritable(option, name, error.strerror) from error


def write_file(option: str, name: str, text: str) -> None:
    """Write what an option asks for; raises InputError."""
    _refuse_if_others(option, name, Path(name).absolute())  # again, for it may have been put there since
    try:
        write_whole(Path(name), text.encode())
    except OSError as error:
        raise _unwritable(option, name, error.strerror) from error


def _refuse_if_used(
    option: str, name: str, path: Path, output_dir: str | None, inputs: Iterable[str]
) -> None:
    """Raise InputError when the file is one of the inputs, or where the output is redirected to."""
    if _is_stream(path, _STDIN) or any(Path(given).exists() and path.samefile(given) for given in inputs):
        raise InputError(f"{option} {name} would overwrite an input. Name another file.")
    if output_dir is None and _is_stream(path, _STDOUT):
        raise InputError(f"{option} {name} would overwrite the output. Name another file.")


def _refuse_if_others(option: str, name: str, path: Path) -> None:
    """Raise InputError for another user's file, link or pipe in a directory that others can write to."""
    with suppress(OSError):  # nothing is there yet
        if path.lstat().st_uid != os.geteuid() and path.parent.stat().st_mode & _OTHERS_WRITE:
            reason = "another user has put it into a directory that others can write to"
            raise _unwritable(option, name, reason)


def _is_stream(path: Path, descriptor: int) -> bool:
    with suppress(OSError):  # a closed one
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    return False


def _try(path: Path) -> None:
    if path.exists() and not path.is_file():
        return  # a pipe or a device: its reader would get what is written to try it
    is_new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        if is_new:
            os.posix_fallocate(descriptor, 0, _ROOM_BYTES)
    finally:
        os.close(descriptor)
        if is_new:
            path.unlink()


def _unwritable(option: str, name: str, reason: str | None) -> InputError:
    return InputError(f"{option} {name} can't be written: {reason}.")
