"""An ONNX model's own test data: test_data_set_N beside it, with a file for each input and output tensor.

The files are protobuf messages; the field numbers are those of TensorProto in onnx.proto
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.models.protocol_buffers import fields, integers, text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_DIMS, _TYPE, _STRINGS, _NAME, _RAW = 1, 2, 6, 8, 9
# The fields of values that have a type of their own; others have a varint each.
_FIXED: Final = {4: "<f4", 10: "<f8"}
_VARINTS: Final = (5, 7, 11)
_STRING, _FLOAT16 = 8, 10
_TYPES: Final = {
    1: "f4",
    2: "u1",
    3: "i1",
    4: "u2",
    5: "i2",
    6: "i4",
    7: "i8",
    9: "?",
    10: "f2",
    11: "f8",
    12: "u4",
    13: "u8",
}


@dataclass(frozen=True, slots=True)
class DataSet:
    """A test data set: its directory's name, and the tensors that a model is given and must answer.

    Tensors stand by their names; of one without a name the place, as text, is its name.
    """

    name: str
    inputs: dict[str, NDArray[Any]]
    outputs: dict[str, NDArray[Any]]


def data_sets(directory: Path) -> list[DataSet]:
    """Return the test data sets in a directory, or the one that it is; raises InputError."""
    found = sorted(directory.glob("test_data_set_*")) or [directory]
    sets = [DataSet(path.name, _tensors(path, "input"), _tensors(path, "output")) for path in found]
    if not all(each.inputs and each.outputs for each in sets):
        raise InputError(
            f"--verify {directory} has no test data of an ONNX model: test_data_set_0/input_0.pb and "
            "output_0.pb. Name a directory that has."
        )
    return sets


def by_names(tensors: dict[str, NDArray[Any]], names: Sequence[str]) -> list[NDArray[Any]]:
    """Return tensors in the order of these names, else in their own where they have none."""
    return [tensors[name] for name in names] if set(names) <= tensors.keys() else list(tensors.values())


def tensor(data: bytes) -> tuple[str, NDArray[Any]]:
    """Return the name and the values of a tensor; raises ValueError for bytes that are none."""
    try:
        members = list(fields(memoryview(data)))
        one: dict[int, Any] = dict(members)
        dims = list(integers(value for number, value in members if number == _DIMS))
        return text(one.get(_NAME)), _values(one, members).reshape(dims)
    except (IndexError, KeyError, TypeError) as error:
        raise ValueError("it is no tensor of a known kind") from error


def _values(one: dict[int, Any], members: Sequence[tuple[int, Any]]) -> NDArray[Any]:
    kind = one[_TYPE]
    if kind == _STRING:
        return np.array([bytes(value).decode() for number, value in members if number == _STRINGS], object)
    dtype = np.dtype(_TYPES[kind]).newbyteorder("<")
    if _RAW in one:
        return np.frombuffer(one[_RAW], dtype)
    for number, fixed in _FIXED.items():
        if number in one:
            return np.frombuffer(b"".join(bytes(value) for each, value in members if each == number), fixed)
    numbers = list(integers(value for number, value in members if number in _VARINTS))
    return np.array(numbers, np.uint16).view(dtype) if kind == _FLOAT16 else np.array(numbers, dtype)


def _tensors(directory: Path, kind: str) -> dict[str, NDArray[Any]]:
    paths = sorted(directory.glob(f"{kind}_*.pb"), key=lambda path: (len(path.stem), path.stem))
    found = {}
    for place, path in enumerate(paths):
        try:
            name, values = tensor(path.read_bytes())
        except (OSError, ValueError) as error:
            raise InputError(f"--verify {path} can't be read: {error}. Write it again.") from error
        found[name or str(place)] = values
    return found
