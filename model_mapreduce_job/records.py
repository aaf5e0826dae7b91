"""What becomes of a record: a prediction, which is whatever the model answers, or a Failure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

MAX_MESSAGE_CHARACTERS = 1000

# What one record may raise without ending the task: a model that calls sys.exit() is no reason to stop.
RECORD_ERRORS = (Exception, SystemExit)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a record has no prediction.

    kind is the name of the error's type, message its text: one line, of printable characters.
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
        return cls(type(error).__name__, one_line(message))


# A prediction is kept bare: wrapping each in an object of its own would cost more than predicting it.
Outcome: TypeAlias = Any | Failure


@dataclass(frozen=True, slots=True)
class OverlongLine:
    """A line over the limit, of which only the beginning was kept: head, at most 256 bytes."""

    head: bytes


def one_line(message: str) -> str:
    """Return a message on one line, cut at 1,000 characters, with what can't be printed as escapes."""
    line = " ".join(message[: 2 * MAX_MESSAGE_CHARACTERS].split())[:MAX_MESSAGE_CHARACTERS]
    return line if line.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
