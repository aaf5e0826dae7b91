"""The numbers of a batch: a row for each field of numbers, of which all are added at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from model_mapreduce_job.profiles.field import add_number_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from model_mapreduce_job.profiles.fields import Fields
    from model_mapreduce_job.profiles.picking import Picked


class NumberRows(NamedTuple):
    """The names of fields, and their numbers at the places that were picked, NaN where there is none."""

    names: Sequence[str]
    rows: NDArray[np.float64]

    @classmethod
    def added(
        cls,
        fields: Fields,
        columns: Mapping[str, NDArray[np.float64]],
        missing: Sequence[int],
        picked: Picked,
    ) -> Self:
        """Add columns of as many numbers to the fields of their names; return those that were picked.

        missing says of each in how many places NaN stands for no value.
        """
        found = [(name, fields.of(name), gaps) for name, gaps in zip(columns, missing, strict=True)]
        known = [(name, field, gaps) for name, field, gaps in found if field is not None]
        if not known:
            return cls.none()
        names, own, own_missing = zip(*known, strict=True)
        rows = np.stack([columns[name] for name in names])
        add_number_rows(own, rows, picked, own_missing)
        return cls(names, rows if picked.places is None else rows[:, picked.places])

    def at(self, is_left: NDArray[np.bool_]) -> NumberRows:
        """Return the numbers of some of the records."""
        return NumberRows(self.names, self.rows[:, is_left]) if self.names else self

    @staticmethod
    def together(parts: Sequence[NumberRows]) -> NumberRows:
        """Return those of several batches, all of the same fields, as one."""
        return NumberRows(parts[0].names, np.concatenate([part.rows for part in parts], axis=1))

    @classmethod
    def none(cls) -> Self:
        """Return those of no field."""
        return cls((), np.empty((0, 0)))
