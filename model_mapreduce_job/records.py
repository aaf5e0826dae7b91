"""What becomes of a record: a prediction, which is whatever the model answers, or a Failure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

MAX_MESSAGE_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a record has no prediction.

    kind is the name of the error's type, message its text, cut at 1,000 characters.
    """

    kind: str
    message: str

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Return the failure that an error stands for; an error that can't print itself has no message."""
        try:
            message = str(error)
        except Exception:  # noqa: BLE001 - a model's own __str__ may raise anything
            message = ""
        return cls(type(error).__name__, message[:MAX_MESSAGE_CHARACTERS])


# A prediction is kept bare: wrapping each in an object of its own would cost more than predicting it.
Outcome: TypeAlias = Any | Failure


@dataclass(frozen=True, slots=True)
class OverlongLine:
    """A line over the limit, of which only the beginning was kept: head, its first 256 bytes."""

    head: bytes
