"""Whether two profiles are of the same input: counts exactly, distributions within the sketches' error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from model_mapreduce_job.profiles.profile import Profile
from model_mapreduce_job.report.drift import drift_of

if TYPE_CHECKING:
    from pathlib import Path

    from model_mapreduce_job.profiles.field import Field
    from model_mapreduce_job.profiles.numbers import Numbers

RANK_ERROR = 0.02


def read(path: Path) -> Profile:
    """Return the profile that a run has written."""
    return Profile.from_json(path.read_bytes())


def assert_same(found: Profile, expected: Profile) -> None:
    """Check that a profile is that of the same input as another one."""
    assert _facts(found) == _facts(expected)
    assert _means(found) == pytest.approx(_means(expected))
    drifts = drift_of(expected, found)
    assert len(drifts) == len(expected.inputs.kept) + len(expected.predictions.kept)
    assert max((each.kolmogorov_smirnov or 0.0) for each in drifts) <= RANK_ERROR


def _facts(profile: Profile) -> dict[str, Any]:
    sides = {"input": profile.inputs, "prediction": profile.predictions}
    return {
        "counts": (profile.records, profile.predicted, profile.failed),
        **{
            f"{side} {name}": _of_field(field)
            for side, fields in sides.items()
            for name, field in fields.kept.items()
        },
        "left out": [fields.left_out for fields in sides.values()],
        "classes": {kind: sorted(means) for kind, means in profile.classes.items()},
    }


def _of_field(field: Field) -> tuple[Any, ...]:
    counts = (field.present, field.failed, field.booleans, field.others)
    texts = field.texts and not field.is_sampled and field.texts.counts()
    different = field.distinct.hashes.tolist()
    return (*counts, texts, different, *map(_of_numbers, (field.numbers, field.lengths, field.sizes)))


def _of_numbers(numbers: Numbers | None) -> tuple[Any, ...]:
    if numbers is None:
        return ()
    return (numbers.count, numbers.nan, numbers.infinite, numbers.least, numbers.greatest)


def _means(profile: Profile) -> dict[str, float | None]:
    fields = {**profile.inputs.kept, **{f"prediction {n}": f for n, f in profile.predictions.kept.items()}}
    return {name: field.numbers.mean for name, field in fields.items() if field.numbers}
