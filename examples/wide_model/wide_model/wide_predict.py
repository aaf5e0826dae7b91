"""WideModel: the risk of loan applications, by gradient boosting that ONNX Runtime runs."""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt
import onnxruntime
from msgspec.structs import astuple

from wide_model.loan_application import CATEGORIES, NUMBERS, LoanApplication, LoanRisk

if TYPE_CHECKING:
    import pyarrow as pa

MODEL_FILE = Path(__file__).parent / "model_files" / "wide.onnx"

FIELDS = len(NUMBERS) + len(CATEGORIES)
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
        # without a list of tuples on the way, which takes twice as long
        values = np.fromiter(chain.from_iterable(map(astuple, data)), np.object_, len(data) * FIELDS)
        values = values.reshape(len(data), FIELDS)
        with np.errstate(over="ignore"):  # what float32 can't hold is infinite, which trees can compare
            numbers = values[:, : len(NUMBERS)].astype(np.float64).astype(np.float32)  # None becomes NaN
        words = values[:, len(NUMBERS) :]
        words[~words.astype(np.bool_)] = ""  # None is what's false
        scores = self._scores(numbers, words).tolist()
        return [{"risk": "high" if score >= HIGH_FROM else "low", "score": score} for score in scores]

    def predict_columns(self, batch: "pa.RecordBatch") -> dict[str, npt.NDArray[Any]]:
        """Rate the applications of a batch, whose columns are LoanApplication's fields."""
        numbers = np.empty((batch.num_rows, len(NUMBERS)), np.float32)
        with np.errstate(over="ignore"):  # as above
            for place, name in enumerate(NUMBERS):
                numbers[:, place] = _numbers(batch.column(name))
        words = np.empty((batch.num_rows, len(CATEGORIES)), np.object_)
        for place, name in enumerate(CATEGORIES):
            words[:, place] = _words(batch.column(name))
        scores = self._scores(numbers, words)
        return {"risk": np.where(scores >= HIGH_FROM, "high", "low"), "score": scores}

    def _scores(
        self, numbers: npt.NDArray[np.float32], words: npt.NDArray[np.object_]
    ) -> npt.NDArray[np.float64]:
        """Return the probability of the class "high", rounded, of rows of shape (applications, 12 and 8)."""
        feeds = {"numbers": numbers, "categories": words}
        (probabilities,) = self._session.run(["probabilities"], feeds)
        return np.asarray(probabilities[:, 1].astype(np.float64).round(6))


# Arrow's own to_numpy() would import pandas where that is installed.
def _numbers(column: "pa.Array") -> npt.NDArray[np.float64]:
    """Return a column of numbers, NaN for null."""
    if not column.null_count:
        return np.asarray(np.from_dlpack(column), np.float64)
    bits, values = column.buffers()
    valid = np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little")
    rows = slice(column.offset, column.offset + len(column))
    return np.where(valid[rows], np.frombuffer(values, np.float64)[rows], np.nan)


def _words(column: "pa.Array") -> npt.NDArray[np.object_]:
    """Return a column of texts, the empty text for null."""
    coded = column.dictionary_encode(null_encoding="encode")  # a null is one of the texts, and None there
    known = np.array([text or "" for text in coded.dictionary.to_pylist()], np.object_)
    return np.asarray(known[np.from_dlpack(coded.indices)])


def _checked(data: object) -> LoanApplication:
    if not isinstance(data, Mapping):
        raise TypeError(f"expected a mapping with the fields of a loan application, got {data!r}")
    try:
        return msgspec.convert(dict(data), LoanApplication)
    except msgspec.ValidationError as error:
        field = str(error).rpartition("`$.")[2].rstrip("`")
        raise ValueError(f"{field} is {data[field]!r}: {error}") from None
