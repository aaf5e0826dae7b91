"""What a pipeline reads with and writes with, whether a batch is lines of text or rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.formats.read_batch import ReadBatch
    from model_mapreduce_job.formats.records import OverlongLine, Text


class Reader(Protocol):
    """Reads the records of batches: of lists of lines, or of the rows of an Arrow RecordBatch."""

    def read(self, batch: Any) -> ReadBatch:
        """Return the records of a batch; one that can't be read becomes a failure."""
        ...

    def keys(self, batch: Any) -> Any:
        """Return what comes back of a batch none of which could be predicted."""
        ...

    def overlong_keys(self, line: OverlongLine) -> list[bytes]:
        """Return what comes back of a line that is too long to be read: one text."""
        ...

    def take_key_counts(self) -> list[int]:
        """Return how many records had each field that --key names since this was last asked."""
        ...


class Writer(Protocol):
    """Writes predictions beside what comes back of their records.

    header is the line before all others, None where there is none.
    """

    header: bytes | None

    def checked(self, predictions: Sequence[Text]) -> Sequence[Text]:
        """Return predictions with a Failure in the place of each that can't be written as it is."""
        ...

    def write(self, keys: Any, predictions: Sequence[Text]) -> Any:
        """Return the output for keys and what became of their records: lines, or rows."""
        ...

    def lines(self, output: Any) -> list[bytes]:
        """Return an output as lines, by which one run's can be compared with another's."""
        ...

    def size(self, output: Any) -> int:
        """Return how many bytes an output takes, about."""
        ...
