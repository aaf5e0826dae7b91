"""The rows of a table that a run writes: the input's columns, the prediction's, and why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.arrow_records import RowBytes
from model_mapreduce_job.formats.fitted_answers import AnswerFit, FittedAnswer
from model_mapreduce_job.formats.prediction_columns import PredictionReader, is_single
from model_mapreduce_job.formats.records import ERROR_COLUMNS, Failure
from model_mapreduce_job.formats.table_values import row_texts
from model_mapreduce_job.formats.text_columns import TextColumns
from model_mapreduce_job.models.arrow_arrays import arrow_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.formats.records import Text


@dataclass(frozen=True)
class OutputShape:
    """The columns of an output: those of the input that come back, the prediction's, and the error's.

    names has those of the output, in that order; explain says whether there are the error's.
    """

    returned: pa.Schema
    prediction: pa.Schema
    names: tuple[str, ...]
    explain: bool

    @classmethod
    def of(cls, returned: pa.Schema, prediction: pa.Schema, model: str, *, explain: bool) -> OutputShape:
        """Return the shape of an output; a name that is taken gets the model's name before it.

        Raises InputError where that is taken as well.
        """
        names = dict.fromkeys(returned.names)
        for name in (*prediction.names, *(ERROR_COLUMNS if explain else ())):
            free = name if name not in names else f"{model}_{name}"
            if free in names:
                raise InputError(f"The input has columns {name} and {free} already. Rename one of them.")
            names[free] = None
        return cls(returned, prediction, tuple(names), explain)

    @property
    def schema(self) -> pa.Schema:
        """The output's columns; each may hold nulls."""
        error = [pa.string()] * len(ERROR_COLUMNS) if self.explain else []
        types = [*self.returned.types, *self.prediction.types, *error]
        return pa.schema(list(zip(self.names, types, strict=True)))


class TableWriter:
    """Makes the rows of a table from the input's columns, and from what became of each record."""

    header: bytes | None = None

    def __init__(self, shape: OutputShape) -> None:
        self._schema = shape.schema
        self._bytes = RowBytes(self._schema)
        self._explain = shape.explain
        self._texts = TextColumns(shape.returned.names)
        self._reader = PredictionReader(shape.prediction)
        self.fit = AnswerFit(shape.prediction, is_single=is_single(shape.prediction))

    def checked(self, predictions: Sequence[Text]) -> Sequence[Text]:
        """Return predictions, with a Failure for each that the columns have no room for."""
        is_fitted = isinstance(predictions, FittedAnswer)
        return predictions if is_fitted else self._reader.checked(predictions)

    def lines(self, output: pa.RecordBatch) -> list[bytes]:
        """Return rows as lines of JSON."""
        return row_texts(output)

    def size(self, output: pa.RecordBatch) -> int:
        """Return how many bytes rows take in memory."""
        return self._bytes.of(output)

    def write(self, keys: Any, predictions: Sequence[Text]) -> pa.RecordBatch:
        """Return a row for each prediction. keys has the input's columns, or a JSON text for each row."""
        columns = keys.columns if isinstance(keys, pa.RecordBatch) else self._texts.of(keys)
        answers = (
            predictions.columns
            if isinstance(predictions, FittedAnswer)
            else self._reader.columns(predictions)
        )
        error = _errors(_failures(predictions)) if self._explain else []
        arrays = [*columns, *answers, *error]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)


def _failures(predictions: Sequence[Text]) -> list[Failure | None]:
    if isinstance(predictions, FittedAnswer):
        return list(map(predictions.failures.get, range(len(predictions))))
    return [one if isinstance(one, Failure) else None for one in predictions]


def _errors(failures: Sequence[Failure | None]) -> list[pa.Array]:
    if not any(failures):
        return [pa.nulls(len(failures), pa.string())] * len(ERROR_COLUMNS)
    kinds = [failure and failure.kind for failure in failures]
    messages = [failure and failure.message for failure in failures]
    return [arrow_array(kinds, pa.string()), arrow_array(messages, pa.string())]
