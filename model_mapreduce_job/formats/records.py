"""What becomes of a record: its prediction's text, or a Failure."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, cast

import msgspec

from model_mapreduce_job.printable import escaped, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

MAX_MESSAGE_CHARACTERS = 1000
# What the columns of a row are called that say why it has no prediction: a Failure's kind and message.
ERROR_COLUMNS: Final = ("error_type", "error_message")
# What msgspec says of a value of another type than a field's.
_MISFIT: Final = re.compile(r"Expected `.*`, got `.*` - at `\$\.(.+)`")
_LONGEST_VALUE: Final = 60

# What one record may raise without ending the task. A model that calls sys.exit(), or lets a CancelledError
# or a KeyboardInterrupt of its own escape, is no reason to stop: errors.py knows the exceptions.
RECORD_ERRORS = (BaseException,)

_name_of = type.__dict__["__name__"].__get__


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a record has no prediction.

    kind is the name of the error's type, message its text: one line, of printable characters. place is the
    line of the model's own code that it comes from, as `churn.py:41`, where that is known; failures that
    differ in nothing else are equal.
    """

    kind: str
    message: str
    place: str = field(default="", compare=False)

    @classmethod
    def of(cls, error: BaseException, place: str = "") -> Failure:
        """Return the failure that an error stands for; an error that can't print itself has no message."""
        try:
            message = one_line(str.__str__(str(error)))
        except BaseException:  # noqa: BLE001 - a model's own __str__ may raise anything
            message = ""
        return cls(kind_of(error), message, place)


def with_value(failure: Failure, value_of: Callable[[str], str | None]) -> Failure:
    """Return a failure whose message has the value that is of another type than its field.

    value_of gives the JSON text of a field of the record, None for one that it doesn't have.
    """
    found = _MISFIT.fullmatch(failure.message)
    value = value_of(found[1]) if found else None
    if value is None:
        return failure
    return replace(failure, message=f"{failure.message}: {printable(value, _LONGEST_VALUE)}")


def kind_of(thing: Any) -> str:
    """Return the name of an object's type, whatever its metaclass says."""
    return str(_name_of(type(thing)))


# A prediction is kept bare: wrapping each in an object of its own would cost more than predicting it.
Outcome: TypeAlias = Any | Failure
Text: TypeAlias = bytes | Failure


ToColumns: TypeAlias = "Callable[[list[Any]], pa.RecordBatch]"


class Records(Protocol):
    """The records of a batch, as a list or as columns.

    What a model is given of them is its own: it may spoil it. Code that needs a record after that asks again.
    """

    def __len__(self) -> int:
        """Return how many records there are."""
        ...

    def rows(self) -> list[Any]:
        """Return the records in a list, none of which anybody has had before; raises what decoding raises."""
        ...

    def columns(self) -> pa.RecordBatch:
        """Return the records as columns, of the run's one schema; raises what has no room in a column."""
        ...

    def look(self) -> list[Any] | pa.RecordBatch:
        """Return the records in whichever form there is, to be looked at and not changed."""
        ...

    def part(self, places: Sequence[int]) -> Records:
        """Return the records at these places."""
        ...


class DecodedRecords:
    """Records that were decoded from lines, one by one.

    read has what was decoded already, if anything was; decode reads a line again, to_columns makes columns
    of records where the model takes some.
    """

    def __init__(
        self,
        read: list[Any] | None,
        lines: Sequence[bytes],
        decode: Callable[[bytes], Any],
        to_columns: ToColumns | None = None,
    ) -> None:
        self._read = read
        self._lines = lines
        self._decode = decode
        self._to_columns = to_columns
        self._columns: pa.RecordBatch | None = None

    def __len__(self) -> int:
        """Return how many records there are."""
        return len(self._lines)

    def rows(self) -> list[Any]:
        """Return the records as they were read, the first time; then decoded again."""
        read, self._read = self._read, None
        return list(map(self._decode, self._lines)) if read is None else read

    def columns(self) -> pa.RecordBatch:
        """Return the records as columns; raises what has no room in one."""
        if self._to_columns is None:
            raise TypeError("these records have no columns")
        return self._to_columns(self.rows()) if self._columns is None else self._columns

    def look(self) -> list[Any] | pa.RecordBatch:
        """Return the columns that a model will be given, where there are some; else the records."""
        if self._read is None:
            self._read = self.rows()
        if self._to_columns is not None:
            # a record that has no room in them shows itself when they are asked for
            with suppress(Exception):
                self._columns = self._to_columns(self._read)
                return self._columns
        return self._read

    def part(self, places: Sequence[int]) -> DecodedRecords:
        """Return the records at these places, not yet decoded."""
        return DecodedRecords(None, [self._lines[place] for place in places], self._decode, self._to_columns)


class OverlongLine(msgspec.Struct, frozen=True):
    """A line over the limit, of which only the beginning was kept: head, at most 256 bytes."""

    head: bytes


def texts_at(texts: Sequence[Text], places: Sequence[int]) -> Sequence[Text]:
    """Return the texts at some places, as the sequence has them quickest."""
    at: Callable[[Sequence[int]], Sequence[Text]] | None = getattr(texts, "at", None)
    return at(places) if at else [texts[place] for place in places]


def failed_places(texts: Sequence[Text]) -> list[int]:
    """Return the places of failures among texts."""
    try:
        # of the ways measured, the quickest to find that there are none
        b"".join(cast("Sequence[bytes]", texts))
    except TypeError:
        return [place for place, text in enumerate(texts) if isinstance(text, Failure)]
    return []


def one_line(message: str) -> str:
    """Return a message on one line, cut at 1,000 characters, with what can't be printed as escapes."""
    return escaped(" ".join(message[: 2 * MAX_MESSAGE_CHARACTERS].split())[:MAX_MESSAGE_CHARACTERS])
