"""Model files of ONNX: one input that is a matrix, or an input for each column."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import onnxruntime
import pyarrow as pa

from model_mapreduce_job.exceptions import ConfigurationError, InputError
from model_mapreduce_job.models.adapters.features import Feature, Kind, matrix, unnamed
from model_mapreduce_job.models.adapters.onnx_content import onnx_classes
from model_mapreduce_job.models.adapters.onnx_tensors import by_names, data_sets
from model_mapreduce_job.models.adapters.trained import (
    LABEL,
    PROBABILITY,
    VALUE,
    Answer,
    Examples,
    Trained,
    classifier_answers,
    once,
    several,
    single,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from model_mapreduce_job.models.adapters.onnx_tensors import DataSet

_ERRORS_ONLY = 3
_MOST_DIMENSIONS = 2  # records and columns
_NO_WORD = re.compile(r"\W")
_TYPES: Mapping[str, tuple[Kind, Any, pa.DataType]] = {
    "tensor(float)": (Kind.NUMBER, np.float32, pa.float32()),
    "tensor(double)": (Kind.NUMBER, np.float64, pa.float64()),
    "tensor(float16)": (Kind.NUMBER, np.float16, pa.float32()),
    "tensor(int64)": (Kind.INTEGER, np.int64, pa.int64()),
    "tensor(int32)": (Kind.INTEGER, np.int32, pa.int64()),
    "tensor(bool)": (Kind.BOOLEAN, np.bool_, pa.bool_()),
    "tensor(string)": (Kind.TEXT, np.object_, pa.string()),
}
_WITH_NAN = frozenset({"tensor(float)", "tensor(double)", "tensor(float16)"})
# What converters call an output of which they know no better name.
_LABELS = frozenset({"label", "output_label"})
_VALUES = frozenset({"variable", "target", "predictions"})


class _Session(Protocol):
    """What computes outputs."""

    def get_outputs(self) -> Sequence[Any]:
        """Return what the outputs are."""
        ...

    def run(self, names: Sequence[str], feed: Any, /) -> list[Any]:
        """Return the outputs of these names."""
        ...


def load(path: Path, _trusted_types: Sequence[str]) -> Trained:
    """Return what an ONNX file takes and answers.

    Raises what ONNX Runtime raises for a damaged one, and ConfigurationError for inputs and outputs that are
    no columns.
    """
    data = path.read_bytes()
    classes = onnx_classes(data)
    session = _session(data)
    inputs = session.get_inputs()
    _check_inputs(inputs, path)
    is_matrix = len(inputs) == 1 and _width(inputs[0]) != 1
    features = _columns_of(inputs[0]) if is_matrix else tuple(map(_column, inputs))
    answers = _answers(session, classes, path)
    return Trained(
        features,
        _matrix_feed(inputs[0]) if is_matrix else _column_feed(inputs),
        lambda _: answers,
        # outputs of an unknown meaning are all wanted
        usual=(LABEL, PROBABILITY) if PROBABILITY in answers else tuple(answers),
        named=not is_matrix,
        # in a converter's names, all but letters and digits are underscores
        spelled=lambda name: _NO_WORD.sub("_", name),
        examples=lambda directory: [
            _example(found, session, classes, path) for found in data_sets(directory)
        ],
    )


def _example(
    found: DataSet, session: onnxruntime.InferenceSession, classes: tuple[str | int, ...], path: Path
) -> Examples:
    """Return a test data set's records and answers; raises InputError for a label that is no class."""
    recorded = _Recorded(session, found)
    answers = _answers(recorded, classes, path)
    labels = recorded.run([recorded.get_outputs()[0].name], {})[0].reshape(-1).tolist()
    if PROBABILITY in answers and (strange := [label for label in labels if label not in classes]):
        known = ", ".join(map(str, classes))
        raise InputError(f"{found.name} has the label {strange[0]!r}, and {path.name} has only {known}.")
    tensors = by_names(found.inputs, [each.name for each in session.get_inputs()])
    columns = [column.tolist() for each in tensors for column in each.reshape(len(each), -1).T]
    return Examples(found.name, columns, answers)


class _Recorded:
    """A session whose outputs are those of a test data set, whatever it is given."""

    def __init__(self, session: onnxruntime.InferenceSession, found: DataSet) -> None:
        self._outputs = session.get_outputs()
        names = [each.name for each in self._outputs]
        self._values = dict(zip(names, by_names(found.outputs, names), strict=True))

    def get_outputs(self) -> Sequence[Any]:
        """Return what the outputs are."""
        return list(self._outputs)

    def run(self, names: Sequence[str], _feed: Any) -> list[Any]:
        """Return the recorded outputs of these names."""
        return [self._values[name] for name in names]


def _session(data: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # a task has one core: threads of its own would only take turns with the others'
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _ERRORS_ONLY
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _check_inputs(inputs: Sequence[Any], path: Path) -> None:
    for each in inputs:
        if each.type not in _TYPES or len(each.shape) > _MOST_DIMENSIONS:
            raise ConfigurationError(
                f"{path} has the input {each.name} of {each.type} and shape {each.shape}: it takes "
                "no columns of a table. Write a model class for it: docs/models.md."
            )


def _columns_of(tensor: Any) -> tuple[Feature, ...]:
    return unnamed(_width(tensor), _TYPES[tensor.type][0], nullable=tensor.type in _WITH_NAN)


def _column(tensor: Any) -> Feature:
    return Feature(tensor.name, _TYPES[tensor.type][0], nullable=tensor.type in _WITH_NAN)


def _width(tensor: Any) -> int:
    """Return how many columns a tensor has, 0 for one that takes any number."""
    if len(tensor.shape) < _MOST_DIMENSIONS:
        return 1
    return tensor.shape[1] if isinstance(tensor.shape[1], int) else 0


def _matrix_feed(tensor: Any) -> Callable[[pa.RecordBatch], dict[str, Any]]:
    """Return what turns a batch into the one matrix that a session is run with."""
    kind = _TYPES[tensor.type][0]
    return lambda batch: {
        tensor.name: _rows(batch, [Feature(name, kind) for name in batch.schema.names], tensor.type)
    }


def _column_feed(tensors: Sequence[Any]) -> Callable[[pa.RecordBatch], dict[str, Any]]:
    """Return what turns a batch into an array for each of its columns."""
    return lambda batch: {
        tensor.name: _rows(batch, [_column(tensor)], tensor.type).reshape(-1, *[1] * (len(tensor.shape) - 1))
        for tensor in tensors
    }


def _rows(batch: pa.RecordBatch, features: Sequence[Feature], kind: str) -> Any:
    dtype = _TYPES[kind][1]
    if _TYPES[kind][0] is Kind.TEXT:
        columns = [
            batch.column(feature.name).cast(pa.string()).to_numpy(zero_copy_only=False)
            for feature in features
        ]
        return np.column_stack(columns).astype(object)
    return matrix(batch, features, dtype)


def _answers(session: _Session, classes: tuple[str | int, ...], path: Path) -> dict[str, Answer]:
    outputs = session.get_outputs()
    scores = next((each for each in outputs[1:] if _is_scores(each, classes)), None)
    if scores is not None and classes and _width(outputs[0]) == 1:
        return _classifier(session, outputs[0], scores, classes)
    unusable = [each for each in outputs if each.type not in _TYPES or len(each.shape) > _MOST_DIMENSIONS]
    if unusable:
        raise ConfigurationError(
            f"{path} has the output {unusable[0].name} of {unusable[0].type}, which is no column. "
            "Write a model class for it: docs/models.md."
        )
    return {_name(each.name): _output(session, each) for each in outputs}


def _is_scores(output: Any, classes: Sequence[Any]) -> bool:
    if output.type.startswith("seq(map("):
        return True
    return output.type in _WITH_NAN and _width(output) in {0, len(classes)}


def _classifier(
    session: _Session, label: Any, scores: Any, classes: tuple[str | int, ...]
) -> dict[str, Answer]:
    # one run gives both
    run = once(lambda feed: session.run([label.name, scores.name], feed))

    def probabilities(feed: dict[str, Any]) -> Any:
        found = run(feed)[1]
        if isinstance(found, list):  # of dicts, as a ZipMap gives them
            return np.asarray([[row[each] for each in classes] for row in found], np.float32)
        return np.asarray(found)

    return classifier_answers(
        classes, probabilities, lambda feed: np.asarray(run(feed)[0]).reshape(-1), pa.float32()
    )


def _output(session: _Session, output: Any) -> Answer:
    kind = _TYPES[output.type][2]
    width = _width(output)
    name = _name(output.name)

    def compute(feed: dict[str, Any]) -> Any:
        return np.asarray(session.run([output.name], feed)[0])

    if width == 1:
        return single(name, lambda feed: compute(feed).reshape(-1), kind)
    if width == 0:
        return Answer((pa.field(name, pa.list_(kind)),), lambda feed: [compute(feed).tolist()])
    return several(name, compute, [kind] * width)


def _name(output: str) -> str:
    if output in _LABELS:
        return LABEL
    return VALUE if output in _VALUES else output
