"""Predictions as rows of text: csv and tsv out."""

from __future__ import annotations

import json
from functools import cached_property
from operator import add
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from model_mapreduce_job.formats.cells import escaped, neutralised_formula
from model_mapreduce_job.formats.protocols import decode_fields
from model_mapreduce_job.formats.read_batch import inserted
from model_mapreduce_job.formats.records import ERROR_COLUMNS, Failure, one_line
from model_mapreduce_job.formats.rows import Dialect, join_row
from model_mapreduce_job.formats.text_forms import are_columns, is_text_block

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from model_mapreduce_job.formats.column_texts import ColumnTexts
    from model_mapreduce_job.formats.plain_predictions import PlainPredictions

# The most texts of predictions whose cells are kept: a classifier's are few, a score's are all different.
_MOST_KNOWN = 1000


class RowShape(msgspec.Struct, frozen=True):
    """The columns that a row has: the input's, then the prediction's; without any, one cell has it all.

    required has those of the prediction's that none may lack.
    """

    input_columns: Sequence[str] = ()
    prediction_columns: Sequence[str] = ()
    required: frozenset[str] = frozenset()


class RowStyle(msgspec.Struct, frozen=True):
    """How rows are written; with keys_are_rows an input's own row comes before the prediction, as it is."""

    dialect: Dialect = msgspec.field(default_factory=Dialect)
    explain: bool = False
    keys_are_rows: bool = False
    header: bool = False


class DelimitedWriter:
    """Writes a row of the input's values, the prediction's, and on request the error's type and message."""

    def __init__(self, shape: RowShape, style: RowStyle, model_name: str = "") -> None:
        self._shape = shape
        self._style = style
        self._dialect = style.dialect
        self._delimiter = style.dialect.delimiter.encode()
        self._nothing = self._own_cells(b"null")
        self._no_error = 2 * self._delimiter if style.explain else b""
        self._known: dict[bytes | Failure, bytes] = {}
        self.header = header_row(shape, style, model_name) if style.header else None

    def checked(self, predictions: Sequence[bytes | Failure]) -> Sequence[bytes | Failure]:
        """Return predictions, with a Failure for each whose fields are not the columns: it would be lost."""
        fit_as_columns = are_columns(predictions) and self._have_room(predictions.names)
        if fit_as_columns or not self._shape.prediction_columns:
            return predictions
        predictions = list(predictions)
        if self._together(predictions) is not None:
            return predictions
        return [text if isinstance(text, Failure) else self._checked(text) for text in predictions]

    def write(self, keys: Sequence[bytes], predictions: Sequence[bytes | Failure]) -> Sequence[bytes]:
        """Return one row a line; what a spreadsheet would run as a formula is made inert by an apostrophe.

        Raises ValueError unless there is one prediction for each key.
        """
        if len(keys) != len(predictions):
            raise ValueError(f"{len(keys)} keys don't pair with {len(predictions)} predictions")
        if self._style.keys_are_rows and are_columns(predictions) and is_text_block(keys):
            after = self._after_columns(predictions)
            if after is not None:
                return keys.followed_by(after)
        predictions = list(predictions)
        cells = self._together(predictions)
        if cells is None:
            cells = list(map(self._cells_after, predictions))
        rows = keys if self._style.keys_are_rows else map(self._input_cells, keys)
        return list(map(add, rows, cells))

    def _together(self, predictions: Sequence[Any]) -> list[bytes] | None:
        """Return what all rows have after the input's cells, where that needs no look at each; else None."""
        known: list[Any] = list(map(self._known.get, predictions))
        if None not in known:
            return known
        if len(self._known) < _MOST_KNOWN or (plain := self._plain) is None:
            return None
        failed = [place for place, text in enumerate(predictions) if type(text) is not bytes]
        texts = [text for text in predictions if type(text) is bytes] if failed else predictions
        cells = plain.cells(texts)
        if cells is None:
            return None
        if self._no_error:
            cells = [cell + self._no_error for cell in cells]
        return inserted(cells, {place: self._cells_after(predictions[place]) for place in failed})

    @cached_property
    def _plain(self) -> PlainPredictions | None:
        if not self._style.keys_are_rows:
            return None
        try:
            from model_mapreduce_job.formats.plain_predictions import plain_predictions  # noqa: PLC0415
        except ImportError:  # a cluster's bundle may have no pyarrow
            return None
        return plain_predictions(self._shape.prediction_columns, self._dialect)

    def _cells_after(self, prediction: bytes | Failure) -> bytes:
        """Return what a row has after the input's cells, with the delimiter before it."""
        if isinstance(prediction, Failure):
            return self._nothing + self._error_cells(prediction)
        cells = self._known.get(prediction)
        if cells is None:
            cells = self._own_cells(prediction) + self._no_error
            if len(self._known) < _MOST_KNOWN:
                self._known[prediction] = cells
        return cells

    def _after_columns(self, texts: ColumnTexts) -> pa.Array | None:
        """Return what rows have after the input's cells; None where that takes a look at each."""
        after = texts.written(self._cells_after)
        if after is not None or not self._shape.prediction_columns:
            return after
        prefixes = dict.fromkeys(self._shape.prediction_columns, self._delimiter)
        return texts.members(prefixes, self._no_error, self._cells_after, self._cell, self._dialect.decimal)

    def _cell(self, text: Any) -> bytes:
        return self._after([cell_text(text, self._dialect)]).removeprefix(self._delimiter)

    def _have_room(self, names: Sequence[str] | None) -> bool:
        """Return whether no field with one of these names would be lost, and none is missing."""
        found = frozenset(names or ())
        shape = self._shape
        return names is None or (found <= set(shape.prediction_columns) and shape.required <= found)

    def _checked(self, text: bytes) -> bytes | Failure:
        if not text.startswith(b"{"):
            return text
        names = list(decode_fields(text))
        if self._have_room(names):
            return text
        return Failure(
            "PredictionError",
            one_line(
                f"The prediction has the fields {', '.join(names) or 'of none'}, and output_schema has "
                f"{', '.join(self._shape.prediction_columns)}: a row has no other columns"
            ),
        )

    def _input_cells(self, key: bytes) -> bytes:
        cells = json_cells(key, self._shape.input_columns, self._dialect)
        # with a cell after them, as there will be: one empty cell alone would be quoted
        return join_row([*self._safe(cells), ""], self._dialect.delimiter).removesuffix(self._delimiter)

    def _own_cells(self, prediction: bytes) -> bytes:
        return self._after(json_cells(prediction, self._shape.prediction_columns, self._dialect))

    def _error_cells(self, failure: Failure) -> bytes:
        return self._after([failure.kind, failure.message]) if self._style.explain else b""

    def _after(self, cells: list[str]) -> bytes:
        return join_row(["", *self._safe(cells)], self._dialect.delimiter)

    def _safe(self, cells: list[str]) -> list[str]:
        return [safe_cell(cell, self._dialect) for cell in cells]


def safe_cell(cell: str, dialect: Dialect) -> str:
    """Return a cell that no spreadsheet runs, on one line unless line ends may stay."""
    number = dialect.with_point(cell) or cell
    if neutralised_formula(number) is not number:
        cell = f"'{cell}"
    return cell if dialect.quoted_newlines else escaped(cell)


def own_text(cell: str, dialect: Dialect) -> str:
    """Return a cell without the apostrophe before a formula: what safe_cell was given, but for line ends."""
    rest = cell.removeprefix("'")
    is_safe = rest == cell or safe_cell(rest, replace(dialect, quoted_newlines=True)) != cell
    return cell if is_safe else rest


def header_row(shape: RowShape, style: RowStyle, model_name: str) -> bytes:
    """Return the line of the columns' names; a prediction's whose name is taken has the model's before it."""
    inputs = list(shape.input_columns) or ["input"]
    predictions = list(shape.prediction_columns) or ["prediction"]
    errors = list(ERROR_COLUMNS) if style.explain else []
    names = inputs + [f"{model_name}_{name}" if name in inputs else name for name in [*predictions, *errors]]
    return join_row([safe_cell(name, style.dialect) for name in names], style.dialect.delimiter)


def json_cells(text: bytes, columns: Sequence[str], dialect: Dialect) -> list[str]:
    """Return a JSON document as the cells of these columns; what is no object stands in the first of them."""
    if not columns:
        return [cell_text(text, dialect)]
    try:
        values = decode_fields(text)
    except (msgspec.MsgspecError, RecursionError):
        return [cell_text(text, dialect), *[""] * (len(columns) - 1)]
    return [cell_text(bytes(values.get(name, b"null")), dialect) for name in columns]


def cell_text(text: bytes, dialect: Dialect) -> str:
    """Return a JSON value as a cell: text as it is, nothing for null, anything else as it was written."""
    if text.startswith(b'"'):
        return str(json.loads(text))
    if text == b"null":
        return ""
    return text.decode() if text.startswith((b"[", b"{")) else text.decode().replace(".", dialect.decimal)
