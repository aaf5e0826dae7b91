"""Predictions as JSON text: spaced as json.dumps writes it, and never with a NaN or Infinity in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import msgspec

from model_mapreduce_job.records import Failure, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.records import Outcome

_FAILURES = (Failure, BaseException)
# Parts the texts of a batch: a byte that hardly any prediction holds, as a JSON document.
_RARE = b"\x7f"
_SEPARATOR = b'"%b"' % _RARE
# A text written alone costs several times what one among many does.
_FEW = 16


def prediction_texts(outcomes: Sequence[Outcome]) -> list[bytes | Failure]:
    """Return each outcome's JSON text; a Failure for an Exception, and for what JSON can't express.

    A prediction may hold what msgspec can write, numpy scalars and arrays, and pydantic models. Its text
    does not depend on the others'.
    """
    shared = _texts_of_few(outcomes)
    return _texts_of_many(outcomes) if shared is None else shared


def _texts_of_few(outcomes: Sequence[Outcome]) -> list[bytes | Failure] | None:
    """Return the texts of outcomes that are a few objects again and again, as a classifier's may be.

    Each object is written once. None when there are too many of them for that to pay.
    """
    known: dict[int, bytes | Failure] = {}
    texts: list[bytes | Failure] = []
    found = map(known.__getitem__, map(id, outcomes))
    while len(texts) < len(outcomes):
        try:
            texts.extend(found)  # goes on behind the outcome that was not known
        except KeyError:
            if len(known) > _FEW + len(texts) // _FEW:
                return None
            outcome = outcomes[len(texts)]
            text = known[id(outcome)] = _text_or_failure(outcome)
            texts.append(text)
    return texts


def _texts_of_many(outcomes: Sequence[Outcome]) -> list[bytes | Failure]:
    if any(issubclass(kind, _FAILURES) for kind in set(map(type, outcomes))):
        texts = iter(_texts_of_many([outcome for outcome in outcomes if not isinstance(outcome, _FAILURES)]))
        return [_failure(outcome) if isinstance(outcome, _FAILURES) else next(texts) for outcome in outcomes]
    try:
        return _all_at_once(outcomes)
    except Exception:  # noqa: BLE001 - whatever one of them raised, each is looked at alone
        return list(map(_text_or_failure, outcomes))


def _all_at_once(predictions: Sequence[Any]) -> list[bytes | Failure]:
    """Return the texts of predictions; raise when one of them can't be written, or may not be."""
    lines = _encoder.encode_lines(predictions)
    if _RARE in lines or (b"null" in lines and _may_hold_nan(predictions)):
        raise ValueError("not to be told apart, or not JSON")
    spaced = msgspec.json.format(b"[%b0]" % lines.replace(b"\n", b",%b," % _SEPARATOR), indent=0)
    return cast("list[bytes | Failure]", spaced[1:].split(b", %b, " % _SEPARATOR)[:-1])


def _may_hold_nan(predictions: Sequence[Any]) -> bool:
    """Return false where no NaN or Infinity is, which msgspec's JSON has as null; true where one may be."""
    try:
        packed = _packer.encode(predictions)
    except OverflowError:  # it knows no integers over 64 bits
        return True
    # MessagePack writes them as a float64 whose exponent is all ones, and little else looks like that
    return b"\xcb\x7f" in packed or b"\xcb\xff" in packed


def _text_or_failure(outcome: Outcome) -> bytes | Failure:
    if isinstance(outcome, _FAILURES):
        return _failure(outcome)
    try:
        return _text(outcome)
    except Exception as error:  # noqa: BLE001 - a prediction may be an object of any kind
        return Failure("PredictionError", one_line(f"The prediction can't be written as JSON: {error}"))


def _text(prediction: Any) -> bytes:
    try:
        text = _encoder.encode(prediction)
    except (TypeError, UnicodeEncodeError):
        return _strictly(prediction)
    if b"null" in text and _may_hold_nan([prediction]):
        _strictly(prediction)
    return msgspec.json.format(text, indent=0)


def _strictly(prediction: Any) -> bytes:
    """Return the text by the standard library, which also writes True as a key; raise ValueError for NaN."""
    plain = msgspec.to_builtins(prediction, enc_hook=_plain)
    try:
        return _dumps(plain).encode()
    except ValueError as error:
        raise ValueError("it holds NaN or Infinity, which JSON has no number for") from error


def _failure(outcome: Failure | BaseException) -> Failure:
    return outcome if isinstance(outcome, Failure) else Failure.of(outcome)


def _plain(value: Any) -> Any:
    """Return what msgspec can write in place of an object that it doesn't know."""
    if hasattr(value, "tolist"):
        return value.tolist()  # numpy's
    if hasattr(value, "model_dump"):
        return value.model_dump(by_alias=True)  # pydantic's
    if hasattr(value, "dict"):
        return value.dict(by_alias=True)  # pydantic's before its version 2
    raise TypeError(f"it holds a {type(value).__name__}")


_encoder = msgspec.json.Encoder(enc_hook=_plain)
_packer = msgspec.msgpack.Encoder(enc_hook=_plain)
_dumps = json.JSONEncoder(allow_nan=False).encode
