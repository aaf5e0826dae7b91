"""Loan applications made up from a seed: what the model is trained on, and what the benchmark predicts."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wide_model.loan_application import CATEGORIES, NUMBERS

MISSING_SHARE = 0.05

Maker = Callable[[np.random.Generator, int], NDArray[np.float64]]


def _between(low: float, high: float, decimals: int) -> Maker:
    return lambda rng, rows: rng.uniform(low, high, rows).round(decimals)


def _skewed(median: float, spread: float, decimals: int) -> Maker:
    return lambda rng, rows: rng.lognormal(np.log(median), spread, rows).round(decimals)


def _count(mean: float) -> Maker:
    return lambda rng, rows: rng.poisson(mean, rows).astype(np.float64)


NUMBER_MAKERS: dict[str, Maker] = {
    "age": _between(18, 80, 0),
    "income": _skewed(38_000, 0.5, 2),
    "loan_amount": _skewed(14_000, 0.8, 2),
    "loan_term_months": _between(6, 120, 0),
    "interest_rate": _between(0.01, 0.19, 4),
    "employment_months": _skewed(60, 0.9, 0),
    "debt_ratio": _between(0, 0.9, 3),
    "open_accounts": _count(4),
    "late_payments": _count(0.6),
    "card_utilisation": _between(0, 1, 3),
    "savings_balance": _skewed(6_000, 1.2, 2),
    "recent_inquiries": _count(1.1),
    "dependents": _count(0.9),
    "address_months": _skewed(50, 0.9, 0),
}


@dataclass(frozen=True, slots=True)
class Applications:
    """Columns of `rows` applications: NaN is a missing number, the empty text a missing category."""

    numbers: NDArray[np.float64]  # (rows, 14), in the order of NUMBERS
    categories: NDArray[np.object_]  # (rows, 6), in the order of CATEGORIES


def synthetic_applications(rows: int, seed: int, missing_share: float = MISSING_SHARE) -> Applications:
    """Make `rows` applications; `missing_share` of the values of each field are missing."""
    rng = np.random.default_rng(seed)
    numbers = np.column_stack([NUMBER_MAKERS[name](rng, rows) for name in NUMBERS])
    numbers[rng.random(numbers.shape) < missing_share] = np.nan
    columns = [rng.choice(np.array(words, dtype=object), rows) for words in CATEGORIES.values()]
    categories = np.column_stack(columns)
    categories[rng.random(categories.shape) < missing_share] = ""
    return Applications(numbers, categories)


def default_labels(applications: Applications, seed: int) -> NDArray[np.int64]:
    """Draw for each application whether it went bad (1) or not (0), by a rule with noise."""
    column = dict(zip(NUMBERS, np.nan_to_num(applications.numbers.T, nan=0.0), strict=True))
    words = dict(zip(CATEGORIES, applications.categories.T, strict=True))
    rows = len(applications.numbers)
    burden = column["loan_amount"] / (column["income"] + 10_000)
    logit = (
        2.5 * column["debt_ratio"]
        + 0.8 * column["late_payments"]
        + 1.5 * column["card_utilisation"] * (column["recent_inquiries"] > 1)
        + 0.9 * burden
        - 0.01 * column["employment_months"]
        - 0.00002 * column["savings_balance"]
        + 1.2 * np.isin(words["employment"], ["unemployed", "student"])
        + 0.7 * (words["purpose"] == "business") * (words["housing"] != "owner")
        - 2.6
    )
    # Not the stream that made the applications: the draws must not follow from the fields.
    draws = np.random.default_rng([seed, 1]).random(rows)
    went_bad: NDArray[np.bool_] = draws < 1 / (1 + np.exp(-logit))
    return went_bad.astype(np.int64)
