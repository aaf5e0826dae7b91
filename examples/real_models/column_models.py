"""Models that take columns: with NumPy and with pandas, by an Arrow schema. Other files here train them."""

from __future__ import annotations

from typing import Final

import joblib
import numpy as np
import onnxruntime
import pandas as pd
import pyarrow as pa
from passengers import DTYPES

PASSENGER: Final = pa.schema([("age", pa.float64()), ("fare", pa.float64()), ("port", pa.string())])
CHANCE: Final = pa.schema([("chance", pa.float64())])


class NumpyColumns:
    display_name, qualified_name, description = "ONNX", "numpy_columns", "The chance to survive."
    version, input_schema, output_schema = "1.0", PASSENGER, CHANCE

    def __init__(self, path: str) -> None:
        self.session = onnxruntime.InferenceSession(path)

    def predict_columns(self, batch: pa.RecordBatch) -> dict[str, np.ndarray]:
        numbers = np.column_stack([batch["age"], batch["fare"]])  # null is NaN there
        return {"chance": self.session.run(["probabilities"], {"X": numbers.astype(np.float32)})[0][:, 1]}


class PandasColumns:
    display_name, qualified_name, description = "Pipeline", "pandas_columns", "The chance to survive."
    version, input_schema, output_schema = "1.0", PASSENGER, CHANCE

    def __init__(self, path: str) -> None:
        self.pipeline = joblib.load(path)

    def predict_columns(self, batch: pa.RecordBatch) -> pd.DataFrame:
        table = batch.to_pandas().astype(DTYPES)
        return pd.DataFrame({"chance": self.pipeline.predict_proba(table)[:, 1]})
