"""The JSON texts of predictions that are columns, written a column at a time: the bytes that a row gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_mapreduce_job.formats.byte_arrays import (
    byte_array_of,
    chosen_bytes,
    joined,
    order_with,
    with_values,
)
from model_mapreduce_job.models.arrow_arrays import arrow_array, plain_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from model_mapreduce_job.formats.records import Failure, Text

Write: TypeAlias = "Callable[[Text], bytes]"

# The most different texts that are written one by one: this number in any case, and this share of the rows.
_MOST_KNOWN = 1000
_LARGEST_SHARE = 0.1


@dataclass(frozen=True)
class FewTexts:
    """The texts of a column: those that there are, and each row's place among them."""

    known: list[bytes]
    places: NDArray[Any]

    @property
    def are_few(self) -> bool:
        """Whether there are few different texts, so that each can be written by itself."""
        return len(self.known) <= max(_MOST_KNOWN, _LARGEST_SHARE * len(self.places))

    def row(self, place: int) -> bytes:
        """Return a row's text."""
        return self.known[int(self.places[place])]

    def of_rows(self) -> list[bytes]:
        """Return each row's text."""
        return list(map(self.known.__getitem__, self.places.tolist()))

    def at(self, places: Sequence[int]) -> list[bytes]:
        """Return the texts of some rows."""
        return list(map(self.known.__getitem__, self.places[list(places)].tolist()))

    def after(self, prefix: bytes, cell: Write | None, _decimal: str) -> pa.Array:
        """Return a prefix and the text, or its cell, for each row."""
        known = map(cell, self.known) if cell else self.known
        return chosen_bytes([prefix + text for text in known], self.places)


@dataclass(frozen=True)
class NumberTexts:
    """The texts of a column of numbers, booleans and nulls, with commas between them."""

    rows: int
    texts: bytes
    are_few = True

    def row(self, place: int) -> bytes:
        """Return a row's text."""
        return self.texts.rpartition(b",")[2] if place in {-1, self.rows - 1} else self.of_rows()[place]

    def of_rows(self) -> list[bytes]:
        """Return each row's text."""
        return self.texts.split(b",") if self.rows else []

    def at(self, places: Sequence[int]) -> list[bytes]:
        """Return the texts of some rows."""
        return list(map(self.of_rows().__getitem__, places))

    def after(self, prefix: bytes, cell: Write | None, decimal: str) -> pa.Array:
        """Return a prefix and the text, or its cell, for each row; null's cell is empty."""
        texts, comma = self.texts, b","
        if cell:
            texts = texts.replace(b"null", b"")
        if decimal != ".":
            texts, comma = texts.replace(b",", b"\0").replace(b".", decimal.encode()), b"\0"
        commas = np.flatnonzero(np.frombuffer(texts, np.uint8) == comma[0])
        starts = np.concatenate([[0], commas + 1])[: self.rows]
        data = prefix + texts.replace(comma, prefix) if self.rows else b""
        return byte_array_of(data, np.append(starts + np.arange(self.rows) * (len(prefix) - 1), len(data)))


@dataclass(frozen=True)
class ColumnTexts(Sequence["Text"]):
    """A prediction's JSON text for each row, of which no object is made until it is asked for.

    names has the fields of a prediction, None where it is the one column's value; failures has those rows, by
    their places, that have no prediction.
    """

    names: tuple[str, ...] | None
    columns: Sequence[FewTexts | NumberTexts]
    rows: int
    failures: Mapping[int, Failure] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many rows there are, failures included."""
        return self.rows + len(self.failures)

    @overload
    def __getitem__(self, place: int) -> Text: ...
    @overload
    def __getitem__(self, place: slice) -> list[Text]: ...
    def __getitem__(self, place: int | slice) -> Text | list[Text]:
        """Return a row's text or failure, or some."""
        if isinstance(place, slice) or self.failures:
            return self._listed()[place]
        return _form(self.names) % tuple(column.row(place) for column in self.columns)

    def at(self, places: Sequence[int]) -> list[Text]:
        """Return the texts and failures at some places, of which alone objects are made."""
        if self.failures:
            return list(map(self._listed().__getitem__, places))
        return list(
            map(_form(self.names).__mod__, zip(*(each.at(places) for each in self.columns), strict=True))
        )

    def __iter__(self) -> Iterator[Text]:
        """Yield the rows' texts and failures."""
        return iter(self._listed())

    def with_failures(self, failures: Mapping[int, Failure]) -> ColumnTexts:
        """Return the texts with failures between them, at the places that they have in the end."""
        return replace(self, failures=failures)

    def written(self, write: Write) -> pa.Array | None:
        """Return what is written for each row's text or failure; None where texts are not few."""
        column = self.columns[0]
        if len(self.columns) > 1 or not isinstance(column, FewTexts) or not column.are_few:
            return None
        form, places = _form(self.names), column.places
        texts: list[Text] = [form % text for text in column.known]
        if self.failures:
            others = np.arange(len(texts), len(texts) + len(self.failures))
            order = order_with(self.rows, list(self.failures))
            places = np.concatenate([places, others])[order]
            texts += self.failures.values()
        return chosen_bytes(list(map(write, texts)), places)

    def documents(self, before: bytes, write: Write) -> pa.Array | None:
        """Return each row's text after something, or what is written for its failure; None as in members."""
        if (few := self.written(write)) is not None:
            return few
        if self.names is None:
            return self.members({"": before}, b"", write)
        keys = list(map(msgspec.json.encode, self.names))
        prefixes = [before + b"{" + keys[0] + b": ", *(b", " + key + b": " for key in keys[1:])]
        return self.members(dict(zip(self.names, prefixes, strict=True)), b"}", write)

    def members(
        self,
        prefixes: Mapping[str, bytes],
        suffix: bytes,
        write: Write,
        cell: Write | None = None,
        decimal: str = ".",
    ) -> pa.Array | None:
        """Return each row's values, one after the other in the order of prefixes, each after its own.

        A field that predictions don't have is its prefix alone; suffix ends a row; write gives a failure's
        row. Values are JSON texts, or the cells that cell gives of these, with this decimal mark in numbers.
        None where texts are not few.
        """
        if not all(column.are_few for column in self.columns):
            return None
        columns = dict(zip(self.names or (*prefixes,)[:1], self.columns, strict=True))
        pieces: list[Any] = [
            columns[name].after(prefix, cell, decimal) if name in columns else prefix
            for name, prefix in prefixes.items()
        ]
        rows = joined(*pieces, suffix)
        return with_values(rows, list(map(write, self.failures.values())), list(self.failures))

    def _listed(self) -> list[Text]:
        form, columns = _form(self.names), self.columns
        if len(columns) == 1 and isinstance(columns[0], FewTexts):
            texts: list[Any] = FewTexts(
                [form % text for text in columns[0].known], columns[0].places
            ).of_rows()
        else:
            texts = list(map(form.__mod__, zip(*(column.of_rows() for column in columns), strict=True)))
        for place, failure in self.failures.items():
            texts.insert(place, failure)
        return texts


def texts_of_columns(names: Sequence[str] | None, columns: Sequence[Any]) -> ColumnTexts | None:
    """Return a JSON text for each row of Arrow arrays; None where these are not plain, or not all finite.

    A row is an object with these names, without any the one column's value.
    """
    written = [_written(column) if isinstance(column, pa.Array) else None for column in columns]
    texts = [one for one in written if one is not None]
    if len(texts) < len(columns) or not columns or not _can_be_names(names):
        return None
    return ColumnTexts(None if names is None else tuple(names), texts, len(columns[0]))


def _can_be_names(names: Sequence[str] | None) -> bool:
    try:
        return not names or bool("".join(names).encode() or True)
    except UnicodeEncodeError:
        return False


def _form(names: Sequence[str] | None) -> bytes:
    """Return the form of an object with these names, for its values."""
    if names is None:
        return b"%b"
    keys = [msgspec.json.encode(name).replace(b"%", b"%%") for name in names]
    return b"{%b}" % b", ".join(key + b": %b" for key in keys)


def _written(column: pa.Array) -> FewTexts | NumberTexts | None:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _few(column.dictionary_encode())
    if pa.types.is_dictionary(kind):
        return _few(column)
    if pa.types.is_floating(kind) and pc.all(pc.is_finite(column.cast(pa.float64()))).as_py() is False:
        return None
    return NumberTexts(len(column), msgspec.json.encode(plain_values(column))[1:-1])


def _few(column: pa.DictionaryArray) -> FewTexts:
    known = [*map(msgspec.json.encode, column.dictionary.to_pylist()), b"null"]
    places = (
        column.indices.fill_null(arrow_array([len(known) - 1], pa.int64())[0].cast(column.indices.type))
        if column.null_count
        else column.indices
    )
    # the model may use its array's memory again
    return FewTexts(known, np.array(np.from_dlpack(places)))
