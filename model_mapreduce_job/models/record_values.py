"""The values of records by field, whatever records of a type are: Structs, mappings or other objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from operator import attrgetter, itemgetter, methodcaller
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Returns the values of each field of records that are all of one type.
Split: TypeAlias = Callable[[list[Any]], "Iterable[list[Any]]"]


def split_of(kind: type, names: Sequence[str]) -> Split:
    """Return the quickest way to the values of records of a type, field by field."""
    if issubclass(kind, msgspec.Struct):
        return _split_structs(kind, names)
    if issubclass(kind, Mapping):
        getters: list[Any] = [methodcaller("get", name) for name in names]
    else:
        getters = [attrgetter(_attribute(kind, name)) for name in names]
    return lambda records: (list(map(get, records)) for get in getters)


def rows_of(kind: type, names: Sequence[str]) -> Callable[[list[Any]], list[Any]] | None:
    """Return what gives the values of records' fields in one list, record by record; None but for Structs."""
    if not issubclass(kind, msgspec.Struct) or len(names) < 2:  # noqa: PLR2004 - of one, itemgetter makes no tuple
        return None
    known = {name: place for place, name in enumerate(kind.__struct_encode_fields__)}
    chosen = itemgetter(*(known[name] for name in names))
    return lambda records: list(chain.from_iterable(map(chosen, map(msgspec.structs.astuple, records))))


def _split_structs(kind: type[msgspec.Struct], names: Sequence[str]) -> Split:
    known = {name: place for place, name in enumerate(kind.__struct_encode_fields__)}
    places = [known[name] for name in names]
    count = len(known)

    def split(records: list[Any]) -> Iterable[list[Any]]:
        values = list(chain.from_iterable(map(msgspec.structs.astuple, records)))
        return (values[place::count] for place in places)

    return split


def _attribute(kind: Any, name: str) -> str:
    """Return what a field of a record is called in objects of this type."""
    fields = getattr(kind, "__pydantic_fields__", None) or getattr(kind, "__fields__", None) or {}
    return next((str(own) for own, info in fields.items() if name in _aliases(info)), name)


def _aliases(info: Any) -> list[Any]:
    """Return the names that pydantic looks for in a record, outermost ones alone."""
    alias = getattr(info, "validation_alias", None) or getattr(info, "alias", None)
    choices = getattr(alias, "choices", [alias])
    return [getattr(choice, "path", [choice])[0] for choice in choices]
