"""How Hadoop streaming cuts bytes into records and writes what tasks print."""

import bz2
import gzip
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

# Hadoop's LineReader ends a line at CR, LF or CR LF, both in the input and in what a task prints.
LINE_END: Final = re.compile(rb"\r\n|\r|\n")

CODECS: Final[dict[str, Callable[[bytes], bytes]]] = {".gz": gzip.decompress, ".bz2": bz2.decompress}


def lines(data: bytes, delimiter: bytes | None = None) -> list[bytes]:
    """Cut bytes into lines without their ends; a delimiter is what textinputformat.record.delimiter says."""
    parts = data.split(delimiter) if delimiter else LINE_END.split(data)
    return parts[:-1] if parts[-1] == b"" else parts


def decompressed(name: str, data: bytes) -> bytes:
    """Return the bytes of an input file, decompressed as Hadoop's codecs do by the file's name."""
    codec = next((codec for ending, codec in CODECS.items() if name.endswith(ending)), None)
    return codec(data) if codec else data


def mapper_input(records: Iterable[bytes], *, with_offset: bool) -> bytes:
    """Return what a mapper reads: a line a record, after its offset and a TAB for NLineInputFormat."""
    return b"".join(_with_offset(records) if with_offset else (record + b"\n" for record in records))


def _with_offset(records: Iterable[bytes]) -> Iterator[bytes]:
    offset = 0
    for record in records:
        yield b"%d\t%s\n" % (offset, record)
        offset += len(record) + 1


def pairs(printed: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Cut what a task printed into keys and values; a line without TAB is a key with an empty value."""
    for line in lines(printed):
        key, _, value = line.partition(b"\t")
        yield key, value


def part(printed: bytes, *, key_only: bool) -> bytes:
    """Return the part file that TextOutputFormat writes of what a task printed.

    A line without TAB gets one at its end, unless the job asked for keys only.
    """
    if key_only:
        return b"".join(line + b"\n" for line in lines(printed))
    return b"".join(key + b"\t" + value + b"\n" for key, value in pairs(printed))
