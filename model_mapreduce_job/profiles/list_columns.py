"""Records in a list into fields' sketches, a field at a time, as the schema says what its values are."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import UNSET, UnsetType

from model_mapreduce_job.models.fields import NUMBERS
from model_mapreduce_job.models.record_values import split_of
from model_mapreduce_job.profiles.fields import name_of
from model_mapreduce_job.profiles.number_rows import NumberRows
from model_mapreduce_job.profiles.picking import Picked
from model_mapreduce_job.profiles.values import Values

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from model_mapreduce_job.models.fields import Field as SchemaField
    from model_mapreduce_job.profiles.fields import Fields
    from model_mapreduce_job.profiles.picked_texts import PickedTexts

_NULL = frozenset({"null"})
_OF_TEXTS = {str, type(None), UnsetType}


class ListColumns:
    """Adds records of a list; fields has what their schema says, nothing where there is none."""

    def __init__(self, fields: Sequence[SchemaField]) -> None:
        self._fields = {name_of(field.name): field for field in fields}
        self._are_numbers = {name for name, field in self._fields.items() if _is_of(field, NUMBERS)}

    def add_to(self, fields: Fields, records: list[Any], picked: Picked, texts: PickedTexts) -> NumberRows:
        """Add records, and return the numbers of those that were picked.

        Of numbers that the schema names all are looked at; of other values those picked.
        """
        if not records or not self._fields:
            fields.add("", Values(picked.of_list(records), Picked(None, picked.rate)))
            return NumberRows.none()
        return self._add_columns(fields, records, picked, texts)

    def _add_columns(
        self, fields: Fields, records: list[Any], picked: Picked, texts: PickedTexts
    ) -> NumberRows:
        kind = type(records[0])  # a schema with fields has records of one type
        columns = split_of(kind, [field.name for field in self._fields.values()])(records)
        may_be_unset = UNSET in getattr(kind, "__struct_defaults__", ())
        numbers: dict[str, NDArray[np.float64]] = {}
        missing: list[int] = []
        for (name, field), values in zip(self._fields.items(), columns, strict=True):
            own = fields.of(name)
            found = _floats(values) if name in self._are_numbers else None
            if found is not None:
                numbers[name], gaps = found
                missing.append(gaps)
            elif own is not None:
                present = len(values) - _missing(field, values, may_be_unset=may_be_unset)
                chosen = picked.of_list(values)
                if _is_of(field, {"string"}) and set(map(type, chosen)) <= _OF_TEXTS:
                    texts.add(name, [value for value in chosen if type(value) is str], present)
                else:
                    present += own.present
                    fields.add(name, Values(chosen, Picked(None, picked.rate)))
                    own.present = present
        return NumberRows.added(fields, numbers, missing, picked)


def _is_of(field: SchemaField, kinds: AbstractSet[str]) -> bool:
    return bool(field.types - _NULL) and field.types - _NULL <= kinds


def _floats(values: list[Any]) -> tuple[NDArray[np.float64], int] | None:
    """Return numbers as an array, NaN for None, and how many are None; None where one is no number."""
    with suppress(struct.error, OverflowError):
        # of the ways measured, the quickest for a list of numbers alone
        return np.frombuffer(struct.pack(f"{len(values)}d", *values)), 0
    for known in (values, (None if value is UNSET else value for value in values)):
        with suppress(OverflowError, TypeError, ValueError):
            found = list(known)
            numbers = np.array(found, np.float64)
            return numbers, [found[place] for place in np.flatnonzero(np.isnan(numbers)).tolist()].count(None)
    return None


def _missing(field: SchemaField, values: list[Any], *, may_be_unset: bool) -> int:
    """Return how many of the values are none, without a look at them where the schema says it."""
    if field.required and field.types and "null" not in field.types:
        return 0
    return values.count(None) + (values.count(UNSET) if may_be_unset else 0)
