"""Records into the texts of their predictions: a batch to the model, and a bad record made to stand alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol

from model_mapreduce_job.exceptions import ModelContractError
from model_mapreduce_job.formats.array_values import rows_of
from model_mapreduce_job.formats.encoding import prediction_text, prediction_texts
from model_mapreduce_job.formats.errors import check_error, failure_of
from model_mapreduce_job.formats.records import RECORD_ERRORS, Records, Text, kind_of
from model_mapreduce_job.models.contract import BatchModel, MLModel
from model_mapreduce_job.own_process import still_ourselves
from model_mapreduce_job.pipeline.batch_dependence import Sample, take_sample
from model_mapreduce_job.pipeline.batch_sizing import BatchSizer

if TYPE_CHECKING:
    from collections.abc import Callable


class Predictor(Protocol):
    """What turns records into the texts of predictions.

    What a model is given is its own, and what it answers is written down before it is called again.
    """

    def predict(self, records: Records) -> list[Text]:
        """Return one outcome for each record, in order: the JSON text of the answer, or a Failure.

        Raises MachineFaultError when the machine, not a record, is to blame for an error.
        """
        ...

    def check_batches(self) -> str:
        """Return in what a record's prediction depends on the batch that it is in, nothing when it doesn't.

        The model is asked for that, as far as can be a copy of it: call this when no more answers of this
        process are wanted, or once a task. Raises ModelContractError when answers come in another order.
        """
        ...


def predictor_for(model: MLModel, sizer: BatchSizer) -> Predictor:
    """Return the way to predict with this model: by the batch where it can, else record by record."""
    if isinstance(model, BatchModel):
        return BatchPredictor(model, sizer)
    return RecordPredictor(model)


class RecordPredictor:
    """Predicts one record at a time."""

    def __init__(self, model: MLModel) -> None:
        self._model = model
        self._pid = os.getpid()

    def predict(self, records: Records) -> list[Text]:
        """Return one outcome for each record, in order."""
        return [self._one(record) for record in records.read]

    def check_batches(self) -> str:
        """Return nothing: there are no batches."""
        return ""

    def _one(self, record: Any) -> Text:
        try:
            answer = self._model.predict(record)
        except RECORD_ERRORS as error:
            return failure_of(error, self._pid)
        still_ourselves(self._pid)
        return prediction_text(answer)


class BatchPredictor:
    """Predicts by the batch; where that raises, bisects until the record that fails stands alone."""

    def __init__(self, model: BatchModel, sizer: BatchSizer) -> None:
        self._model = model
        self._sizer = sizer
        self._pid = os.getpid()
        self._sample: Sample | None = None
        self._is_checked = False
        self._copies: list[BatchPredictor] = []

    def predict(self, records: Records) -> list[Text]:
        """Return one outcome for each record, in order; an Exception among the answers is a failure.

        Raises ModelContractError when the model's answers are not one for each record.
        """
        count = len(records.read)
        return self._ask(records, range(count), records.read) if count else []

    def check_batches(self) -> str:
        """Return the first record that gets another answer alone, in words; raise when it is the order."""
        if self._sample is None or self._is_checked:
            return ""
        self._is_checked = True
        return self._sample.check(self._model, self._ask_copy)

    def _ask_copy(self, model: BatchModel) -> Callable[[Records], list[Text]]:
        self._copies.append(BatchPredictor(model, BatchSizer()))
        return self._copies[-1].predict

    def _ask(self, records: Records, part: range, data: list[Any] | None = None) -> list[Text]:
        try:
            answers = self._model.predict_batch(data or [records.again(place) for place in part])
            rows = rows_of(answers)
        except RECORD_ERRORS as error:
            check_error(error, self._pid)
            return self._bisect(records, part, error)
        still_ourselves(self._pid)
        texts = prediction_texts(self._checked(rows, answers, len(part)))
        if self._sample is None:
            self._sample = take_sample(records, part, texts)
        return texts

    def _bisect(self, records: Records, part: range, error: BaseException) -> list[Text]:
        count = len(part)
        if count == 1:
            return [failure_of(error, self._pid)]
        if issubclass(type(error), MemoryError):
            self._sizer.out_of_memory(count)
        return [*self._ask(records, part[: count // 2]), *self._ask(records, part[count // 2 :])]

    def _checked(self, rows: list[Any] | None, answers: Any, count: int) -> list[Any]:
        """Return a batch's answers; raise ModelContractError unless each record has one."""
        name = kind_of(self._model)
        if rows is None:
            raise ModelContractError(
                f"{name}.predict_batch answered a {kind_of(answers)}. "
                "It must answer a list with one result for each record, in their order."
            )
        if len(rows) != count:
            raise ModelContractError(
                f"{name}.predict_batch answered {len(rows)} results for {count} records. "
                "It must answer one for each, in order; an Exception instance marks a record as failed."
            )
        return rows
