"""The predictions in an earlier output: which models have answered, and whether these are the run's."""

from __future__ import annotations

from itertools import compress
from operator import methodcaller as calls
from typing import TYPE_CHECKING, Any, Final

import msgspec

from model_mapreduce_job.formats.earlier_output import Reasons, failure_of_json
from model_mapreduce_job.formats.protocols import decode_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from model_mapreduce_job.models.fields import Field

# How the text of a failure begins, with or without its reason.
_FAILED: Final = (b"null", b'{"error": {"type": "')


class Answers(msgspec.Struct, frozen=True):
    """What is known of the run's models: their names, the fields that they need and those that they answer.

    A prediction of one is its answer; of several, an object by their names. What is not known is empty.
    """

    names: tuple[str, ...]
    needed: tuple[Field, ...] = ()
    answered: frozenset[str] = frozenset()

    @property
    def are_several(self) -> bool:
        """Whether there is more than one model."""
        return len(self.names) > 1

    def lacking(self, predictions: Sequence[bytes]) -> Iterable[int]:
        """Return the places of the predictions that a model has failed, or has answered with null."""
        places = range(len(predictions))
        if not self.are_several:
            return compress(places, map(calls("startswith", _FAILED), predictions))
        candidates: set[int] = set()
        for start in _FAILED:
            candidates.update(compress(places, map(calls("__contains__", b": " + start), predictions)))
        return [place for place in sorted(candidates) if self._lacks(predictions[place])]

    def reasons(self, prediction: Any) -> Reasons:
        """Return why there is no prediction, where the place of it says so."""
        answers = list(prediction.values()) if self.are_several and prediction else [prediction]
        errors = [answer.get("error") for answer in answers if isinstance(answer, dict)]
        return Reasons(tuple(failure_of_json(error) for error in errors if isinstance(error, dict)))

    def reasons_apart(self, error: dict[str, Any]) -> Reasons:
        """Return why there is no prediction, by an object that stands beside it."""
        return Reasons(tuple(map(failure_of_json, error.values() if self.are_several else [error])))

    def mistake_in(self, key: bytes, prediction: bytes) -> str:
        """Return why a line with a prediction can't be one of these models'; nothing where it may be."""
        there, answered = names_in(key), names_in(prediction)
        lacking = [each.name for each in self.needed if there and not {*each.names} & {*there}]
        if lacking:
            return f"the model needs {', '.join(lacking)}, which an output made with --key may not have"
        if self.are_several:
            return (
                "" if answered == self.names else f"it has not a prediction each of {', '.join(self.names)}"
            )
        if answered and self.answered and self.answered.isdisjoint(answered):
            return f"the model answers {', '.join(sorted(self.answered))}"
        return ""

    def _lacks(self, prediction: bytes) -> bool:
        values = map(bytes, decode_fields(prediction).values())
        return any(map(calls("startswith", _FAILED), values))


def names_in(text: bytes) -> tuple[str, ...]:
    """Return the names in a JSON object; none where it is no object."""
    try:
        return tuple(decode_fields(text))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ()
