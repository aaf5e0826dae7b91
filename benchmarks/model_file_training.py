"""The model files that model_files.py predicts with: one a library, trained once on the same rows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FEATURES = [f"measure_{place:02}" for place in range(1, 17)]
ROUNDS = 100


def save(library: str, directory: Path) -> Path:
    """Return a model file of a library, which is trained when it is not there."""
    suffix, train = LIBRARIES[library]
    path = directory / f"benchmark{suffix}"
    if not path.exists():
        random = np.random.default_rng(5)
        table = pd.DataFrame({name: random.normal(50, 20, 5000) for name in FEATURES})
        target = (table.sum(axis=1) + random.normal(0, 40, len(table)) > 50 * len(FEATURES)).astype(int)
        train(table, target, path)
    return path


def _xgboost(table: Any, target: Any, path: Path) -> None:
    import xgboost

    xgboost.XGBClassifier(n_estimators=ROUNDS, max_depth=6).fit(table, target).save_model(path)


def _lightgbm(table: Any, target: Any, path: Path) -> None:
    import lightgbm

    model = lightgbm.LGBMClassifier(n_estimators=ROUNDS, verbose=-1).fit(table, target)
    model.booster_.save_model(path)


def _pipeline() -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())


def _sklearn(table: Any, target: Any, path: Path) -> None:
    import joblib

    joblib.dump(_pipeline().fit(table, target), path)


def _onnx(table: Any, target: Any, path: Path) -> None:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    model = _pipeline().fit(table.to_numpy(np.float32), target)
    inputs = [("X", FloatTensorType([None, len(FEATURES)]))]
    opsets = {"": 15, "ai.onnx.ml": 3}
    found = to_onnx(model, initial_types=inputs, options={"zipmap": False}, target_opset=opsets)
    path.write_bytes(found.SerializeToString())


LIBRARIES: dict[str, tuple[str, Callable[[Any, Any, Path], None]]] = {
    "onnx": (".onnx", _onnx),
    "xgboost": (".ubj", _xgboost),
    "lightgbm": (".txt", _lightgbm),
    "sklearn": (".joblib", _sklearn),
}
