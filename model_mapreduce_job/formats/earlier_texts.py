"""Rows of texts of an earlier output that is a table: the lines of csv or tsv that they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.arrow_records import rows_at
from model_mapreduce_job.formats.earlier_output import EarlierRecord, Reasons
from model_mapreduce_job.formats.earlier_rows import may_be_no_cell, row_of
from model_mapreduce_job.formats.earlier_tables import KeptRows
from model_mapreduce_job.formats.records import Failure
from model_mapreduce_job.formats.replaying import check_unpredicted, read_again

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from model_mapreduce_job.formats.batch_formats import Reader
    from model_mapreduce_job.formats.earlier_tables import EarlierTable
    from model_mapreduce_job.formats.read_batch import ReadBatch
    from model_mapreduce_job.formats.records import OverlongLine


@dataclass(frozen=True)
class TextReplayReader:
    """Reads rows of texts; reader reads the lines that those were which have no prediction.

    names are the models'; delimiter is what separated the cells of the first input.
    """

    reader: Reader
    earlier: EarlierTable
    names: tuple[str, ...]
    delimiter: str

    def read(self, batch: pa.RecordBatch) -> ReadBatch:
        """Return the records without a prediction, and beside them the rows that are kept."""
        places = self.earlier.unpredicted(batch)
        rows = rows_at(batch, places)
        return replace(
            read_again(self.reader, list(self._records(rows))),
            keys=self._inputs(rows),
            lines=places,
            kept=KeptRows(batch, places, self.earlier.inputs),
        )

    def keys(self, batch: pa.RecordBatch) -> Any:
        """Return the input's columns of rows without a prediction; raises InputError where there is one."""
        check_unpredicted(self.earlier.unpredicted(batch), batch)
        return self._inputs(batch)

    def overlong_keys(self, _line: OverlongLine) -> list[bytes]:
        """Return nothing: a table has no lines."""
        return []

    def take_key_counts(self) -> list[int]:
        """Return nothing: a replay has no --key."""
        return []

    def _inputs(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        return rows.select(list(range(self.earlier.inputs)))

    def _records(self, rows: pa.RecordBatch) -> Iterator[EarlierRecord]:
        columns = [column.to_pylist() for column in rows.columns[: self.earlier.inputs]]
        errors = [[rows.column(place).to_pylist() for place in model.error] for model in self.earlier.models]
        for place, cells in enumerate(zip(*columns, strict=True)):
            found = [[column[place] for column in error] for error in errors]
            reasons = Reasons(tuple(Failure(*error) for error in found if any(error)))
            yield self._record(cells, reasons)

    def _record(self, cells: Sequence[str | None], reasons: Reasons) -> EarlierRecord:
        """Return the record of a row. A line that was none has its text in the first cell, and no others."""
        first, *others = cells
        was_no_row = bool(others) and all(cell is None for cell in others)
        if first is not None and (was_no_row or (not others and may_be_no_cell(first, self.delimiter))):
            failure = reasons.of_no_record(self.names)
            if failure or was_no_row:
                return EarlierRecord(b"", failure=failure or reasons.failures[0])
        if None in cells:
            raise InputError(
                f"The output of --replay has a null in its column {self._name(cells.index(None))}, which no "
                "row of csv or tsv gives. Say with --input_protocol what the run that made it read."
            )
        return EarlierRecord(b"", row_of([str(cell) for cell in cells], self.delimiter))

    def _name(self, place: int) -> str:
        return str(self.earlier.schema.names[place])
