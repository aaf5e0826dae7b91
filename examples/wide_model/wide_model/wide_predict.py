"""WideModel: the risk of loan applications, by gradient boosting that ONNX Runtime runs."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import numpy as np
import onnxruntime

from wide_model.loan_application import CATEGORIES, NUMBERS, LoanApplication, LoanRisk

MODEL_FILE = Path(__file__).parent / "model_files" / "wide.onnx"

HIGH_FROM = 0.5  # the probability from which the more likely class is "high"

_FIELD_TYPES = get_type_hints(LoanApplication)
_ALL_MISSING = dict.fromkeys(_FIELD_TYPES)
_values_of: Callable[[Mapping[str, Any]], tuple[Any, ...]] = itemgetter(*NUMBERS, *CATEGORIES)


class WideModel:
    """Rates loan applications; takes no parameters and loads the trained file of this package."""

    display_name = "Wide Model"
    qualified_name = "wide_model"
    description = "Rates the risk of a loan application from twenty fields, any of which may be missing."
    major_version = 0
    minor_version = 1
    input_schema = LoanApplication
    output_schema = LoanRisk

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        # Tasks run side by side, one a core: more threads in each would only take turns.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(MODEL_FILE, options, providers=["CPUExecutionProvider"])

    def predict(self, data: Mapping[str, Any]) -> LoanRisk:
        """Rate one application.

        Raises TypeError when `data` is no mapping, ValueError with field, value and expectation when a value
        has the wrong type.
        """
        _check(data)
        return self.predict_batch([data])[0]

    def predict_batch(self, data: Sequence[Mapping[str, Any]]) -> list[LoanRisk]:
        """Rate applications that agree with `input_schema`; the results are in their order."""
        if not data:
            return []
        rows = [_values(record) for record in data]
        with np.errstate(over="ignore"):  # what float32 can't hold is infinite, which trees can compare
            numbers = np.array([row[: len(NUMBERS)] for row in rows], dtype=np.float32)
        words = np.array([[word or "" for word in row[len(NUMBERS) :]] for row in rows], dtype=np.object_)
        feeds = {"numbers": numbers, "categories": words}
        (probabilities,) = self._session.run(["probabilities"], feeds)
        scores = probabilities[:, 1].astype(np.float64).round(6).tolist()
        return [{"risk": "high" if score >= HIGH_FROM else "low", "score": score} for score in scores]


def _values(record: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the twenty values in the order of the model's columns, None for an absent field."""
    try:
        return _values_of(record)
    except KeyError:
        return _values_of({**_ALL_MISSING, **record})


def _check(data: object) -> None:
    if not isinstance(data, Mapping):
        raise TypeError(f"expected a mapping with the fields of a loan application, got {data!r}")
    for field, expected in _FIELD_TYPES.items():
        try:
            msgspec.convert(data.get(field), expected)
        except msgspec.ValidationError as error:
            raise ValueError(f"{field} is {data[field]!r}: {error}") from None
