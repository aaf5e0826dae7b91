"""Predictions as JSON text: spaced as json.dumps writes it, and never with a NaN or Infinity in it."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.records import Failure

if TYPE_CHECKING:
    from model_mapreduce_job.records import Outcome

_spaced = partial(msgspec.json.format, indent=0)
_dumps = json.JSONEncoder(allow_nan=False).encode


def prediction_texts(outcomes: list[Outcome]) -> list[bytes | Failure]:
    """Return each outcome's JSON text; a Failure, also for a prediction that JSON can't express.

    A model's answers may hold what JSON libraries know and numpy scalars and arrays, pydantic models,
    dataclasses and Structs. An outcome that is an Exception instance is a failure.
    """
    if Failure in map(type, outcomes):
        written = iter(prediction_texts([outcome for outcome in outcomes if type(outcome) is not Failure]))
        return [outcome if type(outcome) is Failure else next(written) for outcome in outcomes]
    try:
        texts: list[bytes | Failure] = list(map(_spaced, map(_encode, outcomes)))
    except Exception:  # noqa: BLE001 - whatever one of them raised, each is looked at alone
        return list(map(prediction_text, outcomes))
    # msgspec writes NaN and Infinity as null: where no null was written, there was none
    if b"null" in b"".join(texts):  # type: ignore[arg-type]
        return list(map(prediction_text, outcomes))
    return texts


def prediction_text(outcome: Outcome) -> bytes | Failure:
    """Return one outcome's JSON text, or the Failure that it is or that it becomes."""
    if isinstance(outcome, Failure):
        return outcome
    if isinstance(outcome, BaseException):
        return Failure.of(outcome)
    try:
        return _checked_text(outcome)
    except Exception as error:  # noqa: BLE001 - a prediction may be an object of any kind
        return Failure("PredictionError", f"The prediction can't be written as JSON: {error}")


def _checked_text(outcome: Any) -> bytes:
    plain = msgspec.to_builtins(outcome, enc_hook=_plain, str_keys=True)
    if number := _not_finite(plain):
        raise ValueError(f"it holds {number}, which JSON has no number for")
    return _dumps(plain).encode("ascii")


def _not_finite(value: Any) -> str | None:
    """Return the first NaN or Infinity in a value, as text; None when there is none."""
    if isinstance(value, float):
        return None if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return next(filter(None, map(_not_finite, value.values())), None)
    if isinstance(value, list | tuple):
        return next(filter(None, map(_not_finite, value)), None)
    return None


def _plain(value: Any) -> Any:
    """Return what JSON libraries can write in place of an object that they don't know."""
    if isinstance(value, BaseException | Failure):
        raise TypeError(f"{type(value).__name__} is no prediction")
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if hasattr(value, "tolist"):
        return value.tolist()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"it holds a {type(value).__name__}")


_encode = msgspec.json.Encoder(enc_hook=_plain).encode
