"""Lines of an earlier output in JSON: pairs, which --output_protocol json writes, and objects, of ldjson."""

from __future__ import annotations

import json
from itertools import compress, repeat
from operator import add, not_
from operator import methodcaller as calls
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from model_mapreduce_job.formats.earlier_output import EarlierRecord, Reasons, no_such_line
from model_mapreduce_job.formats.errors import extend_until_error
from model_mapreduce_job.formats.protocols import decode_fields, is_json
from model_mapreduce_job.formats.stamp import STAMP

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from model_mapreduce_job.formats.earlier_answers import Answers

_NOT_JSON: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_INPUT: Final = b'{"input": '
_NO_ERROR: Final = b', "error": null}'
_NEITHER: Final = b', "prediction": null, "error": null}'
# A stamp comes last, and the quotes in its own texts are escaped.
_STAMP: Final = b', "%b": {"model_name": ' % STAMP.encode()
_STAMPED: Final = b'{"prediction": '

_skim = msgspec.json.Decoder(msgspec.Raw).decode


class Inputs(Protocol):
    """Knows how the lines of the first input came to be JSON in the output."""

    def line_of(self, key: bytes) -> bytes | None:
        """Return the line that a text was; None of a text that may have been no record."""
        ...


class JsonInputs:
    """Lines of JSON, which come back as they were; what is none comes back as a JSON string."""

    def line_of(self, key: bytes) -> bytes | None:
        """Return the line; None of a string whose text may have been the line."""
        return None if key.lstrip().startswith(b'"') and _may_be_a_line(json.loads(key)) else key


class EarlierPairs(msgspec.Struct, frozen=True):
    """Reads pairs of JSON: the input, TAB, the prediction."""

    answers: Answers
    inputs: Inputs

    def unpredicted(self, lines: list[bytes]) -> list[int]:
        """Return the places of lines without a prediction; raises InputError for what is no pair."""
        keys, _, predictions = zip(*map(calls("partition", b"\t"), lines), strict=True)
        _check_json(predictions, lines, "json", "it is no JSON, TAB, JSON")
        if _STAMP in predictions[0] and predictions[0].startswith(_STAMPED):
            raise no_such_line(lines[0], "json", "it has a stamp, and there is no --stamp")
        found = list(self.answers.lacking(predictions))
        if (kept := _first_kept(found, len(lines))) is not None:
            _check_kept(self.answers, keys[kept], predictions[kept], lines[kept], "json")
        return found

    def record(self, line: bytes) -> EarlierRecord:
        """Return the record of a line without a prediction."""
        key, _, prediction = line.partition(b"\t")
        return _record(key, self.answers, self.answers.reasons(json.loads(prediction)), self.inputs)


class EarlierObjects(msgspec.Struct, frozen=True):
    """Reads objects of input, prediction and error."""

    answers: Answers
    inputs: Inputs

    def unpredicted(self, lines: list[bytes]) -> list[int]:
        """Return the places of lines without a prediction; raises InputError for what is no such object."""
        _check_json(lines, lines, "ldjson", "it is no JSON")
        places = range(len(lines))
        if not all(map(calls("startswith", _INPUT), lines)):
            other = next(line for line in lines if not line.startswith(_INPUT))
            raise no_such_line(other, "ldjson", 'it has no "input"')
        explained = compress(places, map(not_, map(calls("endswith", _NO_ERROR), lines)))
        found = sorted({*explained, *self._unexplained(lines)})
        if (kept := _first_kept(found, len(lines))) is not None:
            members = _members(lines[kept])
            _check_kept(self.answers, members["input"], members["prediction"], lines[kept], "ldjson")
        return found

    def record(self, line: bytes) -> EarlierRecord:
        """Return the record of a line without a prediction."""
        members = _members(line)
        end = b', "prediction": %b, "error": %b}' % (members["prediction"], members["error"])
        if not line.endswith(end):
            raise no_such_line(line, "ldjson", "it is written in another way")
        error = json.loads(members["error"])
        reasons = self.answers.reasons_apart(error) if error else Reasons()
        return _record(line[len(_INPUT) : -len(end)], self.answers, reasons, self.inputs)

    def _unexplained(self, lines: Sequence[bytes]) -> Iterable[int]:
        places = range(len(lines))
        if not self.answers.are_several:
            return compress(places, map(calls("endswith", _NEITHER), lines))
        # one null is that of the error
        candidates = list(compress(places, map((1).__lt__, map(calls("count", b": null"), lines))))
        predictions = [_members(lines[place])["prediction"] for place in candidates]
        return [candidates[at] for at in self.answers.lacking(predictions)]


class StampedEarlier(msgspec.Struct, frozen=True):
    """Reads lines of JSON with a stamp; earlier reads them without it."""

    earlier: EarlierPairs | EarlierObjects

    def unpredicted(self, lines: list[bytes]) -> list[int]:
        """Return the places of lines without a prediction."""
        return self.earlier.unpredicted(self._bare(lines))

    def record(self, line: bytes) -> EarlierRecord:
        """Return the record of a line without a prediction."""
        return self.earlier.record(self._bare([line])[0])

    def _bare(self, lines: list[bytes]) -> list[bytes]:
        heads, stamps, _ = zip(*map(calls("rpartition", _STAMP), lines), strict=True)
        if b"" in stamps:
            line = lines[stamps.index(b"")]
            raise no_such_line(line, "JSON", "it has no stamp, and there is --stamp")
        if isinstance(self.earlier, EarlierObjects):
            return list(map(add, heads, repeat(b"}")))
        return list(map(calls("replace", b"\t" + _STAMPED, b"\t", 1), heads))


def input_of(line: bytes, protocol: str) -> bytes:
    """Return the JSON text of the input in a line of an earlier output; raises InputError for any other."""
    if protocol == "json":
        key, tab, _ = line.partition(b"\t")
        if not (tab and is_json(key)):
            raise no_such_line(line, protocol, "it is no JSON, TAB, JSON")
        return key
    return _members(line)["input"]


def _first_kept(unpredicted: list[int], count: int) -> int | None:
    """Return the first of count places that is not unpredicted, which are in order; None if all are."""
    first = next((at for at, place in enumerate(unpredicted) if at != place), len(unpredicted))
    return first if first < count else None


def _record(key: bytes, answers: Answers, reasons: Reasons, inputs: Inputs) -> EarlierRecord:
    line = inputs.line_of(key)
    if line is None and (failure := reasons.of_no_record(answers.names)):
        return EarlierRecord(key, failure=failure)
    return EarlierRecord(key, key if line is None else line)


def _members(line: bytes) -> dict[str, bytes]:
    try:
        found = decode_fields(line)
    except _NOT_JSON:
        found = {}
    if list(found)[:3] != ["input", "prediction", "error"]:
        raise no_such_line(line, "ldjson", "it has no input, prediction and error")
    return {name: bytes(text) for name, text in found.items()}


def _check_json(texts: Sequence[bytes], lines: Sequence[bytes], protocol: str, reason: str) -> None:
    """Raise InputError where a text is no JSON: its line was cut off, or comes from elsewhere."""
    checked: list[Any] = []
    skimmed = map(_skim, texts)
    while extend_until_error(checked, skimmed, _NOT_JSON) is not None:
        place = len(checked)
        if not is_json(texts[place]):
            raise no_such_line(lines[place], protocol, reason)
        checked.append(None)


def _check_kept(answers: Answers, key: bytes, prediction: bytes, line: bytes, protocol: str) -> None:
    if mistake := answers.mistake_in(key, prediction):
        raise no_such_line(line, protocol, mistake)


def _may_be_a_line(text: str) -> bool:
    """Return whether the text in a JSON string may have been a line that is no JSON."""
    return bool(text.strip()) and "\n" not in text and not is_json(text.encode(errors="backslashreplace"))
