"""Trains the wide model on synthetic applications and writes it as ONNX: `wide_train [--output FILE]`."""

import argparse
from pathlib import Path

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from wide_model.loan_application import CATEGORIES, NUMBERS
from wide_model.synthetic_applications import Applications, default_labels, synthetic_applications
from wide_model.wide_predict import MODEL_FILE

TRAINING_ROWS = 8_000
SEED = 20


def train(rows: int = TRAINING_ROWS, seed: int = SEED) -> Pipeline:
    """Fit the pipeline on `rows` applications made from `seed`: the same pipeline each time."""
    applications = synthetic_applications(rows, seed)
    return _pipeline().fit(table(applications), default_labels(applications, seed))


def table(applications: Applications) -> np.ndarray:
    """Return the applications as one (rows, 20) array of objects, which is what the pipeline takes."""
    # The model file computes in float32: trained on the same values, both see the same side of a split.
    numbers = applications.numbers.astype(np.float32).astype(np.object_)
    return np.hstack([numbers, applications.categories])


def to_model_file(pipeline: Pipeline) -> bytes:
    """Return the pipeline as ONNX with the inputs `numbers` and `categories`."""
    inputs = [
        ("numbers", FloatTensorType([None, len(NUMBERS)])),
        ("categories", StringTensorType([None, len(CATEGORIES)])),
    ]
    options = {id(pipeline): {"zipmap": False}}
    model: bytes = to_onnx(
        pipeline, initial_types=inputs, options=options, target_opset=17
    ).SerializeToString()
    return model


def _pipeline() -> Pipeline:
    numbers = list(range(len(NUMBERS)))
    categories = list(range(len(NUMBERS), len(NUMBERS) + len(CATEGORIES)))
    # A missing text is none of the known words: all its indicator columns stay zero.
    one_hot = OneHotEncoder(
        categories=[sorted(words) for words in CATEGORIES.values()],
        handle_unknown="ignore",
        sparse_output=False,
    )
    columns = ColumnTransformer(
        [("numbers", SimpleImputer(strategy="median"), numbers), ("categories", one_hot, categories)],
    )
    boosting = GradientBoostingClassifier(n_estimators=100, max_depth=4, random_state=SEED)
    return Pipeline([("columns", columns), ("boosting", boosting)])


def main() -> None:
    """Write the model file."""
    parser = argparse.ArgumentParser(description="Train the wide model and write it as ONNX.")
    parser.add_argument("--output", type=Path, default=MODEL_FILE)
    output = parser.parse_args().output
    output.write_bytes(to_model_file(train()))
    print(f"{output}: {output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
