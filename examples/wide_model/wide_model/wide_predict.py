"""WideModel: the risk of loan applications, by gradient boosting that ONNX Runtime runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnxruntime
from msgspec.structs import astuple

from wide_model.loan_application import NUMBERS, LoanApplication, LoanRisk

MODEL_FILE = Path(__file__).parent / "model_files" / "wide.onnx"

HIGH_FROM = 0.5  # the probability from which the more likely class is "high"


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

    def predict(self, data: LoanApplication | Mapping[str, Any]) -> LoanRisk:
        """Rate one application.

        Raises TypeError when `data` is no mapping, ValueError with field, value and expectation when a value
        has the wrong type.
        """
        return self.predict_batch([data if isinstance(data, LoanApplication) else _checked(data)])[0]

    def predict_batch(self, data: Sequence[LoanApplication]) -> list[LoanRisk]:
        """Rate applications that agree with `input_schema`; the results are in their order."""
        if not data:
            return []
        values = np.array([*map(astuple, data)], dtype=np.object_)  # (applications, 20)
        with np.errstate(over="ignore"):  # what float32 can't hold is infinite, which trees can compare
            numbers = values[:, : len(NUMBERS)].astype(np.float32)  # None becomes NaN
        words = values[:, len(NUMBERS) :]
        words[~words.astype(np.bool_)] = ""  # None is what's false
        feeds = {"numbers": numbers, "categories": words}
        (probabilities,) = self._session.run(["probabilities"], feeds)
        scores = probabilities[:, 1].astype(np.float64).round(6).tolist()
        return [{"risk": "high" if score >= HIGH_FROM else "low", "score": score} for score in scores]


def _checked(data: object) -> LoanApplication:
    if not isinstance(data, Mapping):
        raise TypeError(f"expected a mapping with the fields of a loan application, got {data!r}")
    try:
        return msgspec.convert(dict(data), LoanApplication)
    except msgspec.ValidationError as error:
        field = str(error).rpartition("`$.")[2].rstrip("`")
        raise ValueError(f"{field} is {data[field]!r}: {error}") from None
