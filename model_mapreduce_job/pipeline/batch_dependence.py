"""Whether a record's prediction depends on the batch that it is in: a few records asked again, each alone."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.exceptions import MachineFaultError, ModelContractError
from model_mapreduce_job.formats.records import Failure, Records, Text, kind_of, one_line
from model_mapreduce_job.pipeline.model_copies import copies_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Ask = Callable[[Records], Sequence[Text]]

_MOST_RECORDS = 16
# Sums of float32 come out a little different in another shape of batch; what is meant here is far more.
_RELATIVE, _ABSOLUTE = 1e-4, 1e-6
_DIGITS = 5
_SHOWN_CHARACTERS = 60


class Sample(msgspec.Struct, frozen=True):
    """A few records of a batch, what came out for them there, and by which method of the model."""

    records: Records
    texts: Sequence[Text]
    method: str = "predict_batch"

    def check(self, model: Any, ask_with: Callable[[Any], Ask]) -> str:
        """Return in words the first record that gets another answer alone; nothing when there's none.

        Nothing also for a model that answers something else each time. Asks a copy of the model that answers
        at all, in the way that ask_with returns for it. Raises ModelContractError when the answers come in
        another order than the records.
        """
        try:
            for copied in copies_of(model):
                ask = ask_with(copied)
                if self._ends_are_alike(ask):
                    return ""
                together = self._ask(ask, range(len(self.texts)))
                if not all(isinstance(text, Failure) for text in together):
                    return self._compare(ask, together, kind_of(model))
        except MachineFaultError:
            return ""  # nobody waits for an answer to this, and the next record will meet it as well
        return ""

    def _ask(self, ask: Ask, places: range) -> list[Text]:
        return list(ask(self.records.part(places)))

    def _alone(self, ask: Ask, places: Sequence[int]) -> list[Text]:
        return [self._ask(ask, range(place, place + 1))[0] for place in places]

    def _ends_are_alike(self, ask: Ask) -> bool:
        """Return whether the first and the last record get the same answers alone: then all is well."""
        ends = [0, len(self.texts) - 1]
        return all(map(alike, self._alone(ask, ends), [self.texts[end] for end in ends]))

    def _compare(self, ask: Ask, together: list[Text], name: str) -> str:
        everywhere = range(len(self.texts))
        alone = self._alone(ask, everywhere)
        if not all(map(alike, alone, self._alone(ask, everywhere))):
            return ""
        _check_order(together, alone, f"{name}.{self.method}")
        return _first_difference(self.texts, alone, name)


def take_sample(records: Records, part: range, texts: Sequence[Text], method: str) -> Sample | None:
    """Return a sample of a part of a batch, if it can show anything: when its ends got different answers."""
    first, last = texts[0], texts[-1]
    if first == last or not (isinstance(first, bytes) and isinstance(last, bytes)):
        return None
    half = _MOST_RECORDS // 2
    chosen = list(range(len(texts)))
    if len(chosen) > _MOST_RECORDS:
        chosen = chosen[:half] + chosen[-half:]
    return Sample(records.part([part[place] for place in chosen]), [texts[place] for place in chosen], method)


def alike(one: Text, other: Text) -> bool:
    """Return whether two outcomes are the same, but for the last digits of their numbers."""
    if isinstance(one, Failure) or isinstance(other, Failure):
        return isinstance(one, Failure) and isinstance(other, Failure) and one.kind == other.kind
    return one == other or _close(json.loads(one), json.loads(other))


def _close(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return all(map(_close, one, other))
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return all(_close(one[key], other[key]) for key in one)
    return bool(one == other)


def _check_order(together: Sequence[Text], alone: Sequence[Text], name: str) -> None:
    if all(map(alike, together, alone)) or sorted(map(_rough, together)) != sorted(map(_rough, alone)):
        return
    raise ModelContractError(
        f"{name} answers in another order than its records: "
        f"{_some(together)} together, {_some(alone)} one at a time. It must keep the order."
    )


def _rough(text: Text) -> str:
    if isinstance(text, Failure):
        return text.kind
    return json.dumps(json.loads(text, parse_float=lambda digits: float(f"{float(digits):.{_DIGITS}g}")))


def _first_difference(texts: Sequence[Text], alone: Sequence[Text], name: str) -> str:
    for together, by_itself in zip(texts, alone, strict=True):
        if not alike(together, by_itself):
            return (
                f"{name} answers by the batch: a record came out as {_shown(together)} among others, as "
                f"{_shown(by_itself)} alone. Its prediction depends on which records share its batch."
            )
    return ""


def _some(texts: Sequence[Text]) -> str:
    return ", ".join(map(_shown, texts[:4]))


def _shown(text: Text) -> str:
    words = f"{text.kind}: {text.message}" if isinstance(text, Failure) else text.decode(errors="replace")
    return one_line(words)[:_SHOWN_CHARACTERS]
