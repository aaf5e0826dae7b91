"""Profiles of numbers at the ends of what floats can say: they can be read again, and claim no mean."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from model_mapreduce_job.profiles.classes import add_by_class
from model_mapreduce_job.profiles.fields import Fields
from model_mapreduce_job.profiles.number_rows import NumberRows
from model_mapreduce_job.profiles.numbers import Numbers
from model_mapreduce_job.profiles.picking import Picked
from model_mapreduce_job.profiles.profile import Profile
from model_mapreduce_job.profiles.values import Values
from model_mapreduce_job.report.page import page_of

HUGE = [1e308, -1e308]
# numpy adds up eight sums side by side: of these one is infinite and another minus infinity
BOTH_WAYS = [*HUGE * 64, 5.0]


def numbers_of(*batches: list[float]) -> Numbers:
    numbers = Numbers()
    for batch in batches:
        numbers.add(np.array(batch), Picked())
    return numbers


def test_a_profile_of_huge_numbers_can_be_read_again_and_shown() -> None:
    fields = Fields()
    fields.add("n", Values(BOTH_WAYS, Picked()))
    profile = Profile(records=len(BOTH_WAYS), inputs=fields)
    add_by_class(profile, [b'"x"'] * len(BOTH_WAYS), NumberRows(["n"], np.array([BOTH_WAYS])), 1)
    again = Profile.from_json(profile.to_json())
    found = again.inputs.kept["n"].numbers
    assert found is not None
    assert (found.count, found.total) == (129, 5.0)
    assert again.classes == profile.classes
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page = page_of(again)
    assert "-1e+308 to 1e+308" in page
    assert not {"nan", "inf"} & set(page.split())


@pytest.mark.parametrize(
    ("batches", "mean"),
    [
        ([BOTH_WAYS], 0.0),
        ([[1e308] * 8], None),
        ([[1e308] * 8, [-1e308] * 8], None),
        ([[-1e308] * 8, [1.0]], None),
        ([[1.0], [-1e308] * 8], None),
        ([[1e308], [-1e308, 3.0]], 0.0),
    ],
)
def test_a_sum_beyond_all_floats_gives_no_mean_whatever_comes_after_it(
    batches: list[list[float]], mean: float | None
) -> None:
    numbers = numbers_of(*batches)
    assert math.isfinite(numbers.total)
    assert numbers.mean == mean if mean is None else numbers.mean == pytest.approx(mean, abs=1e300)
