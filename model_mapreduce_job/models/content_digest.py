"""Digests of values by their content, which are the same in each process."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from dataclasses import fields, is_dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

INCOMPARABLE: Final = "can't be compared: "
_DIGITS: Final = 16
_WRITTEN_AS_THEY_ARE: Final = (complex, float, date, time, timedelta, Decimal, Fraction, UUID, range, slice)
_DEEPEST: Final = 100
# Larger files are compared by size and time, since reading them would take too long.
LARGEST_READ: Final = 1 << 30
_MOST_FILES: Final = 20_000


class IncomparableError(ValueError):
    """Raised for a value that two processes can't compare; the message says what it is."""


def digest_of(value: Any, *, follow: bool = True) -> str:
    """Return a digest of a value by its content; if follow, also of files whose paths are in it.

    Raises IncomparableError for a function without a name, an open file, an object of an unknown class.
    """
    digest = hashlib.sha256()
    _add(digest, value, 0, follow=follow)
    return f"sha256 {digest.hexdigest()[:_DIGITS]}"


def comparable(value: Any, *, follow: bool = True) -> str:
    """Return a number, boolean or None as text, the digest of another value, or why there is none."""
    if value is None or isinstance(value, bool | int | float):
        return str(value)
    return or_reason(lambda: digest_of(value, follow=follow))


def or_reason(find: Callable[[], str]) -> str:
    """Return what find returns; where that can't be compared or read, why, after INCOMPARABLE."""
    try:
        return find()
    except IncomparableError as error:
        return f"{INCOMPARABLE}{error}"
    except OSError as error:
        return f"{INCOMPARABLE}{error.filename or 'a file'} can't be read: {error.strerror}"


def digest_of_files(paths: Iterable[Path]) -> str:
    """Return a digest of files by name and content."""
    digest = hashlib.sha256()
    _add_files(digest, list(paths))
    return f"sha256 {digest.hexdigest()[:_DIGITS]}"


def file_digest(path: Path) -> str:
    """Return a digest of a file's content; for a very large file, its size and time."""
    if path.stat().st_size > LARGEST_READ:
        return size_and_time(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def size_and_time(path: Path) -> str:
    """Return a file's size and time."""
    info = path.stat()
    return f"{info.st_size} bytes of {info.st_mtime_ns}"


def files_below(directory: Path) -> Iterator[Path]:
    """Yield the regular files below a directory in a fixed order, except caches and hidden ones.

    Raises IncomparableError when there are too many.
    """
    count = 0
    for parent, directories, names in os.walk(directory):
        directories[:] = sorted(name for name in directories if not _is_skipped(name))
        for path in (Path(parent, name) for name in sorted(names) if not _is_skipped(name)):
            if path.is_file():
                count += 1
                if count > _MOST_FILES:
                    raise IncomparableError(f"there are more than {_MOST_FILES:,} files in {directory}")
                yield path


def _is_skipped(name: str) -> bool:
    return name.startswith(".") or name == "__pycache__" or name.endswith((".pyc", ".egg-info"))


def _add(digest: Any, value: Any, depth: int, *, follow: bool) -> None:  # noqa: C901 - a case for each kind of value
    if depth > _DEEPEST:
        raise IncomparableError("it contains itself, or is nested too deep")
    kind = type(value)
    if value is None or isinstance(value, bool | int):
        _add_bytes(digest, kind.__name__, repr(value).encode())
    elif isinstance(value, str | PurePath):
        _add_bytes(digest, "text", os.fspath(value).encode(errors="surrogatepass"))
        if follow:
            _add_what_is_at(digest, os.fspath(value))
    elif isinstance(value, bytes | bytearray | memoryview):
        _add_bytes(digest, "bytes", bytes(value))
    elif isinstance(value, list | tuple):
        _add_items(digest, kind.__name__, (_one(item, depth, follow=follow) for item in value))
    elif isinstance(value, set | frozenset):
        _add_items(digest, "set", sorted(_one(item, depth, follow=follow) for item in value))
    elif isinstance(value, dict):
        pairs = (
            (_one(key, depth, follow=follow), _one(item, depth, follow=follow)) for key, item in value.items()
        )
        _add_items(digest, "dict", (part for pair in sorted(pairs) for part in pair))
    else:
        _add_object(digest, value, depth, follow=follow)


def _add_object(digest: Any, value: Any, depth: int, *, follow: bool) -> None:
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if isinstance(value, Enum):
        _add_bytes(digest, kind, value.name.encode())
    elif isinstance(value, _WRITTEN_AS_THEY_ARE):
        _add_bytes(digest, kind, repr(value).encode())
    elif isinstance(value, re.Pattern):
        _add_items(
            digest, kind, [_one(value.pattern, depth, follow=follow), value.flags.to_bytes(4, "little")]
        )
    elif is_dataclass(value) and not isinstance(value, type):
        items = [[each.name, getattr(value, each.name)] for each in fields(value)]
        _add_items(digest, kind, [_one(items, depth, follow=follow)])
    elif (array := _as_array(value)) is not None:
        _add_array(digest, array, depth, follow=follow)
    elif (name := _name_in_module(value)) is not None:
        _add_bytes(digest, "name", name.encode())
    else:
        raise IncomparableError(f"it is, or holds, {_described(value)}")


def _add_array(digest: Any, array: Any, depth: int, *, follow: bool) -> None:
    _add_bytes(digest, "array", f"{array.dtype.str} {array.dtype.descr} {array.shape}".encode())
    if array.dtype.hasobject:
        _add(digest, array.tolist(), depth + 1, follow=follow)
    else:
        _add_bytes(digest, "values", array.tobytes())


def _as_array(value: Any) -> Any:
    """Return an array or number of numpy's as an array, None for anything else; doesn't import numpy."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray | numpy.generic):
        return numpy.asarray(value)
    return None


def _add_what_is_at(digest: Any, text: str) -> None:
    path = Path(text)
    if not text or "\0" in text or not _exists(path):
        return
    if path.is_file():
        _add_bytes(digest, "file", file_digest(path).encode())
    elif path.is_dir():
        _add_files(digest, list(files_below(path)))


def _add_files(digest: Any, paths: list[Path]) -> None:
    small = sum(path.stat().st_size for path in paths) <= LARGEST_READ
    for path in paths:
        _add_bytes(digest, "file", os.fsencode(path))
        _add_bytes(digest, "content", (file_digest(path) if small else size_and_time(path)).encode())


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _one(value: Any, depth: int, *, follow: bool) -> bytes:
    inner = hashlib.sha256()
    _add(inner, value, depth + 1, follow=follow)
    return inner.digest()


def _add_items(digest: Any, kind: str, items: Iterable[bytes]) -> None:
    together = list(items)
    _add_bytes(digest, kind, str(len(together)).encode())
    for item in together:
        digest.update(item)


def _add_bytes(digest: Any, kind: str, data: bytes) -> None:
    # with its kind and length, so that different values give different bytes
    digest.update(f"{kind} {len(data)} ".encode())
    digest.update(data)


def _name_in_module(value: Any) -> str | None:
    """Return the dotted name of a class or function; None for a lambda and for other objects."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not (callable(value) and isinstance(module, str) and isinstance(name, str)):
        return None
    return None if "<" in name or module == "__main__" else f"{module}.{name}"


def _described(value: Any) -> str:
    name = getattr(value, "__qualname__", "")
    return "a lambda" if "<lambda>" in str(name) else f"an object of {type(value).__qualname__}"
