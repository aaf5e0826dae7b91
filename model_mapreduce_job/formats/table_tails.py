"""How much of a file's end says what is in it, for who has not all of the file at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from model_mapreduce_job.models.protocol_buffers import fields_by_number

if TYPE_CHECKING:
    from collections.abc import Callable

# The last bytes of a file that say it.
LOOK_BYTES: Final = 1 << 9
_MAGIC_BYTES: Final = 4
_PARQUET_END: Final = 8
# The numbers that ORC's postscript has for two lengths.
_FOOTER_LENGTH, _METADATA_LENGTH = 1, 5


def tail_bytes(name: str, end: bytes) -> int:
    """Return how many bytes at the end of a file of this format describe it, by its last LOOK_BYTES.

    0 where they don't say it: the file is cut off, or something else.
    """
    try:
        return _TAILS[name](end)
    except (IndexError, KeyError, TypeError):
        return 0


def _of_parquet(end: bytes) -> int:
    if end[-_MAGIC_BYTES:] != b"PAR1":
        return 0
    return int.from_bytes(end[-_PARQUET_END:-_MAGIC_BYTES], "little") + _PARQUET_END


def _of_orc(end: bytes) -> int:
    size = end[-1] + 1
    postscript = fields_by_number(end[-size:-1])
    lengths = (postscript[name] for name in (_FOOTER_LENGTH, _METADATA_LENGTH))
    return size + sum(int(sum(values)) for values in lengths)


_TAILS: Final[dict[str, Callable[[bytes], int]]] = {"parquet": _of_parquet, "orc": _of_orc}
