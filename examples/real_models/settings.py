"""APP_SETTINGS=settings.RealModels: each model beside this file, its own file in the current directory."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from model_mapreduce_job import Config

FILES: Final = {
    "SklearnModel": "sklearn_model.joblib",
    "XGBoostModel": "xgboost_model.ubj",
    "LightGBMModel": "lightgbm_model.txt",
    "CatBoostModel": "catboost_model.cbm",
    "OnnxModel": "onnx_model.onnx",
    "SpacyModel": "spacy_model",
    "KerasModel": "keras_model.keras",
    "TorchModel": "torch_model.pt",
}


def entry(class_name: str, path: str) -> dict[str, Any]:
    """Return a model's entry; with its qualified_name, it is imported only when it is asked for."""
    name = path.partition(".")[0]
    return {
        "qualified_name": name,
        "module_name": name,
        "class_name": class_name,
        "parameters": {"path": path},
    }


class RealModels(Config):
    """One model for each library."""

    models: ClassVar = tuple(entry(class_name, path) for class_name, path in FILES.items())
