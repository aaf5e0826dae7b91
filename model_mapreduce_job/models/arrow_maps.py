"""Arrow's maps: dicts to models that take records, pairs of keys and values to Arrow."""

from __future__ import annotations

from typing import Any

import msgspec
import pyarrow as pa


def has_maps(kind: pa.DataType) -> bool:
    """Return whether a type has maps in it, at any depth."""
    return pa.types.is_map(kind) or any(map(has_maps, _inner(kind)))


def as_dicts(value: Any, kind: pa.DataType) -> Any:
    """Return a value with a dict for each map; raises ValueError for a key that comes twice."""
    if value is None or not has_maps(kind):
        return value
    if pa.types.is_map(kind):
        pairs = [(key, as_dicts(item, kind.item_type)) for key, item in value]
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a key of a map comes twice")
        return found
    return _within(value, kind, as_dicts)


def as_pairs(value: Any, kind: pa.DataType) -> Any:
    """Return a value with pairs for each dict that is a map."""
    if value is None or value is msgspec.UNSET or not has_maps(kind):
        return value
    if pa.types.is_map(kind):
        return [(key, as_pairs(item, kind.item_type)) for key, item in dict(value).items()]
    return _within(value, kind, as_pairs)


def _within(value: Any, kind: pa.DataType, turn: Any) -> Any:
    if pa.types.is_struct(kind):
        types = {field.name: field.type for field in kind}
        return {name: turn(inner, types[name]) if name in types else inner for name, inner in value.items()}
    return [turn(inner, kind.value_type) for inner in value]


def _inner(kind: pa.DataType) -> list[pa.DataType]:
    if pa.types.is_struct(kind):
        return [field.type for field in kind]
    return [kind.value_type] if pa.types.is_nested(kind) and hasattr(kind, "value_type") else []
