"""The SVC of the iris model served by scikit-learn, in float64, and the configuration that names it."""

from collections.abc import Sequence
from itertools import chain
from typing import Any, ClassVar

import numpy as np
from iris_model.iris_schema import FIELDS, IrisInput, IrisPrediction, checked
from msgspec.structs import astuple
from numpy.typing import NDArray
from sklearn.datasets import load_iris
from sklearn.svm import SVC

from model_mapreduce_job.config import Config


class SklearnIrisModel:
    """Tells the species of an iris flower; trained when it is loaded, which takes milliseconds."""

    display_name = "Iris Model (scikit-learn)"
    qualified_name = "sklearn_iris_model"
    description = "The iris model without ONNX: the same classifier, of the same parameters and flowers."
    version = "1.0"
    input_schema = IrisInput
    output_schema = IrisPrediction

    def __init__(self) -> None:
        flowers = load_iris()
        self._svc = SVC(gamma=0.001, C=100.0).fit(flowers.data, flowers.target)
        self._species = flowers.target_names.tolist()

    def predict(self, data: IrisInput | dict[str, float]) -> IrisPrediction:
        """Return the species of one flower; raises IrisInputError on anything but four finite numbers."""
        return self.predict_batch([checked(data)])[0]

    def predict_batch(self, data: Sequence[IrisInput]) -> list[IrisPrediction]:
        """Return the species of each flower, in order."""
        return [{"species": self._species[label]} for label in self._svc.predict(_features(data)).tolist()]


class SklearnConfig(Config):
    """The configuration that serves it."""

    models: ClassVar[Sequence[dict[str, Any]]] = (
        {
            "qualified_name": "sklearn_iris_model",
            "module_name": "sklearn_iris",
            "class_name": "SklearnIrisModel",
        },
    )


def _features(data: Sequence[IrisInput]) -> NDArray[np.float64]:
    values = chain.from_iterable(map(astuple, data))
    return np.fromiter(values, np.float64, len(FIELDS) * len(data)).reshape(-1, len(FIELDS))
