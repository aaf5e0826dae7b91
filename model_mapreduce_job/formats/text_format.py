"""Lines of text as a pipeline reads and writes them, in any format that has a protocol of lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_mapreduce_job.formats.lines import strip_bom_and_cr
from model_mapreduce_job.formats.protocols import json_string
from model_mapreduce_job.formats.reading import read_batch
from model_mapreduce_job.formats.text_forms import size_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.formats.protocols import InputProtocol, OutputProtocol
    from model_mapreduce_job.formats.read_batch import ReadBatch
    from model_mapreduce_job.formats.records import OverlongLine, Text, ToColumns


class TextReader:
    """Reads batches of lines; to_columns makes columns of records, for a model that is given some."""

    def __init__(self, protocol: InputProtocol, to_columns: ToColumns | None = None) -> None:
        self._protocol = protocol
        self._to_columns = to_columns

    def read(self, batch: Sequence[bytes]) -> ReadBatch:
        """Return the records of lines; one that can't be read becomes a failure."""
        return read_batch(self._protocol, batch, self._to_columns)

    def keys(self, batch: Sequence[bytes]) -> list[bytes]:
        """Return the text by which each line comes back."""
        return list(map(self._protocol.text, map(strip_bom_and_cr, batch)))

    def overlong_keys(self, line: OverlongLine) -> list[bytes]:
        """Return the text by which a line that is too long comes back: its beginning."""
        text = getattr(self._protocol, "text_of_no_record", json_string)
        return [text(line.head + b"...")]

    def take_key_counts(self) -> list[int]:
        """Return how many records had each field that --key names since this was last asked."""
        take = getattr(self._protocol, "take_key_counts", list)
        return list(take())


class TextWriter:
    """Writes a line for each prediction."""

    def __init__(self, protocol: OutputProtocol) -> None:
        self._protocol = protocol
        self.header: bytes | None = getattr(protocol, "header", None)

    def checked(self, predictions: Sequence[Text]) -> Sequence[Text]:
        """Return predictions with a Failure in the place of each that a line has no room for."""
        checked = getattr(self._protocol, "checked", None)
        return checked(predictions) if checked else predictions

    def write(self, keys: Sequence[bytes], predictions: Sequence[Text]) -> Sequence[bytes]:
        """Return a line for each key and what became of its record."""
        return self._protocol.write(keys, predictions)

    def lines(self, output: Sequence[bytes]) -> list[bytes]:
        """Return the lines."""
        return list(output)

    def size(self, output: Sequence[bytes]) -> int:
        """Return about how many bytes lines have."""
        return size_of(output)
