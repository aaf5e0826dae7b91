"""The stamp of an output: which model predicted a record in which run; and writers that add it to lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import astuple, fields

from model_mapreduce_job.formats.delimited_writer import safe_cell
from model_mapreduce_job.formats.rows import join_row, split_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from model_mapreduce_job.formats.batch_formats import Writer
    from model_mapreduce_job.formats.records import Text
    from model_mapreduce_job.formats.rows import Dialect

# What JSON calls it; rows and tables have a column for each of its fields.
STAMP: Final = "stamp"
_PAIR: Final = b'\t{"prediction": '


class Stamp(msgspec.Struct, frozen=True):
    """What each record of a run's output says of its model and of the run: the same in all of them.

    model_sha256 has the first 12 hexadecimal digits of the model's file, None where it has none. Of several
    models there are several names, versions and digests, which semicolons separate.
    """

    model_name: str
    model_version: str
    model_sha256: str | None
    run_id: str
    run_time: str

    @property
    def values(self) -> tuple[str | None, ...]:
        """The values, in the order of the columns."""
        return astuple(self)

    @property
    def json(self) -> bytes:
        """The stamp as a JSON object."""
        return json.dumps(dict(zip(STAMP_COLUMNS, self.values, strict=True))).encode()


STAMP_COLUMNS: Final = tuple(field.name for field in fields(Stamp))


def stamp_columns(taken: Iterable[str], model: str) -> list[str]:
    """Return the columns of a stamp; one whose name is taken has the model's before it."""
    names = {*taken}
    return [f"{model}_{name}" if name in names else name for name in STAMP_COLUMNS]


class StampedLines(msgspec.Struct):
    """A writer of lines, each of which gets an end, and where it begins to be one, a middle.

    A line without its stamp is the writer's own: by that one run can be compared with another.
    """

    writer: Writer
    end: bytes
    cut: int = 0
    middle: tuple[bytes, bytes] | None = None
    header: bytes | None = None

    def checked(self, predictions: Sequence[Text]) -> Sequence[Text]:
        """Return predictions with a Failure in the place of each that can't be written as it is."""
        return self.writer.checked(predictions)

    def write(self, keys: Any, predictions: Sequence[Text]) -> list[bytes]:
        """Return a line for each key and what became of its record."""
        lines = self.writer.write(keys, predictions)
        if self.middle is not None:
            lines = [line.replace(*self.middle, 1) for line in lines]
        end = self.end
        return [line[: -self.cut] + end for line in lines] if self.cut else [line + end for line in lines]

    def lines(self, output: list[bytes]) -> list[bytes]:
        """Return lines without their stamps."""
        closing = b"}" * self.cut
        lines = [line[: -len(self.end)] + closing for line in output]
        return [line.replace(*self.middle[::-1], 1) for line in lines] if self.middle else lines

    def size(self, output: list[bytes]) -> int:
        """Return how many bytes lines have."""
        return self.writer.size(output)


def stamped_pairs(writer: Writer, stamp: Stamp) -> StampedLines:
    """Return a writer of JSON pairs whose second part is an object of the prediction and the stamp."""
    return StampedLines(writer, b', "%b": %b}' % (STAMP.encode(), stamp.json), middle=(b"\t", _PAIR))


def stamped_objects(writer: Writer, stamp: Stamp) -> StampedLines:
    """Return a writer of JSON objects with one more member, the stamp."""
    return StampedLines(writer, b', "%b": %b}' % (STAMP.encode(), stamp.json), cut=1)


def stamped_rows(writer: Writer, stamp: Stamp, dialect: Dialect) -> StampedLines:
    """Return a writer of rows with a cell for each field of the stamp."""
    header = writer.header
    if header is not None:
        first = stamp.model_name.partition(";")[0]
        header += _cells(stamp_columns(split_row(header.decode(), dialect.delimiter), first), dialect)
    return StampedLines(writer, _cells([value or "" for value in stamp.values], dialect), header=header)


def _cells(values: Sequence[str], dialect: Dialect) -> bytes:
    return join_row(["", *(safe_cell(value, dialect) for value in values)], dialect.delimiter)
