"""Records into the texts of their predictions: a batch to the model, and a bad record made to stand alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol

from model_mapreduce_job.exceptions import ModelContractError
from model_mapreduce_job.formats.encoding import prediction_text
from model_mapreduce_job.formats.errors import check_error, failure_of, still_ourselves
from model_mapreduce_job.formats.records import RECORD_ERRORS, Records, Text, kind_of
from model_mapreduce_job.models.contract import BatchModel, ColumnModel, MLModel
from model_mapreduce_job.pipeline.askers import ListAsker
from model_mapreduce_job.pipeline.batch_dependence import Sample, take_sample
from model_mapreduce_job.pipeline.batch_sizing import BatchSizer
from model_mapreduce_job.printable import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model_mapreduce_job.formats.fitted_answers import AnswerFit
    from model_mapreduce_job.pipeline.askers import Answer, Asker


class Predictor(Protocol):
    """What turns records into the texts of predictions.

    What a model is given is its own, and what it answers is written down before it is called again.
    """

    def predict(self, records: Records) -> Sequence[Text]:
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


def predictor_for(
    model: MLModel, sizer: BatchSizer, *, columns: bool = False, fit: AnswerFit | None = None
) -> Predictor:
    """Return the way to predict with this model: by the batch where it can, else record by record.

    columns says whether records come as columns, which a model that takes them is given rather than a list.
    fit has the columns of an output of tables.
    """
    if isinstance(model, ColumnModel) and (columns or not takes_lists(model)):
        from model_mapreduce_job.pipeline.column_asker import ColumnAsker  # noqa: PLC0415 - it needs Arrow

        return BatchPredictor(ColumnAsker(model, fit), sizer)
    if isinstance(model, BatchModel):
        return BatchPredictor(ListAsker(model), sizer)
    return RecordPredictor(model)


def takes_lists(model: Any) -> bool:
    """Return whether a model predicts records of a list, together or one by one."""
    return any(callable(getattr(model, name, None)) for name in ("predict", "predict_batch"))


class RecordPredictor:
    """Predicts one record at a time."""

    def __init__(self, model: MLModel) -> None:
        self._model = model
        self._pid = os.getpid()

    def predict(self, records: Records) -> list[Text]:
        """Return one outcome for each record, in order."""
        return [self._one(record) for record in records.rows()]

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

    def __init__(self, asker: Asker, sizer: BatchSizer) -> None:
        self._asker = asker
        self._sizer = sizer
        self._pid = os.getpid()
        self._sample: Sample | None = None
        self._is_checked = False
        self._copies: list[BatchPredictor] = []

    def predict(self, records: Records) -> Sequence[Text]:
        """Return one outcome for each record, in order; an Exception among the answers is a failure.

        Raises ModelContractError when the model's answers are not one for each record.
        """
        return self._ask(records, range(len(records)), records) if len(records) else []

    def check_batches(self) -> str:
        """Return the first record that gets another answer alone, in words; raise when it is the order."""
        if self._sample is None or self._is_checked:
            return ""
        self._is_checked = True
        return self._sample.check(self._asker.model, self._ask_copy)

    def _ask_copy(self, model: Any) -> Callable[[Records], Sequence[Text]]:
        self._copies.append(BatchPredictor(self._asker.of(model), BatchSizer()))
        return self._copies[-1].predict

    def _ask(self, records: Records, part: range, given: Records | None = None) -> Sequence[Text]:
        try:
            answers = self._asker.ask(given or records.part(part))
            answer = self._asker.read(answers)
        except RECORD_ERRORS as error:
            check_error(error, self._pid)
            return self._bisect(records, part, error)
        still_ourselves(self._pid)
        texts = self._checked(answer, answers, len(part)).texts()
        if self._sample is None:
            self._sample = take_sample(records, part, texts, self._asker.method)
        return texts

    def _bisect(self, records: Records, part: range, error: BaseException) -> list[Text]:
        count = len(part)
        if count == 1:
            return [failure_of(error, self._pid)]
        if issubclass(type(error), MemoryError):
            self._sizer.out_of_memory(count)
        return [*self._ask(records, part[: count // 2]), *self._ask(records, part[count // 2 :])]

    def _checked(self, answer: Answer | None, answers: Any, count: int) -> Answer:
        """Return a batch's answer; raise ModelContractError unless it is what the contract asks for."""
        method = f"{kind_of(self._asker.model)}.{self._asker.method}"
        if answer is None:
            raise ModelContractError(
                f"{method} answered {self._asker.what_it_is(answers)}. "
                "It must answer a list or an array with one result for each record, in their order."
            )
        if wrong := answer.lengths() - {count}:
            raise ModelContractError(
                f"{method} answered {counted(wrong.pop(), 'result')} for {counted(count, 'record')}. "
                "It must answer one for each, in order; an Exception instance marks a record as failed."
            )
        if problem := self._asker.problem(answer):
            raise ModelContractError(f"{method} answered {problem}. It must answer what its schema says.")
        return answer
