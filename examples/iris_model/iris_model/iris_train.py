"""Trains the iris model and writes it as an ONNX file: the `iris_train` console script."""

import argparse
import hashlib
import sys
from pathlib import Path

from iris_model.iris_predict import MODEL_FILE
from iris_model.iris_schema import FIELDS

# Fixed, so that a newer converter writes a file that every ONNX Runtime of setup.py can run.
_OPSETS = {"": 15, "ai.onnx.ml": 1}


def train() -> bytes:
    """Return the trained model as an ONNX file: the same bytes each time with the same libraries."""
    # The training tools are an extra: without them `main` says so in one line.
    from skl2onnx import to_onnx  # noqa: PLC0415 - see above
    from skl2onnx.common.data_types import FloatTensorType  # noqa: PLC0415 - see above
    from skl2onnx.helpers.onnx_helper import select_model_inputs_outputs  # noqa: PLC0415 - see above
    from sklearn.datasets import load_iris  # noqa: PLC0415 - see above
    from sklearn.svm import SVC  # noqa: PLC0415 - see above

    flowers = load_iris()
    # Trained on names, not numbers: the file itself then says which species is which.
    classifier = SVC(gamma=0.001, C=100.0).fit(flowers.data, flowers.target_names[flowers.target])
    inputs = [("X", FloatTensorType([None, len(FIELDS)]))]
    model = to_onnx(classifier, initial_types=inputs, options={"zipmap": False}, target_opset=_OPSETS)
    # Without the scores, which nothing reads, the model is one node.
    label_only = select_model_inputs_outputs(model, outputs=["label"])
    return bytes(label_only.SerializeToString(deterministic=True))


def main(arguments: list[str] | None = None) -> None:
    """Train and write the file; says where it went and its SHA-256."""
    parser = argparse.ArgumentParser(prog="iris_train", description="Trains the iris model.")
    parser.add_argument("--output", type=Path, default=MODEL_FILE, help="default: %(default)s")
    output = parser.parse_args(arguments).output
    try:
        model = train()
        output.write_bytes(model)
    except ModuleNotFoundError as error:
        sys.exit(f"iris_train: {error.name} is not installed: pip install 'iris_model[train]'")
    except OSError as error:
        sys.exit(f"iris_train: cannot write {output}: {error.strerror}")
    print(f"{output}: {len(model)} bytes, sha256 {hashlib.sha256(model).hexdigest()}")


if __name__ == "__main__":
    main()
