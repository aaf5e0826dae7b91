"""The fields of records or of predictions, by their names: at most 200, the names of the rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import msgspec

from model_mapreduce_job.profiles.categories import short
from model_mapreduce_job.profiles.field import Field
from model_mapreduce_job.profiles.values import Values, add_values

MOST_FIELDS: Final = 200
_MOST_NAMES: Final = 1000
_LONGEST_NAME: Final = 200
_DEEPEST: Final = 5


def name_of(key: str) -> str:
    """Return what a field is called: its own name, in JSON's quotes if it has a dot or a quote, or is empty.

    So the field `"a.b"` is another than b of the object a.
    """
    return key if key and "." not in key and '"' not in key else json.dumps(key, ensure_ascii=False)


class Fields(msgspec.Struct):
    """Fields by name; left_out has the names of those over 200, of which at most 1,000 are kept.

    records is for how many records those stand that were added as wholes, since no schema names their fields:
    of these a part may have been picked, and what the fields have is as many as that part stands for.
    A field of an object that is a field itself is called `outer.inner`; the object is a field as well. What
    stands between the dots is as name_of has it.
    """

    kept: dict[str, Field] = {}
    left_out: list[str] = []
    records: int = 0

    def of(self, name: str) -> Field | None:
        """Return the field of this name; None where there are too many."""
        if name in self.kept:
            return self.kept[name]
        name = short(name, _LONGEST_NAME)
        if name in self.kept or len(self.kept) < MOST_FIELDS:
            return self.kept.setdefault(name, Field())
        self._leave_out(name)
        return None

    def merge(self, other: Fields) -> None:
        """Add another's fields."""
        self.records += other.records
        for name, field in other.kept.items():
            if (own := self.of(name)) is not None:
                own.merge(field)
        for name in other.left_out:
            self._leave_out(name)

    def add(self, name: str, values: Values) -> None:
        """Add a field's values, of whatever kinds; without a name, whole records."""
        if not name:
            self.records += values.total * values.picked.weight
        self._add(name, values, _DEEPEST)

    def _add(self, name: str, values: Values, depth: int) -> None:
        kinds = set(map(type, values.values))
        objects = {kind for kind in kinds if issubclass(kind, Mapping)}
        if objects and depth:
            inside = values if kinds == objects else values.those(lambda value: type(value) in objects)
            if name and (field := self.of(name)) is not None:
                field.add_others(inside.total * inside.picked.weight)
            self._add_objects(name, inside, depth - 1)
            if kinds == objects:
                return
            values = values.those(lambda value: type(value) not in objects)
            kinds -= objects
        if (field := self.of(name or "value")) is not None:
            add_values(field, values, kinds)

    def _add_objects(self, name: str, values: Values, depth: int) -> None:
        shapes = dict.fromkeys(map(tuple, values.values))
        for key in dict.fromkeys(key for shape in shapes for key in shape):
            inner = f"{name}.{name_of(str(key))}" if name else name_of(str(key))
            found = [value.get(key) for value in values.values]
            self._add(inner, Values(found, values.picked, values.counts), depth)

    def _leave_out(self, name: str) -> None:
        if name not in self.left_out and len(self.left_out) < _MOST_NAMES:
            self.left_out.append(name)
