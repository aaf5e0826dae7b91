"""Records for several models: read once for all that take records of one kind, else once a kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from model_mapreduce_job.formats.read_batch import ReadBatch
from model_mapreduce_job.formats.records import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from model_mapreduce_job.formats.batch_formats import Reader
    from model_mapreduce_job.formats.records import OverlongLine, Records, Text

_NO_RECORD: Final = Failure("ValidationError", "For this model the line is blank, and no record")


class RecordsOfSeveral:
    """The records of a batch as each of several models is given them: read has those of each kind."""

    def __init__(self, read: Sequence[ReadBatch], kinds: Sequence[int]) -> None:
        self._read = read
        self._kinds = kinds

    def __len__(self) -> int:
        """Return how many records there are."""
        return len(self._read[0].lines)

    def of_model(self, place: int) -> Records:
        """Return the records that could be read for the model at this place."""
        return self._read[self._kinds[place]].records

    def outcomes(self, place: int, texts: list[Text]) -> list[Text]:
        """Return what became of each record with a model, given the texts of those that it was given."""
        first, own = self._read[0], self._read[self._kinds[place]]
        outcomes: list[Text] = own.with_failures(texts)
        if own is first or list(own.lines) == list(first.lines):
            return outcomes
        # a row of one empty cell may be a record for one schema, and a blank line for another
        found = dict(zip(own.lines, outcomes, strict=True))
        return [found.get(line, _NO_RECORD) for line in first.lines]


class SeveralReader:
    """Reads batches for several models; kinds has for each of them the place of its reader.

    What comes back of the input, and which lines are blank, is as the first one has it. What a model spoils
    reaches no other: records are decoded again for each, columns can't be changed.
    """

    def __init__(self, readers: Sequence[Reader], kinds: Sequence[int]) -> None:
        self._readers = readers
        self._kinds = kinds

    def read(self, batch: Any) -> ReadBatch:
        """Return the records of a batch, as RecordsOfSeveral; no failures, which are each model's own."""
        found = [reader.read(batch) for reader in self._readers]
        first = found[0]
        records: Any = RecordsOfSeveral([*map(self._shared, range(len(found)), found)], self._kinds)
        return ReadBatch(first.keys, records, {}, first.lines, first.blank, first.headers)

    def keys(self, batch: Any) -> Any:
        """Return what comes back of a batch none of which could be predicted."""
        return self._readers[0].keys(batch)

    def overlong_keys(self, line: OverlongLine) -> list[bytes]:
        """Return what comes back of a line that is too long to be read: one text."""
        return self._readers[0].overlong_keys(line)

    def take_key_counts(self) -> list[int]:
        """Return how many records had each field that --key names since this was last asked."""
        return self._readers[0].take_key_counts()

    def _shared(self, kind: int, read: ReadBatch) -> ReadBatch:
        if self._kinds.count(kind) == 1:
            return read
        records: Any = _OnceInColumns(read.records)
        return replace(read, records=records)


class _OnceInColumns:
    """Records of which columns are made once, however many models ask for them."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._columns: pa.RecordBatch | None = None

    def __len__(self) -> int:
        return len(self._records)

    def rows(self) -> list[Any]:
        return self._records.rows()

    def columns(self) -> pa.RecordBatch:
        if self._columns is None:
            self._columns = self._records.columns()
        return self._columns

    def part(self, places: Sequence[int]) -> Records:
        return self._records.part(places)
