"""Passengers of a ship: what the models beside this file learn from, and the DataFrame that they get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence


class Passenger(TypedDict):
    """One record; unknown values are null."""

    age: float | None
    fare: float | None
    port: str | None


# One dtype for each field, for every batch: nothing is left to be guessed from a batch's values.
DTYPES: Final = {"age": "float64", "fare": "float64", "port": pd.CategoricalDtype(["C", "Q", "S"])}

MISSING: Final = 0.1


def frame(records: Sequence[Passenger]) -> pd.DataFrame:
    """Return records as columns whose dtypes are the same in every batch; null and unknown ports are NaN."""
    return pd.DataFrame(records, columns=list(DTYPES)).astype(DTYPES)


def passengers(count: int, seed: int = 0) -> list[Passenger]:
    """Return records made up by chance, a tenth of their values missing."""
    chance = np.random.default_rng(seed)

    return [_passenger(chance) for _ in range(count)]


def survived(records: Sequence[Passenger]) -> list[int]:
    """Return 1 for each passenger who lived: the young and those who paid much, mostly."""
    return [
        int((row["fare"] or 30) > (row["age"] or 40) * (0.5 if row["port"] == "C" else 1)) for row in records
    ]


def _passenger(chance: np.random.Generator) -> Passenger:
    age, fare = round(chance.uniform(1, 80), 1), round(chance.exponential(30), 2)
    known = [chance.random() > MISSING for _ in DTYPES]
    return {
        "age": age if known[0] else None,
        "fare": fare if known[1] else None,
        "port": str(chance.choice(["C", "Q", "S"])) if known[2] else None,
    }
