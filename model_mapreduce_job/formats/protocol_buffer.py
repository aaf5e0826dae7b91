"""Reads protocol buffers, in which some formats keep what they say of themselves."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

_VARINT, _LENGTH = 0, 2
_FIXED: Final = {1: 8, 5: 4}


def fields_of(data: bytes) -> dict[int, list[Any]]:
    """Return the values of a protocol buffer by the numbers of their fields: integers and bytes."""
    found: defaultdict[int, list[Any]] = defaultdict(list)
    start = 0
    while start < len(data):
        key, start = varint_at(data, start)
        kind = key & 7
        size, start = varint_at(data, start) if kind in {_VARINT, _LENGTH} else (_FIXED[kind], start)
        if kind == _VARINT:
            found[key >> 3].append(size)
            continue
        found[key >> 3].append(data[start : start + size])
        start += size
    return found


def varint_at(data: bytes, start: int) -> tuple[int, int]:
    """Return the number at a place, seven bits a byte, the low ones first, and the place behind it."""
    number = shift = 0
    while data[start] >= 0x80:  # noqa: PLR2004 - the bit that says that more follow
        number |= (data[start] & 0x7F) << shift
        start, shift = start + 1, shift + 7
    return number | data[start] << shift, start + 1
