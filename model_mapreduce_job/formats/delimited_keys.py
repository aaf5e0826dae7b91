"""The forms in which a row of the input comes back: a JSON object of its cells, or the row itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.cells import escaped
from model_mapreduce_job.formats.columns_of_cells import Column
from model_mapreduce_job.formats.delimited_writer import safe_cell
from model_mapreduce_job.formats.protocols import json_string
from model_mapreduce_job.formats.rows import Dialect, join_row

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class JsonKeys:
    """A row comes back as a JSON object; chosen has the columns, or none.

    Numbers are as they were written, booleans as JSON's; with as_texts each cell is a text, byte for byte.
    """

    chosen: Sequence[str] = ()
    columns: Sequence[Column] = ()
    places: Sequence[int] = ()
    as_texts: bool = False
    is_the_line: ClassVar[bool] = False

    def of_columns(self, columns: Sequence[Column]) -> JsonKeys:
        """Return the form for rows of these columns."""
        places = chosen_places(self.chosen, columns)
        return JsonKeys(self.chosen, [columns[place] for place in places], places, self.as_texts)

    def of_row(self, _line: bytes, cells: Sequence[str]) -> bytes:
        """Return a row's object."""
        member = Column.as_text if self.as_texts else Column.in_key
        return b"{%b}" % b", ".join(map(member, self.columns, map(cells.__getitem__, self.places)))

    def of_text(self, line: bytes) -> bytes:
        """Return a line that is no row, as a JSON string."""
        return json_string(line)


@dataclass(frozen=True)
class RowKeys:
    """A row comes back as cells, byte for byte but for formulas, which are made inert by an apostrophe.

    delimiter is the input's, dialect the output's; chosen has the columns that come back, or none: all.
    """

    delimiter: str = ","
    dialect: Dialect = field(default_factory=Dialect)
    chosen: Sequence[str] = ()
    places: Sequence[int] = ()

    def of_columns(self, columns: Sequence[Column]) -> RowKeys:
        """Return the form for rows of these columns."""
        return RowKeys(self.delimiter, self.dialect, self.chosen, chosen_places(self.chosen, columns))

    @property
    def is_the_line(self) -> bool:
        """Return whether a row of harmless cells comes back as the very line."""
        return not self.chosen and self.delimiter == self.dialect.delimiter

    def of_row(self, line: bytes, cells: Sequence[str]) -> bytes:
        """Return a row's cells as a row."""
        safe = [_own_cell(cell, self.dialect) for cell in cells]
        if self.is_the_line and safe == cells:
            return line
        return self._joined([safe[place] for place in self.places])

    def of_text(self, line: bytes) -> bytes:
        """Return a line that is no row, in the first of the cells."""
        text = line.decode(errors="backslashreplace")
        return self._joined([safe_cell(text, self.dialect), *[""] * (len(self.places) - 1)])

    def _joined(self, cells: list[str]) -> bytes:
        delimiter = self.dialect.delimiter
        # with a cell after them, as there will be: one empty cell alone would be quoted
        return join_row([*cells, ""], delimiter).removesuffix(delimiter.encode())


def chosen_places(chosen: Sequence[str], columns: Sequence[Column]) -> list[int]:
    """Return the places of the chosen columns, in the order of the choice; of all where none are chosen."""
    names = [column.name for column in columns]
    if unknown := [name for name in chosen if name not in names]:
        raise InputError(
            f"--key {unknown[0]} is no column of the input, which has {', '.join(names)}. Name one of these."
        )
    return [names.index(name) for name in chosen] if chosen else list(range(len(names)))


def _own_cell(cell: str, dialect: Dialect) -> str:
    """Return a cell of the input's, with its backslashes as they are unless it holds line ends."""
    safe = safe_cell(cell, Dialect(dialect.delimiter, dialect.decimal, quoted_newlines=True))
    has_line_ends = "\n" in cell or "\r" in cell
    return escaped(safe) if has_line_ends and not dialect.quoted_newlines else safe
