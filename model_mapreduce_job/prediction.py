"""Records into outcomes: a batch to the model, and a bad record made to stand alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from model_mapreduce_job.exceptions import ModelContractError
from model_mapreduce_job.ml_model import BatchModel, MLModel
from model_mapreduce_job.records import RECORD_ERRORS, Failure, Outcome

if TYPE_CHECKING:
    from model_mapreduce_job.batch_sizing import BatchSizer


class Predictor(Protocol):
    """What turns records into outcomes."""

    def predict(self, records: list[Any]) -> list[Outcome]:
        """Return one outcome for each record, in order: what the model answered, or a Failure."""
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

    def predict(self, records: list[Any]) -> list[Outcome]:
        """Return one outcome for each record, in order."""
        return [self._one(record) for record in records]

    def _one(self, record: Any) -> Outcome:
        try:
            return self._model.predict(record)
        except RECORD_ERRORS as error:
            return Failure.of(error)


class BatchPredictor:
    """Predicts by the batch; where that raises, bisects until the record that fails stands alone."""

    def __init__(self, model: BatchModel, sizer: BatchSizer) -> None:
        self._model = model
        self._sizer = sizer
        self._order_is_checked = False

    def predict(self, records: list[Any]) -> list[Outcome]:
        """Return one outcome for each record, in order.

        An Exception instance among the model's answers is left for the writer to take as a failure. Raises
        ModelContractError when the model's answers are not one for each record, in order.
        """
        if not records:
            return []
        try:
            answers = self._model.predict_batch(records)
        except RECORD_ERRORS as error:
            return self._bisect(records, error)
        checked = self._checked(records, answers)
        if not self._order_is_checked:
            self._check_order(records, checked)
        return checked

    def _bisect(self, records: list[Any], error: BaseException) -> list[Outcome]:
        if len(records) == 1:
            return [Failure.of(error)]
        if isinstance(error, MemoryError):
            self._sizer.out_of_memory(len(records))
        middle = len(records) // 2
        return [*self.predict(records[:middle]), *self.predict(records[middle:])]

    def _checked(self, records: list[Any], answers: Any) -> list[Any]:
        """Return a batch's answers as a list; raise ModelContractError unless each record has one."""
        # numpy's arrays and pandas' columns become lists, a table with as many columns as records does not
        listed = answers.tolist() if hasattr(answers, "tolist") else answers
        if not isinstance(listed, list | tuple):
            raise ModelContractError(
                f"{self._name}.predict_batch answered a {type(answers).__name__}. "
                "It must answer a list with one result for each record, in their order."
            )
        if len(listed) != len(records):
            raise ModelContractError(
                f"{self._name}.predict_batch answered {len(listed)} results for {len(records)} records. "
                "It must answer one for each, in order; an Exception instance marks a record as failed."
            )
        return listed if isinstance(listed, list) else list(listed)

    def _check_order(self, records: list[Any], answers: list[Any]) -> None:
        """Refuse a model whose answers are those that the records get alone, but in another order.

        The first batch whose ends have different answers tells. Where these are what the two records get
        alone, the model is honest; only where not is each record predicted alone.
        """
        first, last = repr(answers[0]), repr(answers[-1])
        if first == last:
            return
        self._order_is_checked = True
        try:
            if [self._alone(records[0]), self._alone(records[-1])] == [first, last]:
                return
            alone = list(map(self._alone, records))
        except RECORD_ERRORS:
            return  # a record that fails alone tells nothing about order
        together = list(map(repr, answers))
        if alone != together and sorted(alone) == sorted(together):
            raise ModelContractError(
                f"{self._name}.predict_batch answers in another order than its records: "
                f"{_some(together)} together, {_some(alone)} one at a time. It must keep the order."
            )

    def _alone(self, record: Any) -> str:
        return repr(self._checked([record], self._model.predict_batch([record]))[0])

    @property
    def _name(self) -> str:
        return type(self._model).__name__


def _some(answers: list[str]) -> str:
    return ", ".join(answers[:4])
