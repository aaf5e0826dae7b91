"""Models of each library, trained on one small table, written to files as their users do."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

NUMBERS = ["age", "fare paid"]
ROWS = 240


def customers() -> Any:
    """Return a DataFrame with numbers, some of them missing, two columns of texts and two targets."""
    import pandas as pd

    random = np.random.default_rng(7)
    table = pd.DataFrame(
        {
            "id": np.arange(ROWS),
            "age": random.normal(40, 12, ROWS).round(1),
            "fare paid": random.gamma(2, 30, ROWS).round(2),
            "city": random.choice(["Lodz", "Oslo", "Quito"], ROWS),
            "note": random.choice(["pays late", "never pays", "pays"], ROWS),
        }
    )
    table.loc[table.index % 9 == 4, "age"] = np.nan
    table["churned"] = ((table["fare paid"] > 50) ^ (table["city"] == "Oslo")).astype(int)
    table["segment"] = np.select([table["fare paid"] > 80, table["age"] > 40], ["gold", "silver"], "none")
    return table


@dataclass(frozen=True)
class TrainedFile:
    """A model file, and its library's own answers: the fields that a run gives by default, for a table."""

    path: Path
    own: Callable[[Any], dict[str, Any]]
    options: Mapping[str, Any] = field(default_factory=dict)


def train_xgboost(directory: Path, suffix: str = ".ubj") -> TrainedFile:
    """Write an XGBClassifier with a categorical feature."""
    import xgboost

    def columns(table: Any) -> Any:
        chosen = table[[*NUMBERS, "city"]].copy()
        chosen["city"] = chosen["city"].astype("category")
        return chosen

    model = xgboost.XGBClassifier(n_estimators=8, max_depth=3, enable_categorical=True, n_jobs=1)
    table = customers()
    model.fit(columns(table), table["churned"])
    path = directory / f"churn{suffix}"
    model.save_model(path)
    return TrainedFile(path, lambda table: _of_classifier(model, columns(table)))


def train_lightgbm(directory: Path) -> TrainedFile:
    """Write an LGBMClassifier with a categorical feature, as text."""
    import lightgbm

    def columns(table: Any) -> Any:
        chosen = table[[*NUMBERS, "city"]].copy()
        chosen["city"] = chosen["city"].astype("category")
        return chosen

    table = customers()
    model = lightgbm.LGBMClassifier(n_estimators=8, verbose=-1, n_jobs=1)
    model.fit(columns(table), table["churned"])
    path = directory / "churn.txt"
    model.booster_.save_model(path)
    return TrainedFile(path, lambda table: _of_classifier(model, columns(table)))


def train_catboost(directory: Path) -> TrainedFile:
    """Write a CatBoostClassifier of three classes, with a categorical and a text feature."""
    import catboost

    table = customers()
    model = catboost.CatBoostClassifier(
        iterations=8, verbose=0, cat_features=["city"], text_features=["note"], allow_writing_files=False
    )
    model.fit(table[[*NUMBERS, "city", "note"]], table["segment"])
    path = directory / "segment.cbm"
    model.save_model(str(path))
    return TrainedFile(path, lambda table: _of_classifier(model, table[[*NUMBERS, "city", "note"]]))


def pipeline() -> Any:
    """Return a fitted Pipeline that imputes and scales numbers, and encodes texts."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    steps = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS),
            ("city", OneHotEncoder(handle_unknown="ignore"), ["city"]),
        ]
    )
    table = customers()
    return make_pipeline(steps, LogisticRegression(max_iter=500)).fit(
        table[[*NUMBERS, "city"]], table["segment"]
    )


def train_sklearn(directory: Path) -> TrainedFile:
    """Write a Pipeline with joblib."""
    import joblib

    model = pipeline()
    path = directory / "segment.joblib"
    joblib.dump(model, path)
    return TrainedFile(path, lambda table: _of_classifier(model, table[[*NUMBERS, "city"]]))


def train_skops(directory: Path) -> TrainedFile:
    """Write a Pipeline with skops."""
    import skops.io

    model = pipeline()
    path = directory / "segment.skops"
    skops.io.dump(model, path)
    return TrainedFile(
        path,
        lambda table: _of_classifier(model, table[[*NUMBERS, "city"]]),
        {"trusted_types": ["numpy.dtype"]},
    )


def train_onnx(directory: Path, *, zipmap: bool = False) -> TrainedFile:
    """Write a Pipeline as ONNX, with an input for each column; its own answers are ONNX Runtime's."""
    import onnxruntime
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    inputs = [(name, FloatTensorType([None, 1])) for name in NUMBERS]
    inputs.append(("city", StringTensorType([None, 1])))
    opsets = {"": 15, "ai.onnx.ml": 3}
    model = to_onnx(pipeline(), initial_types=inputs, options={"zipmap": zipmap}, target_opset=opsets)
    path = directory / "segment.onnx"
    path.write_bytes(model.SerializeToString())
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def own(table: Any) -> dict[str, Any]:
        feed = {name.replace(" ", "_"): table[[name]].to_numpy(np.float32) for name in NUMBERS}
        labels, scores = session.run(None, {**feed, "city": table[["city"]].to_numpy(object)})
        best = [max(row.values()) for row in scores] if zipmap else scores.max(axis=1)
        return {"label": list(labels), "probability": [float(value) for value in best]}

    return TrainedFile(path, own)


def train_mlflow(directory: Path, example: Any = None) -> TrainedFile:
    """Write a Pipeline as an MLflow model with a signature."""
    import mlflow.sklearn
    from mlflow.models import infer_signature

    model = pipeline()
    table = customers()[[*NUMBERS, "city"]]
    path = directory / "segment"
    signature = infer_signature(table, model.predict(table))
    mlflow.sklearn.save_model(
        model, path, serialization_format="cloudpickle", signature=signature, input_example=example
    )
    return TrainedFile(path, lambda table: {"value": model.predict(table[[*NUMBERS, "city"]]).tolist()})


TRAINERS: dict[str, Callable[[Path], TrainedFile]] = {
    "onnx": train_onnx,
    "onnx_zipmap": partial(train_onnx, zipmap=True),
    "xgboost": train_xgboost,
    "xgboost_json": partial(train_xgboost, suffix=".json"),
    "lightgbm": train_lightgbm,
    "catboost": train_catboost,
    "skops": train_skops,
    "sklearn": train_sklearn,
    "mlflow": train_mlflow,
}


def _of_classifier(model: Any, rows: Any) -> dict[str, Any]:
    probabilities = model.predict_proba(rows)
    labels = np.asarray(model.predict(rows)).reshape(-1)
    return {"label": labels.tolist(), "probability": probabilities.max(axis=1).tolist()}
