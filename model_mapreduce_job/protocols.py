"""Named protocols: lines into records, and predictions into lines. A new one is a small class in a registry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from model_mapreduce_job.records import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.schemas import RecordSchema

_BOM = b"\xef\xbb\xbf"
_compact = msgspec.json.format


class HeaderLine(Exception):  # noqa: N818 - it is no error: the line is simply no record
    """Raised by an input protocol that reads a line which names the columns."""


class InputProtocol(Protocol):
    """How a line is read.

    verbatim says that a line which could be read is itself the JSON text of its record, unless it holds a
    TAB, a CR or a byte order mark.
    """

    verbatim: bool

    def read(self, line: bytes) -> Any:
        """Return the record, checked against the model's schema; raise on a bad line, HeaderLine on a header."""
        ...

    def text(self, line: bytes) -> bytes:
        """Return the JSON text by which the line comes back: no TAB, no newline; for any bytes."""
        ...


class OutputProtocol(Protocol):
    """How a prediction is written."""

    def write(self, keys: Sequence[bytes], predictions: Sequence[bytes | Failure]) -> list[bytes]:
        """Return one line, without its newline, for each pair of JSON texts; a Failure stands for itself."""
        ...


class JsonLines:
    """Reads one JSON document a line."""

    verbatim = True

    def __init__(self, schema: RecordSchema) -> None:
        self._decode = schema.decode

    def read(self, line: bytes) -> Any:
        """Return the record; raise when the line is not one JSON document that the schema accepts."""
        return self._decode(line.removeprefix(_BOM))

    def text(self, line: bytes) -> bytes:
        """Return the line's own JSON text; a JSON string of the line when it is not JSON."""
        line = line.removeprefix(_BOM).removesuffix(b"\r")
        if not is_json(line):
            return json_string(line)
        return _without_tabs(line) if b"\t" in line or b"\r" in line else line


class JsonPairs:
    """Writes mrjob's JSON pairs: the input's JSON text, TAB, the prediction; null for a failure."""

    def __init__(self, *, explain: bool) -> None:
        self._explain = explain

    def write(self, keys: Sequence[bytes], predictions: Sequence[bytes | Failure]) -> list[bytes]:
        """Return one pair a line."""
        return list(map(b"\t".join, zip(keys, map(self._value, predictions), strict=True)))

    def _value(self, prediction: bytes | Failure) -> bytes:
        if type(prediction) is bytes:
            return prediction
        return b'{"error": %b}' % error_text(prediction) if self._explain else b"null"


class JsonObjects:
    """Writes one JSON object a line, with input, prediction and error."""

    def __init__(self, *, explain: bool) -> None:
        self._explain = explain

    def write(self, keys: Sequence[bytes], predictions: Sequence[bytes | Failure]) -> list[bytes]:
        """Return one object a line."""
        return list(map(self._line, keys, predictions))

    def _line(self, key: bytes, prediction: bytes | Failure) -> bytes:
        if isinstance(prediction, bytes):
            return b'{"input": %b, "prediction": %b, "error": null}' % (key, prediction)
        error = error_text(prediction) if self._explain else b"null"
        return b'{"input": %b, "prediction": null, "error": %b}' % (key, error)


class KeyFields:
    """An input protocol whose lines come back as only the chosen fields of their JSON text, each as it was."""

    verbatim = False

    def __init__(self, protocol: InputProtocol, fields: Sequence[str]) -> None:
        self.read = protocol.read
        self._text = protocol.text
        self._fields = [(field, json.dumps(field).encode()) for field in fields]
        self._decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

    def text(self, line: bytes) -> bytes:
        """Return an object of the chosen fields, null for one that is missing; all of it when it is no object."""
        whole = self._text(line)
        try:
            values = self._decode(whole)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return whole
        return b"{%b}" % b", ".join(b"%b: %b" % (name, values.get(key, b"null")) for key, name in self._fields)


def is_json(text: bytes) -> bool:
    """Return whether text is one JSON document that ordinary parsers read: UTF-8, no NaN, not too deep."""
    try:
        json.loads(text.decode(), parse_constant=_refuse, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return True


def json_string(text: bytes) -> bytes:
    r"""Return text as a JSON string; bytes that are not UTF-8 are written as \xNN."""
    return json.dumps(text.decode(errors="backslashreplace"), ensure_ascii=False).encode()


def error_text(failure: Failure) -> bytes:
    """Return a failure as the JSON object that explains it."""
    return json.dumps({"type": failure.kind, "message": failure.message}).encode()


def _without_tabs(text: bytes) -> bytes:
    try:
        return _compact(text, indent=-1)
    except (msgspec.DecodeError, RecursionError):
        # JSON that msgspec is too strict for; a raw TAB or CR can only stand between tokens
        return text.replace(b"\t", b"").replace(b"\r", b"")


def _refuse(constant: str) -> None:
    raise ValueError(constant)
