"""Reading an earlier output for a replay: what has a prediction is kept as it is, all else is read again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress
from operator import methodcaller as calls
from typing import TYPE_CHECKING

from msgspec.structs import replace

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.earlier_output import no_such_line
from model_mapreduce_job.formats.lines import BOM
from model_mapreduce_job.formats.read_batch import KeptLines, ReadBatch, places_without
from model_mapreduce_job.formats.records import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Sized

    from model_mapreduce_job.formats.batch_formats import Reader
    from model_mapreduce_job.formats.earlier_output import EarlierOutput, EarlierRecord
    from model_mapreduce_job.formats.records import OverlongLine

_BLANK = Failure("NoRecord", "What the earlier output has of this input is a blank line or a header")


@dataclass(frozen=True)
class ReplayReader:
    """Reads lines of an earlier output; reader reads the inputs of those that have no prediction.

    header is the line that names the columns, where there is one.
    """

    reader: Reader
    earlier: EarlierOutput
    header: bytes | None = None

    def read(self, batch: Sequence[bytes]) -> ReadBatch:
        """Return the records without a prediction, and beside them the lines that are kept."""
        lines = list(batch)
        if cut := next(compress(lines, map(calls("endswith", b"\r"), lines)), None):
            raise no_such_line(cut, "any format", "it ends in CR")
        headers = self._headers(lines)
        records = places_without(range(len(lines)), headers)
        lines = [lines[place] for place in records] if headers else lines
        places = self.earlier.unpredicted(lines) if lines else []
        earlier = [self.earlier.record(lines[place]) for place in places]
        return replace(
            read_again(self.reader, earlier),
            lines=[records[place] for place in places],
            headers=len(headers),
            kept=KeptLines(lines, places),
        )

    def keys(self, batch: Sequence[bytes]) -> list[bytes]:
        """Return the inputs' text in lines without a prediction; raises InputError where there is one."""
        check_unpredicted(self.earlier.unpredicted(list(batch)), batch)
        return [self.earlier.record(line).key for line in batch]

    def overlong_keys(self, line: OverlongLine) -> list[bytes]:
        """Raise InputError: a line that is too long to be read may have a prediction."""
        head = line.head.decode(errors="backslashreplace")
        raise InputError(
            f"The input of --replay has a line that is longer than --max_record_bytes: {head[:80]!r}... "
            "Give a larger --max_record_bytes."
        )

    def take_key_counts(self) -> list[int]:
        """Return nothing: a replay has no --key."""
        return []

    def _headers(self, lines: list[bytes]) -> list[int]:
        if self.header not in lines:
            return []
        return [place for place, line in enumerate(lines) if line == self.header]


def read_again(reader: Reader, earlier: Sequence[EarlierRecord]) -> ReadBatch:
    """Return what a reader of lines makes of the lines that records without a prediction were."""
    asked = [place for place, record in enumerate(earlier) if record.failure is None]
    read = reader.read([_whole(earlier[place].line) for place in asked])
    found = [asked[line] for line in read.lines]
    failures = {found[place]: failure for place, failure in read.failures.items()}
    failures |= dict.fromkeys({*asked}.difference(found), _BLANK)
    failures |= {place: record.failure for place, record in enumerate(earlier) if record.failure}
    return replace(read, keys=[record.key for record in earlier], failures=_in_order(failures), blank=0)


def check_unpredicted(unpredicted: Sequence[int], batch: Sized) -> None:
    """Raise InputError unless none of a batch, at which a process ended, has a prediction."""
    if len(unpredicted) < len(batch):
        raise InputError(
            "A process ended while it read a record that has a prediction, which is the machine's fault. "
            "Run it again."
        )


def _whole(line: bytes) -> bytes:
    """Return a line so that nothing is lost of it where byte order marks and CRs are removed."""
    return (BOM if line.startswith(BOM) else b"") + line + (b"\r" if line.endswith(b"\r") else b"")


def _in_order(failures: Mapping[int, Failure]) -> dict[int, Failure]:
    return dict(sorted(failures.items()))
