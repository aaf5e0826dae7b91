"""Predictions as JSON text: spaced as json.dumps writes it, and never with a NaN or Infinity in it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, cast

import msgspec

from model_mapreduce_job.formats.errors import check_error, extend_until_error, place_of
from model_mapreduce_job.formats.plain_values import json_text, plain_value, writes_by_itself
from model_mapreduce_job.formats.records import MAX_MESSAGE_CHARACTERS, Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.formats.records import Outcome

_FAILURES = (Failure, BaseException)
# Parts the texts of a batch: a byte that hardly any prediction holds, as a JSON document.
_RARE = b"\x7f"
_SEPARATOR = b'"%b"' % _RARE
_SINGLE = frozenset({str, int, float, bool, type(None)})
# A text written alone costs several times what one among many does.
_FEW = 16
_LOOK = 64


def prediction_texts(outcomes: Sequence[Outcome]) -> list[bytes | Failure]:
    """Return each outcome's JSON text; a Failure for an Exception, and for what JSON can't express.

    A prediction may hold whatever plain_values knows. Its text does not depend on the others', and is written
    now: what becomes of the model's objects later doesn't matter.
    """
    shared = _texts_of_few(outcomes)
    return _texts_of_many(outcomes) if shared is None else shared


def _texts_of_few(outcomes: Sequence[Outcome]) -> list[bytes | Failure] | None:
    """Return the texts of outcomes that are a few objects again and again, as a classifier's may be.

    Each object is written once. None when there are too many of them for that to pay.
    """
    if len(set(map(id, outcomes[:_LOOK]))) > _FEW + _LOOK // _FEW:
        return None  # as would show below, after more than that were written
    known: dict[int, bytes | Failure] = {}
    texts: list[bytes | Failure] = []
    found = map(known.__getitem__, map(id, outcomes))
    while extend_until_error(texts, found, KeyError) is not None:
        if len(known) > _FEW + len(texts) // _FEW:
            return None
        outcome = outcomes[len(texts)]
        text = known[id(outcome)] = prediction_text(outcome)
        texts.append(text)
    return texts


def _texts_of_many(outcomes: Sequence[Outcome]) -> list[bytes | Failure]:
    if any(issubclass(kind, _FAILURES) for kind in set(map(type, outcomes))):
        texts = iter(_texts_of_many([outcome for outcome in outcomes if not _is_failure(outcome)]))
        return [_failure(outcome) if _is_failure(outcome) else next(texts) for outcome in outcomes]
    try:
        return _all_at_once(outcomes)
    except BaseException as error:  # noqa: BLE001 - whatever one of them raised, each is looked at alone
        check_error(error, os.getpid())
        return list(map(prediction_text, outcomes))


def _all_at_once(predictions: Sequence[Any]) -> list[bytes | Failure]:
    """Return the texts of predictions; raise when one of them can't be written, or not at once."""
    lines = _encoder.encode_lines(predictions)
    if _RARE in lines or not _is_right(lines, predictions):
        raise ValueError("the texts can't be separated, or msgspec writes them in another way")
    return cast("list[bytes | Failure]", _spaced(lines))


def spaced_texts(lines: bytes) -> list[bytes]:
    """Return lines of JSON one by one, spaced as json.dumps does it; each ends with a newline."""
    if _RARE in lines:
        return [msgspec.json.format(line, indent=0) for line in lines.split(b"\n")[:-1]]
    return _spaced(lines)


def _spaced(lines: bytes) -> list[bytes]:
    spaced = msgspec.json.format(b"[%b0]" % lines.replace(b"\n", b",%b," % _SEPARATOR), indent=0)
    return spaced[1:].split(b", %b, " % _SEPARATOR)[:-1]


def _is_right(text: bytes, predictions: Sequence[Any]) -> bool:
    """Return whether msgspec's text of predictions is what plain_value makes of them."""
    if b"null" in text and _may_hold_nan(predictions):
        return False
    if b"NaN" in text or b"Infinity" in text:  # Decimals
        return False
    if b'nan":' in text or b'inf":' in text:  # keys
        return False
    return _is_flat(text, predictions) or writes_by_itself(predictions)


def _is_flat(text: bytes, predictions: Sequence[Any]) -> bool:
    """Return whether predictions are dicts of single values alone, or single values, as most are."""
    if b"[" in text:
        return False
    kinds = set(map(type, predictions))
    return kinds <= _SINGLE or (kinds == {dict} and text.count(b"{") == len(predictions))


def _may_hold_nan(predictions: Sequence[Any]) -> bool:
    """Return false where no NaN or Infinity is, which msgspec's JSON has as null; true where one may be."""
    try:
        packed = _packer.encode(predictions)
    except OverflowError:  # it knows no integers over 64 bits
        return True
    # MessagePack writes them as a float64 whose exponent is all ones, and little else looks like that
    return b"\xcb\x7f" in packed or b"\xcb\xff" in packed


def predictions_of(texts: Sequence[bytes]) -> list[Any]:
    """Return the predictions that texts have which were written here."""
    try:
        return _decoder.decode_lines(b"\n".join(texts))
    except msgspec.MsgspecError:  # half a surrogate pair, or an integer of many digits
        return list(map(json.loads, texts))


def prediction_text(outcome: Outcome) -> bytes | Failure:
    """Return an outcome's JSON text; a Failure for an Exception, and for what JSON can't express."""
    if _is_failure(outcome):
        return _failure(outcome)
    pid = os.getpid()
    try:
        return _text(outcome)
    except BaseException as error:  # noqa: BLE001 - a prediction may be an object of any kind
        check_error(error, pid)
        message = f"The prediction can't be written as JSON: {Failure.of(error).message}"
        return Failure("PredictionError", message.removesuffix(": ")[:MAX_MESSAGE_CHARACTERS])


def _text(prediction: Any) -> bytes:
    try:
        text = _encoder.encode(prediction)
        if _is_right(text, [prediction]):
            return msgspec.json.format(text, indent=0)
    except Exception:  # noqa: BLE001, S110 - with more care it may be JSON, or says better why not # nosec B110
        pass
    return json_text(plain_value(prediction))


def _is_failure(outcome: Outcome) -> bool:
    return issubclass(type(outcome), _FAILURES)


def _failure(outcome: Failure | BaseException) -> Failure:
    return outcome if isinstance(outcome, Failure) else Failure.of(outcome, place_of(outcome))


_encoder = msgspec.json.Encoder(enc_hook=plain_value)
_decoder = msgspec.json.Decoder()
_packer = msgspec.msgpack.Encoder(enc_hook=plain_value)
