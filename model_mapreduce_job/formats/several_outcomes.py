"""What becomes of a record that several models predict: what became of it with each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from model_mapreduce_job.formats.records import Failure, failed_places, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.formats.records import Text


@dataclass(frozen=True, slots=True)
class PartlyFailed(Failure):
    """Why a record lacks the predictions of some models; texts has what became of it with each, in order."""

    texts: tuple[Text, ...] = ()

    @classmethod
    def of_texts(cls, names: Sequence[str], texts: tuple[Text, ...]) -> PartlyFailed:
        """Return the failure of a record that one of these models failed: that of the first which did."""
        first = next(place for place, text in enumerate(texts) if isinstance(text, Failure))
        failure = cast("Failure", texts[first])
        return cls(failure.kind, one_line(f"{names[first]}: {failure.message}"), failure.place, texts)


def joined_outcomes(names: Sequence[str], columns: Sequence[Sequence[Text]]) -> list[Any]:
    """Return a tuple of its texts for each record that no model failed, a PartlyFailed for each other one.

    columns has what became of the records with each model.
    """
    rows: list[Any] = list(zip(*columns, strict=True))
    for place in sorted({place for column in columns for place in failed_places(column)}):
        rows[place] = PartlyFailed.of_texts(names, rows[place])
    return rows


def outcomes_of_each(outcomes: Sequence[Any], models: int) -> list[tuple[Text, ...]]:
    """Return the outcomes of records by model: the columns that joined_outcomes joined.

    A Failure that is no model's own is that of each.
    """
    rows = outcomes
    if set(map(type, outcomes)) != {tuple}:
        rows = [texts_of_each(outcome, models) for outcome in outcomes]
    return list(zip(*rows, strict=True)) or [()] * models


def texts_of_each(outcome: Any, models: int) -> tuple[Text, ...]:
    """Return the outcomes of a record by model."""
    if isinstance(outcome, PartlyFailed):
        return outcome.texts
    return outcome if isinstance(outcome, tuple) else (outcome,) * models
