"""The two models that every peer serves: their files, their fields, and one function to predict arrays."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
ERRORS_ONLY = 3
HIGH_FROM = 0.5

Numbers = NDArray[np.floating[Any]]  # (rows, fields), NaN where the record has no number
Texts = NDArray[np.object_]  # (rows, fields), the empty text where the record has none
Predictions = dict[str, NDArray[Any]]  # one array of `rows` values for each field of the prediction


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model file, and the fields of its records and predictions in order."""

    file: Path
    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    prediction: dict[str, type]
    run: Callable[[onnxruntime.InferenceSession, Numbers, Texts], Predictions]

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of a record: numbers, then texts."""
        return self.numbers + self.texts


def predict(model_name: str, numbers: Numbers, texts: Texts) -> Predictions:
    """Predict a batch; None marks a row without prediction. The session is opened once a process."""
    model = MODELS[model_name]
    return model.run(session(model_name), numbers.astype(np.float32, copy=False), texts)


@cache
def session(model_name: str) -> onnxruntime.InferenceSession:
    """Open the model file with one thread: the peers' workers are what runs side by side."""
    return onnxruntime.InferenceSession(
        MODELS[model_name].file, session_options(), providers=["CPUExecutionProvider"]
    )


def session_options() -> onnxruntime.SessionOptions:
    """Return the options that all peers open a session with."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    return options


def _species(opened: onnxruntime.InferenceSession, numbers: Numbers, _: Texts) -> Predictions:
    (labels,) = opened.run(["label"], {"X": numbers})
    labels[np.isnan(numbers).any(axis=1)] = None
    return {"species": labels}


def _risk(opened: onnxruntime.InferenceSession, numbers: Numbers, texts: Texts) -> Predictions:
    (probabilities,) = opened.run(["probabilities"], {"numbers": numbers, "categories": texts})
    scores = probabilities[:, 1].astype(np.float64).round(6)
    return {"risk": np.where(scores >= HIGH_FROM, "high", "low").astype(np.object_), "score": scores}


MODELS = {
    "iris": ServedModel(
        file=EXAMPLES / "iris_model/iris_model/model_files/iris.onnx",
        numbers=("sepal_length", "sepal_width", "petal_length", "petal_width"),
        texts=(),
        prediction={"species": str},
        run=_species,
    ),
    "wide": ServedModel(
        file=EXAMPLES / "wide_model/wide_model/model_files/wide.onnx",
        numbers=(
            "age",
            "income",
            "loan_amount",
            "loan_term_months",
            "interest_rate",
            "employment_months",
            "debt_ratio",
            "open_accounts",
            "late_payments",
            "card_utilisation",
            "savings_balance",
            "recent_inquiries",
            "dependents",
            "address_months",
        ),
        texts=("employment", "housing", "purpose", "region", "channel", "education"),
        prediction={"risk": str, "score": float},
        run=_risk,
    ),
}
