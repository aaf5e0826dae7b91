"""The iris model: runs the trained file with ONNX Runtime."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

import numpy as np
import numpy.typing as npt
import onnxruntime

from iris_model.flower_rows import feature_rows
from iris_model.iris_schema import (
    FIELDS,
    IrisInput,
    IrisInputError,
    IrisPrediction,
    Species,
    checked,
)

if TYPE_CHECKING:
    import pyarrow as pa

MODEL_FILE: Final = Path(__file__).parent / "model_files" / "iris.onnx"

_ERRORS_ONLY: Final = 3


class IrisModel:
    """Predicts the species of an iris flower.

    `model_file` is a file that `iris_train` wrote; without it, the one in this package is used.
    """

    display_name = "Iris Model"
    qualified_name = "iris_model"
    description = "Predicts the species of an iris flower from the sizes of its sepals and petals."
    major_version = 1
    minor_version = 0
    input_schema = IrisInput
    output_schema = IrisPrediction

    def __init__(self, model_file: str | os.PathLike[str] | None = None) -> None:
        self._session = _open_session(MODEL_FILE if model_file is None else Path(model_file))

    def predict(self, data: IrisInput | dict[str, float]) -> IrisPrediction:
        """Return the species of one flower; raises IrisInputError on anything but four finite numbers."""
        return self._species([checked(data)])[0]

    def predict_batch(self, data: Sequence[IrisInput]) -> list[IrisPrediction | IrisInputError]:
        """Return one result for each flower, in order: its species, or the error `predict` would raise.

        Flowers of one species share one result, which is then written once: change a copy of it.
        """
        try:
            return [*self._species(data)]
        except (TypeError, ValueError, OverflowError, RecursionError):
            return self._species_or_errors(data)

    def predict_columns(self, batch: "pa.RecordBatch") -> dict[str, npt.NDArray[np.object_]]:
        """Return the species of each flower; the columns are IrisInput's fields, and hold no nulls."""
        rows = np.empty((batch.num_rows, len(FIELDS)), np.float32)
        for place, field in enumerate(FIELDS):
            rows[:, place] = np.from_dlpack(batch.column(field))
        return {"species": self._labels(rows)}

    def _species(self, flowers: Sequence[IrisInput]) -> list[IrisPrediction]:
        labels = self._labels(feature_rows(flowers))
        predictions = {label: IrisPrediction(species=label) for label in get_args(Species)}
        return [*map(predictions.__getitem__, labels.tolist())]

    def _labels(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.object_]:
        # Only the label is asked for.
        (labels,) = self._session.run(["label"], {"X": rows})
        return np.asarray(labels)

    def _species_or_errors(self, data: Sequence[IrisInput]) -> list[IrisPrediction | IrisInputError]:
        results = [_checked_or_error(record) for record in data]
        flowers = [result for result in results if not isinstance(result, IrisInputError)]
        species = iter(self._species(flowers))
        return [result if isinstance(result, IrisInputError) else next(species) for result in results]


def _open_session(model_file: Path) -> onnxruntime.InferenceSession:
    if not model_file.is_file():
        raise FileNotFoundError(f"no model file at {model_file}: `iris_train --output` makes one")
    options = onnxruntime.SessionOptions()
    # A task has one core; threads of its own would only take turns with the others'.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _ERRORS_ONLY
    return onnxruntime.InferenceSession(model_file, options, providers=["CPUExecutionProvider"])


def _checked_or_error(record: IrisInput) -> IrisInput | IrisInputError:
    try:
        return checked(record)
    except IrisInputError as error:
        return error
