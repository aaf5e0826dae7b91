"""What lines of an earlier output say: which have a prediction, and the input of those that have none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.records import Failure
from model_mapreduce_job.formats.several_outcomes import PartlyFailed
from model_mapreduce_job.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

# What reading a line fails with, so that no model can mend it; of these the second is csv's own.
_OF_READING: Final = frozenset(
    {"DecodeError", "Error", "OverlongLine", "RecursionError", "RowError", "UnicodeDecodeError"}
    | {"ValidationError"}
)
_SHOWN_CHARACTERS: Final = 200
_NO_RECORD: Final = Failure(
    "NoRecord",
    "The earlier output has this input as a text alone, as it has lines that were no records, or too long; "
    "predict it from the first input",
)


class EarlierRecord(msgspec.Struct, frozen=True):
    """A record that has no prediction: key is its input's text in the output, line the line that it was.

    failure is there where no model can be asked: what stood in that line was no record.
    """

    key: bytes
    line: bytes = b""
    failure: Failure | None = None


class EarlierOutput(Protocol):
    """Reads the lines of an earlier output, but for one that names columns."""

    def unpredicted(self, lines: list[bytes]) -> list[int]:
        """Return the places of the lines without a prediction; raises InputError for what is no such line."""
        ...

    def record(self, line: bytes) -> EarlierRecord:
        """Return the record of a line without a prediction."""
        ...


class Reasons(msgspec.Struct, frozen=True):
    """Why a record has no prediction, as an output with --on_error explain says it: a Failure a model."""

    failures: tuple[Failure, ...] = ()

    def of_no_record(self, names: Sequence[str]) -> Failure | None:
        """Return the failure that stays, of what may have been no record; None if a model has failed it."""
        if not self.failures:
            return _NO_RECORD
        if any(failure.place or failure.kind not in _OF_READING for failure in self.failures):
            return None
        if len(names) > 1 and len(self.failures) == len(names):
            return PartlyFailed.of_texts(names, self.failures)
        return self.failures[0]


def failure_of_json(error: Any) -> Failure:
    """Return the failure that an output explains by this object."""
    return Failure(*(str(error.get(name, "")) for name in ("type", "message", "at")))


def no_such_line(line: bytes, protocol: str, reason: str) -> InputError:
    """Return the error for a line that the earlier output can't have."""
    shown = printable(line.decode(errors="backslashreplace"), _SHOWN_CHARACTERS)
    return InputError(
        f"The input of --replay has the line {shown}, which is none of an output in {protocol}: {reason}. "
        "Give it with the options of the run that made it."
    )
