"""Protocols: lines into records, predictions into lines. A new one is a class, made by task/factory.py."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from model_mapreduce_job.formats.joined_lines import JoinedLines
from model_mapreduce_job.formats.text_forms import are_columns, is_text_block
from model_mapreduce_job.models.json_text import (
    is_python_json,
    marked_half_pairs,
    read_again,
    without_constants,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.formats.records import Failure
    from model_mapreduce_job.models.schemas import RecordSchema


class HeaderLine(Exception):  # noqa: N818 - it is no error: the line is simply no record
    """Raised by an input protocol that reads a line which names the columns."""


class InputProtocol(Protocol):
    """How a line is read. Lines come without their line end, LF or CR LF, and without a byte order mark.

    line_is_key says that a line which could be read is itself the JSON text of its record, unless it holds a
    TAB or a CR. A protocol may have more:

    - value_of(line, name) -> str | None: the JSON text of a field, to be shown where it doesn't fit.
    - read_again(line, error): the record of a line that read raised on; raises where it is none after all.
    - decoded(line) -> str: the line's text; raises UnicodeDecodeError of the input's own encoding.
    - read_plain(lines, is_utf_8=...) -> PlainPart | None: those lines that can be read together, and
      decode(text), the record of a text of these.
    - text_of_no_record(line) -> bytes: how a line comes back that can be no record, such as one too long.
    - take_key_counts() -> list[int]: how many records had each field of --key since it was last asked.
    """

    line_is_key: bool

    def read(self, line: bytes) -> Any:
        """Return the record of a line of UTF-8, checked against the model's schema.

        Raises HeaderLine on a header, and anything else on a line that is bad or blank.
        """
        ...

    def text(self, line: bytes) -> bytes:
        """Return the text by which the line comes back, for any bytes: as a writer of predictions takes it.

        It is JSON without TAB or newline, or the cells of a row where rows of text are written.
        """
        ...


class OutputProtocol(Protocol):
    """How a prediction is written.

    A protocol may have more:

    - checked(predictions): these, with a Failure in the place of each that can't be written as it is.
    - header, bytes or None: the line before all others, without its newline.
    """

    def write(self, keys: Sequence[bytes], predictions: Sequence[bytes | Failure]) -> Sequence[bytes]:
        """Return one line, without its newline, for each pair of a key and a prediction's JSON text.

        A key is what an InputProtocol's text returns. A Failure stands for itself.
        """
        ...


class JsonLineReader:
    """Reads one JSON document a line."""

    line_is_key = True

    def __init__(self, schema: RecordSchema) -> None:
        self.read = schema.decode  # as it is: a method around it would run once a record
        self.value_of = field_text if schema.shows_values else None

    def read_again(self, line: bytes, error: BaseException) -> Any:
        """Return the record of a line that read raised on, where JSON allows more than its reader does.

        Raises the error, or a better one, for all others.
        """
        return read_again(self.read, line, error)

    def text(self, line: bytes) -> bytes:
        """Return the line's own JSON text; a JSON string of the line when it is not JSON."""
        if not is_json(line):
            return json_string(line)
        return _without_tabs(line) if needs_escaping(line) else line


class NanLineReader:
    """Reads one JSON document a line, in which NaN and Infinity may stand as Python writes them.

    NaN is null for the model where its schema takes null, else NaN; what comes back has null.
    """

    line_is_key = False

    def __init__(self, schema: RecordSchema) -> None:
        self.read = schema.decode_nan
        self.value_of = field_text if schema.shows_values else None
        self._lines = JsonLineReader(schema)

    def read_again(self, line: bytes, error: BaseException) -> Any:
        """Return the record of a line that read raised on, as JsonLineReader does."""
        return read_again(self.read, line, error, allow_nan=True)

    def text(self, line: bytes) -> bytes:
        """Return the line's own JSON text with null for NaN; a JSON string of a line that is not JSON."""
        text = without_constants(line)
        return self._lines.text(text if text is not line and is_json(text) else line)


class JsonPairWriter:
    """Writes mrjob's JSON pairs: the input's JSON text, TAB, the prediction; null for a failure."""

    def __init__(self, *, explain: bool) -> None:
        self._explain = explain

    def write(self, keys: Sequence[bytes], predictions: Sequence[bytes | Failure]) -> Sequence[bytes]:
        """Return one pair a line."""
        if are_columns(predictions) and is_text_block(keys):
            after = predictions.documents(b"\t", self._after)
            if after is not None:
                return keys.followed_by(after)
        predictions = list(predictions)
        try:
            return JoinedLines.of_pairs(keys, b"\t", predictions)
        except TypeError:  # a Failure can't be joined
            return JoinedLines.of_pairs(keys, b"\t", list(map(self._text, predictions)))

    def _after(self, text: bytes | Failure) -> bytes:
        return b"\t" + self._text(text)

    def _text(self, text: bytes | Failure) -> bytes:
        return text if isinstance(text, bytes) else self.failed(text)

    def failed(self, failure: Any) -> bytes:
        """Return what stands for a prediction that there isn't."""
        return b'{"error": %b}' % error_text(failure) if self._explain else b"null"


class JsonObjectWriter:
    """Writes one JSON object a line, with input, prediction and error."""

    def __init__(self, *, explain: bool) -> None:
        self._explain = explain

    def write(self, keys: Sequence[bytes], predictions: Sequence[bytes | Failure]) -> list[bytes]:
        """Return one object a line."""
        return [self._line(*pair) for pair in zip(keys, predictions, strict=True)]

    def _line(self, key: bytes, prediction: bytes | Failure) -> bytes:
        if isinstance(prediction, bytes):
            return b'{"input": %b, "prediction": %b, "error": null}' % (key, prediction)
        error = error_text(prediction) if self._explain else b"null"
        return b'{"input": %b, "prediction": null, "error": %b}' % (key, error)


class KeyFieldReader:
    """An input protocol whose lines come back as the chosen fields of their JSON text, each as it was."""

    line_is_key = False

    def __init__(self, protocol: InputProtocol, fields: Sequence[str]) -> None:
        self.read = protocol.read
        if hasattr(protocol, "read_again"):
            self.read_again = protocol.read_again
        self.value_of = getattr(protocol, "value_of", None)
        self._text = protocol.text
        self._lines_are_json = protocol.line_is_key
        self._fields = [(field, json_name(field)) for field in fields]
        self._found = [0] * len(fields)

    def take_key_counts(self) -> list[int]:
        """Return how many lines had each of the fields since this was last asked."""
        found, self._found = self._found, [0] * len(self._fields)
        return found

    def text(self, line: bytes) -> bytes:
        """Return an object of the chosen fields, null for a missing one; all of the line if it is none."""
        try:
            values = decode_fields(self._json(line))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self._text(line)
        for place, (key, _) in enumerate(self._fields):
            self._found[place] += key in values
        return b"{%b}" % b", ".join(
            b"%b: %b" % (name, values.get(key, b"null")) for key, name in self._fields
        )

    def _json(self, line: bytes) -> bytes:
        if not self._lines_are_json or needs_escaping(line):
            return self._text(line)
        line.decode()  # what decode_fields skips, it does not check
        return line


_skim = msgspec.json.Decoder(msgspec.Raw).decode
_strict_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def decode_fields(text: bytes) -> dict[str, msgspec.Raw]:
    r"""Return an object's values as the text that they were written in.

    Half a surrogate pair in a name is its escape, `\ud800`. Raises MsgspecError, RecursionError or
    UnicodeDecodeError for what is no object.
    """
    try:
        return _strict_fields(text)
    except msgspec.MsgspecError:
        marked, mark = marked_half_pairs(text)  # JSON that msgspec is too strict for
        if marked == text:
            raise
    fields, name_mark = _strict_fields(marked), mark.decode()
    return {
        name.replace(name_mark, "\\"): msgspec.Raw(bytes(value).replace(mark, b"\\"))
        for name, value in fields.items()
    }


def field_text(line: bytes, name: str) -> str | None:
    """Return the JSON text of a field of an object; None where there is none."""
    try:
        value = decode_fields(line).get(name)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return None if value is None else bytes(value).decode(errors="backslashreplace")


def needs_escaping(text: bytes) -> bool:
    """Return whether text holds what stands between the parts of a line, a TAB, or may end one, a CR."""
    return b"\t" in text or b"\r" in text


def is_json(text: bytes) -> bool:
    """Return whether text is one JSON document that ordinary parsers read: UTF-8, no NaN, not too deep."""
    try:
        text.decode()
        _skim(text)
    except msgspec.MsgspecError:  # it is too strict for lone surrogates in strings
        return is_python_json(text)
    except (UnicodeDecodeError, RecursionError):
        return False
    return True


def json_name(name: str) -> bytes:
    r"""Return a name as a JSON string; what has no UTF-8, as of an argument, is written as \udcNN."""
    return json_string(name.encode(errors="backslashreplace"))


def json_string(text: bytes) -> bytes:
    r"""Return text as a JSON string; bytes that are not UTF-8 are written as \xNN."""
    return json.dumps(text.decode(errors="backslashreplace"), ensure_ascii=False).encode()


def error_text(failure: Failure) -> bytes:
    """Return a failure as the JSON object that explains it."""
    place = {"at": failure.place} if failure.place else {}
    return json.dumps({"type": failure.kind, "message": failure.message, **place}).encode()


def _without_tabs(text: bytes) -> bytes:
    try:
        return msgspec.json.format(text, indent=-1)
    except (msgspec.DecodeError, RecursionError):
        # JSON that msgspec is too strict for; a raw TAB or CR can only stand between tokens
        return text.replace(b"\t", b"").replace(b"\r", b"")
