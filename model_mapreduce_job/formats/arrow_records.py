"""The records of a batch that were read as columns: some of its rows, and how many bytes they take."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    ReadRows = Callable[[pa.RecordBatch, Sequence[int]], list[Any]]

_BITS = 8


class ArrowRecords:
    """Records as a batch of the run's one schema, with true nulls.

    read_rows makes of a part of it what a model of lists is given: of its columns, or of the places that its
    rows have in the whole batch.
    """

    def __init__(
        self, batch: pa.RecordBatch, read_rows: ReadRows, places: Sequence[int] | None = None
    ) -> None:
        self._batch = batch
        self._read_rows = read_rows
        self._places = range(batch.num_rows) if places is None else places

    def __len__(self) -> int:
        """Return how many records there are."""
        return len(self._places)

    def rows(self) -> list[Any]:
        """Return the records in a list, made anew each time; raises what making them raises."""
        return self._read_rows(self._batch, self._places)

    def columns(self) -> pa.RecordBatch:
        """Return the records as columns, which nobody can change."""
        return self._batch

    def look(self) -> pa.RecordBatch:
        """Return the records as columns, which nobody can change."""
        return self._batch

    def part(self, places: Sequence[int]) -> ArrowRecords:
        """Return the records at these places."""
        theirs = [self._places[place] for place in places]
        return ArrowRecords(rows_at(self._batch, places), self._read_rows, theirs)


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


def rows_at(batch: pa.RecordBatch, places: Sequence[int]) -> pa.RecordBatch:
    """Return the rows at these places, in the order given, whatever the types of the columns."""
    # batches of Arrow are there, so it is; runs without columns need none
    import pyarrow as pa  # noqa: PLC0415

    from model_mapreduce_job.models.arrow_arrays import arrow_array  # noqa: PLC0415

    if isinstance(places, range) and places.step == 1:
        return batch.slice(places.start, len(places))
    try:
        return batch.take(arrow_array(list(places), pa.int64()))
    except pa.ArrowNotImplementedError:
        # Arrow takes no views and no run-ends, and slices all
        slices = [batch.slice(start, length) for start, length in _runs(places)]
        return pa.concat_batches(slices) if slices else batch.slice(0, 0)


def _runs(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first place and the length of each run of places that follow each other."""
    ends = [at for at, (one, other) in enumerate(pairwise(places), 1) if other != one + 1]
    bounds = [0, *ends, len(places)] if places else []
    for start, end in pairwise(bounds):
        yield places[start], end - start


def _width(kind: pa.DataType) -> int:
    """Return the bits of a type's value; 0 where they differ from value to value."""
    try:
        # of a dictionary the width is that of the numbers of its values
        return 0 if kind.num_fields or hasattr(kind, "value_type") else int(kind.bit_width)
    except ValueError:
        return 0
