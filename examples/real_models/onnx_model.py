"""ONNX: one array a batch; nothing of the library that trained it is needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from passengers import Passenger, frame, passengers, survived


class OnnxModel:
    display_name, qualified_name, description = "ONNX", "onnx_model", "The chance to survive."
    version, input_schema, output_schema = "1.0", Passenger, float

    def __init__(self, path: str) -> None:
        self.session = onnxruntime.InferenceSession(path)

    def predict(self, data: Passenger) -> float:
        return self.predict_batch([data])[0]

    def predict_batch(self, data: list[Passenger]) -> list[float]:
        return self.session.run(["probabilities"], {"X": numbers(data)})[0][:, 1].tolist()


def numbers(records: list[Passenger]) -> np.ndarray:
    """Return age and fare, missing values as NaN."""
    return frame(records)[["age", "fare"]].to_numpy(np.float32)


def train(path: str) -> None:
    """Write the model's file."""
    # Here, since who predicts needs none of them.
    from skl2onnx import to_onnx  # noqa: PLC0415 - see above
    from sklearn.impute import SimpleImputer  # noqa: PLC0415 - see above
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - see above
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415 - see above

    records = passengers(300)
    pipeline = make_pipeline(SimpleImputer(), LogisticRegression())
    pipeline.fit(numbers(records), survived(records))
    graph = to_onnx(pipeline, numbers(records[:1]), options={"zipmap": False})
    Path(path).write_bytes(graph.SerializeToString())
