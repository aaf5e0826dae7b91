"""What a person writes with pandas and a library: `pandas_model_file.py LIBRARY MODEL INPUT OUTPUT`."""

import sys
from collections.abc import Callable
from typing import Any

import pandas as pd


def of_onnx(path: str) -> Callable[[Any], Any]:
    """Return what gives the probabilities of rows, by ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    return lambda rows: session.run(None, {"X": rows.to_numpy("float32")})[1]


def of_xgboost(path: str) -> Callable[[Any], Any]:
    """Return what gives the probabilities of rows, by XGBoost."""
    import xgboost

    model = xgboost.XGBClassifier()
    model.load_model(path)
    return model.predict_proba


def of_lightgbm(path: str) -> Callable[[Any], Any]:
    """Return what gives the probabilities of rows, by LightGBM."""
    import lightgbm
    import numpy as np

    model = lightgbm.Booster(model_file=path)

    def probabilities(rows: Any) -> Any:
        positive = model.predict(rows)
        return np.column_stack((1 - positive, positive))

    return probabilities


def of_sklearn(path: str) -> Callable[[Any], Any]:
    """Return what gives the probabilities of rows, by scikit-learn."""
    import joblib

    return joblib.load(path).predict_proba


LIBRARIES = {"onnx": of_onnx, "xgboost": of_xgboost, "lightgbm": of_lightgbm, "sklearn": of_sklearn}


def main() -> None:
    """Predict a table: the six lines."""
    library, model, source, output = sys.argv[1:]
    predict = LIBRARIES[library](model)
    is_csv = source.endswith(".csv")
    table = pd.read_csv(source) if is_csv else pd.read_parquet(source)
    probabilities = predict(table.filter(like="measure_"))
    table["label"], table["probability"] = probabilities.argmax(axis=1), probabilities.max(axis=1)
    table.to_csv(output, index=False) if is_csv else table.to_parquet(output)


if __name__ == "__main__":
    main()
