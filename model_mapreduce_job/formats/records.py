"""What becomes of a record: its prediction's text, or a Failure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_MESSAGE_CHARACTERS = 1000

# What one record may raise without ending the task. A model that calls sys.exit(), or lets a CancelledError
# or a KeyboardInterrupt of its own escape, is no reason to stop: errors.py knows the exceptions.
RECORD_ERRORS = (BaseException,)

_name_of = type.__dict__["__name__"].__get__


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a record has no prediction.

    kind is the name of the error's type, message its text: one line, of printable characters. place is the
    line of the model's own code that it comes from, as `churn.py:41`, where that is known; failures that
    differ in nothing else are equal.
    """

    kind: str
    message: str
    place: str = field(default="", compare=False)

    @classmethod
    def of(cls, error: BaseException, place: str = "") -> Failure:
        """Return the failure that an error stands for; an error that can't print itself has no message."""
        try:
            message = one_line(str.__str__(str(error)))
        except BaseException:  # noqa: BLE001 - a model's own __str__ may raise anything
            message = ""
        return cls(kind_of(error), message, place)


def kind_of(thing: Any) -> str:
    """Return the name of an object's type, whatever its metaclass says."""
    return str(_name_of(type(thing)))


# A prediction is kept bare: wrapping each in an object of its own would cost more than predicting it.
Outcome: TypeAlias = Any | Failure
Text: TypeAlias = bytes | Failure


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a batch, as they were read from its lines.

    read is the model's own: it may spoil the list and all that is in it. Whoever needs a record after that
    decodes its line again.
    """

    read: list[Any]
    lines: Sequence[bytes]
    decode: Callable[[bytes], Any]

    def again(self, place: int) -> Any:
        """Return a record as nobody has had it before; raises what decoding raises."""
        return self.decode(self.lines[place])


@dataclass(frozen=True, slots=True)
class OverlongLine:
    """A line over the limit, of which only the beginning was kept: head, at most 256 bytes."""

    head: bytes


def one_line(message: str) -> str:
    """Return a message on one line, cut at 1,000 characters, with what can't be printed as escapes."""
    line = " ".join(message[: 2 * MAX_MESSAGE_CHARACTERS].split())[:MAX_MESSAGE_CHARACTERS]
    return line if line.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
