"""Whole numbers in columns of floats, which hold only some of the large ones: those they don't are found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

# The fewest digits of a whole number that a float of these bits may not hold: 2049, 16777217, 2**53 + 1.
_FEWEST_DIGITS: Final = {16: 4, 32: 8, 64: 16}


class WholeNumbers:
    """Finds whole numbers that columns of a type would change. kind is the type of a prediction."""

    def __init__(self, kind: pa.DataType) -> None:
        self._kind = kind
        widths = set(_float_widths(kind))
        digits = min(map(_FEWEST_DIGITS.__getitem__, widths), default=0)
        self._suspect = re.compile(rb"(?:^|[\s:,[-])\d{%d}" % digits) if widths else None

    def are_kept(self, texts: bytes) -> bool:
        """Return whether no number in JSON texts is so large that it may be changed: a quick look."""
        return self._suspect is None or self._suspect.search(texts) is None

    def changed(self, text: bytes) -> int | None:
        """Return the first number in a prediction that its column would change; None where there is none."""
        if self.are_kept(text):
            return None
        return next(_changed(msgspec.json.decode(text), self._kind), None)


def _float_widths(kind: pa.DataType) -> Iterator[int]:
    if pa.types.is_floating(kind):
        yield kind.bit_width
    for place in range(kind.num_fields):
        yield from _float_widths(kind.field(place).type)


def _changed(value: Any, kind: pa.DataType) -> Iterator[int]:
    if isinstance(value, dict) and pa.types.is_struct(kind):
        for field in kind:
            yield from _changed(value.get(field.name), field.type)
    elif isinstance(value, list) and pa.types.is_list(kind):
        for item in value:
            yield from _changed(item, kind.value_type)
    elif type(value) is int and pa.types.is_floating(kind) and not _is_held(value, kind.bit_width):
        yield value


def _is_held(value: int, bits: int) -> bool:
    """Return whether a float of these bits is the very number."""
    with np.errstate(over="ignore"):
        nearest = float(np.dtype(f"f{bits // 8}").type(float(value)))
    return nearest == value
