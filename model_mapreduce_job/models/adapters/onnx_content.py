"""The classes of an ONNX file's classifier, which ONNX Runtime doesn't hand on.

The file is a protobuf message; the field numbers are those of onnx.proto
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

from model_mapreduce_job.models.protocol_buffers import fields, integers

_GRAPH = 7  # of ModelProto
_NODE = 1  # of GraphProto
_ATTRIBUTE = 5  # of NodeProto
_NAME, _INTS, _STRINGS = 1, 8, 9  # of AttributeProto
_STRING_LABELS = frozenset({b"classlabels_strings", b"cats_strings"})
_INTEGER_LABELS = frozenset({b"classlabels_int64s", b"classlabels_ints", b"cats_int64s"})


def onnx_classes(data: bytes) -> tuple[str | int, ...]:
    """Return the classes of a file's last classifier node, none where it has none.

    Raises ValueError for bytes that are no whole ONNX file.
    """
    try:
        model = dict(fields(memoryview(data)))
        classes: tuple[str | int, ...] = ()
        for number, node in fields(model[_GRAPH]):
            if number == _NODE:
                classes = _classes(node) or classes
    except (LookupError, TypeError, UnicodeDecodeError) as error:
        raise ValueError("it is no whole ONNX file") from error
    return classes


def _classes(node: memoryview | int) -> tuple[str | int, ...]:
    for number, attribute in fields(node):
        if number == _ATTRIBUTE:
            members = list(fields(attribute))
            name = bytes(next((value for number, value in members if number == _NAME), b""))
            if name in _STRING_LABELS:
                return tuple(bytes(value).decode() for number, value in members if number == _STRINGS)
            if name in _INTEGER_LABELS:
                return tuple(integers(value for number, value in members if number == _INTS))
    return ()
