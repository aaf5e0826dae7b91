"""Any prediction as plain values: what JSON has, and what msgspec writes as text; sets in a defined order."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import json
import math
import sys
import uuid
from copy import copy
from itertools import chain
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.formats.array_values import array_value
from model_mapreduce_job.formats.records import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_AS_THEY_ARE = frozenset(
    {str, int, bool, type(None), bytes, bytearray, memoryview, dt.datetime, dt.date, dt.time, dt.timedelta}
    | {uuid.UUID}
)
_LEAVES = _AS_THEY_ARE | {float, decimal.Decimal}
# What msgspec writes by itself, and not always as it's written here.
_MSGSPECS_OWN = (set, frozenset, list, tuple, dict, enum.Enum, msgspec.Struct, msgspec.Raw)
_NOT_FINITE = "it holds NaN or Infinity, which JSON has no number for"


def plain_value(value: Any) -> Any:
    """Return a prediction as plain values. Raises TypeError with the name of a type that can't be written.

    Raises ValueError where it holds NaN or Infinity. An object is known by its type alone: what it says of
    its own class may be a lie.
    """
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is float:
        return _finite(value)
    for base, plain in _BY_BASE:
        if issubclass(kind, base):
            return plain(value)
    return _object(value, kind)


def writes_by_itself(predictions: Iterable[Any]) -> bool:
    """Return whether msgspec's own way to write predictions is that of plain_value, at any depth.

    What msgspec doesn't know goes through plain_value anyway. A level at a time, without Python code for each
    value: predictions may be long lists of numbers.
    """
    level: list[Any] = list(predictions)
    while level:
        kinds = set(map(type, level))
        insides = {kind: _inside_of(kind) for kind in kinds - _LEAVES if not _is_foreign(kind)}
        inner: list[Any] = []
        for kind, inside in insides.items():
            if inside is None:
                return False
            inner.extend(chain.from_iterable(map(inside, level if len(kinds) == 1 else _of(kind, level))))
        level = inner
    return True


def json_text(plain: Any) -> bytes:
    """Return the JSON of plain values, spaced as json.dumps does."""
    try:
        return msgspec.json.format(msgspec.json.encode(plain), indent=0)
    except (TypeError, UnicodeEncodeError):  # keys such as True, and lone surrogates
        return _dumps(msgspec.to_builtins(plain)).encode()


def _of(kind: type, level: list[Any]) -> list[Any]:
    return [value for value in level if type(value) is kind]


def _inside_of(kind: type) -> Callable[[Any], Iterable[Any]] | None:
    """Return how to look into a type that msgspec writes as plain_value does; None for other types."""
    if kind in _CONTAINERS:
        return _CONTAINERS[kind]
    if issubclass(kind, msgspec.Struct):
        return msgspec.structs.astuple
    if issubclass(kind, BaseException) or hasattr(kind, "__pydantic_serializer__"):
        return None
    if hasattr(kind, "__dataclass_fields__") and hasattr(kind, "__dict__") and not hasattr(kind, "__slots__"):
        return lambda value: vars(value).values()
    return None


def _is_foreign(kind: type) -> bool:
    return not issubclass(kind, _MSGSPECS_OWN) and not _has_fields(kind)


def _has_fields(kind: type) -> bool:
    return hasattr(kind, "__dataclass_fields__") or hasattr(kind, "__attrs_attrs__")


def _finite(value: float) -> float:
    if math.isfinite(value):
        return value
    raise ValueError(_NOT_FINITE)


def _decimal(value: decimal.Decimal) -> decimal.Decimal:
    if decimal.Decimal.is_finite(value):
        return decimal.Decimal(value)
    raise ValueError(_NOT_FINITE)


def _mapping(value: dict[Any, Any]) -> dict[Any, Any]:
    return {_key(key): plain_value(inner) for key, inner in dict.items(value)}


def _key(key: Any) -> Any:
    plain = key if type(key) is float else plain_value(key)
    if type(plain) is float and not math.isfinite(plain):
        raise ValueError("it has NaN or Infinity among its keys, which JSON has no number for")
    if type(plain) in {list, dict}:
        raise TypeError(f"it has a {kind_of(key)} among its keys, which are text in JSON")
    return plain


def _list(value: list[Any]) -> list[Any]:
    return list(map(plain_value, list.__getitem__(value, slice(None))))


def _tuple(value: tuple[Any, ...]) -> list[Any] | dict[str, Any]:
    inner = map(plain_value, tuple.__getitem__(value, slice(None)))
    names = getattr(type(value), "_fields", None)
    return dict(zip(names, inner, strict=True)) if names else list(inner)


def _set(value: set[Any] | frozenset[Any]) -> list[Any]:
    own: type[Any] = set if issubclass(type(value), set) else frozenset
    return sorted(map(plain_value, own.__iter__(value)), key=json_text)


def _datetime(value: dt.datetime) -> Any:
    if kind_of(value) == "NaTType":  # pandas' null among times and durations
        return None
    if getattr(value, "nanosecond", 0):
        return value.isoformat()  # pandas', more exact than Python's
    day = dt.date(value.year, value.month, value.day)
    return dt.datetime.combine(day, dt.datetime.timetz(value))


def _timedelta(value: dt.timedelta) -> Any:
    if getattr(value, "nanoseconds", 0):
        return value.isoformat()  # type: ignore[attr-defined]  # pandas' has it
    return dt.timedelta(value.days, value.seconds, value.microseconds)


def _struct(value: msgspec.Struct) -> Any:
    """Return a Struct as its class has it written: under other names, tagged, without its defaults."""
    copied = copy(value)
    for name in type(value).__struct_fields__:
        msgspec.structs.force_setattr(copied, name, plain_value(getattr(value, name)))
    return msgspec.to_builtins(copied)


def _error(value: BaseException) -> Any:
    raise TypeError(f"it holds a {kind_of(value)}")


# How objects of a type, or of one that is made of it, become plain; the first that fits.
_BY_BASE: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (BaseException, _error),
    (enum.Enum, lambda value: plain_value(value.value)),
    (dict, _mapping),
    (list, _list),
    (tuple, _tuple),
    (set, _set),
    (frozenset, _set),
    (str, str.__str__),
    (int, int.__index__),
    (float, lambda value: _finite(float.__float__(value))),
    (bytes, lambda value: bytes.__getitem__(value, slice(None))),
    (decimal.Decimal, _decimal),
    (dt.datetime, _datetime),
    (dt.date, lambda value: dt.date(value.year, value.month, value.day)),
    (dt.timedelta, _timedelta),
    (uuid.UUID, lambda value: uuid.UUID(int=value.int)),
    (PurePath, str),
    (msgspec.Struct, _struct),
    (msgspec.Raw, lambda value: plain_value(msgspec.json.decode(value))),
)
_CONTAINERS: dict[type, Callable[[Any], Iterable[Any]]] = {dict: dict.values, list: iter, tuple: iter}
_dumps = json.JSONEncoder(allow_nan=False).encode


def _object(value: Any, kind: type) -> Any:
    if issubclass(kind, type):
        raise TypeError(f"it holds the class {_name(value)}")
    if hasattr(kind, "__pydantic_serializer__"):
        return plain_value(_pydantic(value, kind))
    if _has_fields(kind):
        return _fields(value, kind)
    if hasattr(kind, "get_secret_value") or _is_text(kind):
        return str.__str__(str(value))
    if hasattr(kind, "dict") and hasattr(kind, "__fields__"):
        return plain_value(value.dict(by_alias=True))  # pydantic's before its version 2
    return plain_value(array_value(value))


def _pydantic(value: Any, kind: Any) -> Any:
    """Return what model_dump(mode="json") does, with sets in a defined order; raise ValueError for NaN."""
    config = getattr(kind, "model_config", None) or getattr(kind, "__pydantic_config__", None) or {}
    by_alias = config.get("serialize_by_alias", True)
    try:
        dumped = value.model_dump(mode="json", by_alias=by_alias)
    except Exception:  # noqa: BLE001 - a dataclass, or a model that holds what pydantic doesn't know
        dumped = _dump(value, kind, "json", by_alias=by_alias)
    text = json_text(plain_value(dumped))
    if any(sign in text for sign in (b"[", b"null", b"NaN", b"Infinity")):
        return _compared(dumped, _dump(value, kind, "python", by_alias=by_alias))
    return dumped


def _dump(value: Any, kind: Any, mode: str, *, by_alias: bool) -> Any:
    return kind.__pydantic_serializer__.to_python(value, mode=mode, by_alias=by_alias, fallback=plain_value)


def _compared(dumped: Any, original: Any) -> Any:
    """Return dumped with each list in order that is a set in the original; raise ValueError for its NaN."""
    if isinstance(original, (set, frozenset)) and isinstance(dumped, list):
        return sorted(dumped, key=json_text)
    if isinstance(original, dict) and isinstance(dumped, dict) and len(original) == len(dumped):
        pairs = zip(dumped.items(), original.values(), strict=True)
        return {key: _compared(inner, its) for (key, inner), its in pairs}
    if isinstance(original, (list, tuple)) and isinstance(dumped, list) and len(original) == len(dumped):
        return [_compared(*pair) for pair in zip(dumped, original, strict=True)]
    if isinstance(original, decimal.Decimal) or (isinstance(original, float) and dumped is None):
        plain_value(original)
    return dumped


def _fields(value: Any, kind: Any) -> dict[str, Any]:
    if hasattr(kind, "__dataclass_fields__"):
        names = [field.name for field in dataclasses.fields(kind)]
    else:
        names = [field.name for field in kind.__attrs_attrs__ if not field.name.startswith("_")]
    return {name: plain_value(getattr(value, name)) for name in names if hasattr(value, name)}


def _is_text(kind: type) -> bool:
    """Return whether a type's str() is what it is in JSON: addresses, and pydantic's URLs."""
    addresses = sys.modules.get("ipaddress")
    if addresses and issubclass(kind, (addresses._IPAddressBase,)):  # noqa: SLF001 - the base of all six
        return True
    return kind.__module__.partition(".")[0] in {"pydantic", "pydantic_core"} and hasattr(kind, "host")


def _name(kind: type) -> str:
    return str(type.__dict__["__qualname__"].__get__(kind))
