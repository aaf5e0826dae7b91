"""What an ONNX file says that ONNX Runtime doesn't hand on: who wrote it, and its classifier's classes.

The file is a protobuf message; the field numbers are those of onnx.proto
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PRODUCER_NAME, _PRODUCER_VERSION, _GRAPH = 2, 3, 7  # of ModelProto
_NODE = 1  # of GraphProto
_ATTRIBUTE = 5  # of NodeProto
_NAME, _INTS, _STRINGS = 1, 8, 9  # of AttributeProto
_STRING_LABELS = frozenset({b"classlabels_strings", b"cats_strings"})
_INTEGER_LABELS = frozenset({b"classlabels_int64s", b"classlabels_ints", b"cats_int64s"})
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIGN = 1 << 63


@dataclass(frozen=True, slots=True)
class OnnxContent:
    """The library that wrote a file, its version, and the classes of the file's last classifier node."""

    producer: str
    version: str
    classes: tuple[str | int, ...]


def onnx_content(data: bytes) -> OnnxContent:
    """Return what an ONNX file says; raises ValueError for bytes that are no whole ONNX file."""
    try:
        model = dict(fields(memoryview(data)))
        classes: tuple[str | int, ...] = ()
        for number, node in fields(model[_GRAPH]):
            if number == _NODE:
                classes = _classes(node) or classes
        return OnnxContent(text(model.get(_PRODUCER_NAME)), text(model.get(_PRODUCER_VERSION)), classes)
    except (IndexError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise ValueError("it is no whole ONNX file") from error


def _classes(node: memoryview | int) -> tuple[str | int, ...]:
    for number, attribute in fields(node):
        if number == _ATTRIBUTE:
            members = list(fields(attribute))
            name = bytes(next((value for number, value in members if number == _NAME), b""))
            if name in _STRING_LABELS:
                return tuple(bytes(value).decode() for number, value in members if number == _STRINGS)
            if name in _INTEGER_LABELS:
                return tuple(integers(value for number, value in members if number == _INTS))
    return ()


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


def _signed(number: int) -> int:
    return number - 2 * _SIGN if number >= _SIGN else number


def fields(message: memoryview | int) -> Iterator[tuple[int, memoryview | int]]:
    """Yield the fields of a protobuf message: each its number, and its integer or its bytes."""
    if isinstance(message, int):
        raise TypeError("an integer where a message should be")
    place = 0
    while place < len(message):
        key, place = varint(message, place)
        kind = key & 7
        if kind == _VARINT:
            value, place = varint(message, place)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, place = varint(message, place)
        else:
            size = {_FIXED64: 8, _FIXED32: 4}[kind]
        if place + size > len(message):
            raise IndexError("cut off")
        yield key >> 3, message[place : place + size]
        place += size


def varint(data: memoryview, place: int) -> tuple[int, int]:
    """Return the integer at a place, of seven bits a byte, the lowest first; and the place behind it."""
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the last byte of a varint has no high bit
            return value, place
        shift += 7


def text(value: memoryview | int | None) -> str:
    """Return the text of a field, nothing for one that is not there."""
    return bytes(value).decode() if isinstance(value, memoryview) else ""
