"""How many bytes rows take in memory: quickly, where there are thousands of columns of one size a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_BITS = 8


class RowBytes:
    """Counts the bytes of batches with these columns. What says which values are null is not counted."""

    def __init__(self, schema: pa.Schema) -> None:
        widths = list(map(_width, schema.types))
        self._each = sum(widths)
        self._others = [place for place, width in enumerate(widths) if not width]

    def of(self, batch: pa.RecordBatch) -> int:
        """Return how many bytes a batch has."""
        others = sum(batch.column(place).nbytes for place in self._others)
        return int(batch.num_rows * self._each // _BITS + others)


def _width(kind: pa.DataType) -> int:
    """Return the bits of a type's value; 0 where they differ from value to value."""
    try:
        # of a dictionary the width is that of the numbers of its values
        return 0 if kind.num_fields or hasattr(kind, "value_type") else int(kind.bit_width)
    except ValueError:
        return 0
