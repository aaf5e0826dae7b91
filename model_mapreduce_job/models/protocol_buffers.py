"""Reads protocol buffers, in which some files keep what they say of themselves."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_VARINT, _BYTES = 0, 2
_FIXED: Final = {1: 8, 5: 4}
_SIGN: Final = 1 << 63


def fields(message: memoryview | int) -> Iterator[tuple[int, memoryview | int]]:
    """Yield the fields of a message: each its number, and its integer or its bytes.

    Raises LookupError where it is cut off, or no message; TypeError for an integer.
    """
    if isinstance(message, int):
        raise TypeError("an integer where a message should be")
    place = 0
    while place < len(message):
        key, place = varint(message, place)
        kind = key & 7
        size, place = varint(message, place) if kind in {_VARINT, _BYTES} else (_FIXED[kind], place)
        if kind == _VARINT:
            yield key >> 3, size
            continue
        if place + size > len(message):
            raise IndexError("cut off")
        yield key >> 3, message[place : place + size]
        place += size


def fields_by_number(message: bytes | memoryview) -> dict[int, list[Any]]:
    """Return the values of a message's fields by their numbers, none for one that is not there."""
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for number, value in fields(memoryview(message)):
        found[number].append(value)
    return found


def varint(data: bytes | memoryview, place: int) -> tuple[int, int]:
    """Return the integer at a place, of seven bits a byte, the lowest first; and the place after it."""
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the last byte of a varint has no high bit
            return value, place
        shift += 7


def integers(values: Iterable[int | memoryview]) -> Iterator[int]:
    """Yield the whole numbers of a repeated field, packed or not."""
    for value in values:
        if isinstance(value, int):
            yield _signed(value)
        else:  # packed
            place = 0
            while place < len(value):
                number, place = varint(value, place)
                yield _signed(number)


def text(value: memoryview | int | None) -> str:
    """Return the text of a field, nothing for one that is not there."""
    return bytes(value).decode() if isinstance(value, memoryview) else ""


def _signed(number: int) -> int:
    return number - 2 * _SIGN if number >= _SIGN else number
