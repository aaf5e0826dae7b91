"""Compressed files, read whole or not at all: members one after the other, and no end before the end."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from backports import zstd

from model_mapreduce_job.exceptions import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# By the file's ending, as Hadoop does it.
_OPENERS: dict[str, Callable[[BinaryIO], BinaryIO]] = {
    ".gz": lambda file: gzip.GzipFile(fileobj=file),  # type: ignore[return-value]
    ".bz2": bz2.BZ2File,  # type: ignore[dict-item]
    ".xz": lzma.LZMAFile,  # type: ignore[dict-item]
    ".zst": zstd.ZstdFile,  # type: ignore[dict-item]
}
_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, zstd.ZstdError)


def is_compressed(path: str) -> bool:
    """Return whether a file is compressed, by its ending."""
    return path.endswith(tuple(_OPENERS))


def decompressed(path: str, file: BinaryIO) -> BinaryIO:
    """Return what a file holds, decompressed if its ending says that it is compressed."""
    opener = next((opener for ending, opener in _OPENERS.items() if path.endswith(ending)), None)
    return opener(file) if opener else file


@contextmanager
def whole_or_error(path: str) -> Iterator[None]:
    """Turn what goes wrong inside with a compressed file into an InputError that names it."""
    try:
        yield
    except _ERRORS as error:
        raise _damaged(path, error) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise _damaged(path, error) from error  # bz2 has no error of its own


def _damaged(path: str, error: BaseException) -> InputError:
    return InputError(
        f"{path} is cut off or damaged: {error}. Nothing of it was used; get a whole copy of it."
    )
