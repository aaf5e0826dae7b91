"""The classes, field names and constraints in a record's type, at any depth."""

from __future__ import annotations

import dataclasses
import functools
import operator
import sys
from functools import lru_cache
from types import FunctionType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

_PYDANTIC = frozenset({"pydantic", "pydantic_core", "annotated_types", "pydantic_extra_types"})
_PYDANTIC_CLASS = ("__pydantic_core_schema__", "__pydantic_config__", "__get_pydantic_core_schema__")
# Remarks in Annotated[...] that are for people, also those of PEP 727.
_REMARKS = (str, bytes, int, float, type(None))
_REMARK_NAMES = frozenset({"Doc", "DocInfo"})


class TypeParts(msgspec.Struct):
    """The parts of a type. names has its fields' names, as the same string objects that its classes have.

    pydantic and meta have one constraint each of pydantic's and of msgspec's kind, if there is one; problems
    has what neither library would check.
    """

    pydantic: Any = None
    meta: Any = None
    names: list[str] = msgspec.field(default_factory=list)
    problems: list[str] = msgspec.field(default_factory=list)


def parts_of(schema: Any) -> TypeParts:
    """Return the parts of a type; none for a type that can't be inspected."""
    return _parts_of_class(schema) if keeps_its_fields(schema) else _parts_of(schema)


def keeps_its_fields(schema: Any) -> bool:
    """Return whether a schema is a class whose fields are the same whenever it is asked for them."""
    return isinstance(schema, type) and (issubclass(schema, msgspec.Struct) or is_typeddict(schema))


def _parts_of(schema: Any) -> TypeParts:
    parts = TypeParts()
    for part, is_metadata in _walk(schema):
        if is_metadata:
            _add_metadata(parts, part)
        elif isinstance(part, type):
            _add_class(parts, part)
    return parts


# A run asks a dozen times, and each look at thousands of fields takes a while.
_parts_of_class = lru_cache(maxsize=32)(_parts_of)


def is_record_class(schema: Any) -> bool:
    """Return whether a schema is a class whose fields are the record's, and not a validator object."""
    return isinstance(schema, type) and (
        is_typeddict(schema)
        or dataclasses.is_dataclass(schema)
        or issubclass(schema, msgspec.Struct)
        or hasattr(schema, "__attrs_attrs__")
    )


def for_pydantic(schema: Any) -> Any:
    """Return a type as pydantic accepts it: before Python 3.12 it refuses the TypedDict of typing."""
    return schema if sys.version_info >= (3, 12) else _rebuilt(schema)


def _walk(schema: Any) -> Iterator[tuple[Any, bool]]:
    """Yield each part of a type once, and whether it is metadata in Annotated."""
    seen: set[int] = set()
    ahead: list[Any] = [schema]
    while ahead:
        part = ahead.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if get_origin(part) is Annotated:
            yield from ((metadata, True) for metadata in part.__metadata__)
            ahead.append(part.__origin__)
        elif get_origin(part) is not Literal:
            yield part, False
            ahead += [get_origin(part), *get_args(part), *_within(part)]


def _within(part: Any) -> list[Any]:
    for alias in ("__value__", "__supertype__"):  # of `type X = ...`, and of NewType
        if hasattr(part, alias):
            return [getattr(part, alias)]
    if (
        isinstance(part, type)
        and not _is_pydantics(part)
        and (is_record_class(part) or hasattr(part, "_fields"))
    ):
        return list(hints_of(part).values())
    return []


def hints_of(part: Any) -> dict[str, Any]:
    """Return the types of a class's fields by name, none where they can't be found."""
    try:
        return get_type_hints(part, include_extras=True)
    except Exception:  # noqa: BLE001 - a name that can't be found is for the library that decodes to report
        return {}


def _is_pydantics(part: type) -> bool:
    return any(hasattr(part, name) for name in _PYDANTIC_CLASS)


def _add_metadata(parts: TypeParts, metadata: Any) -> None:
    if isinstance(metadata, msgspec.Meta):
        parts.meta = metadata
    elif _is_pydantics_metadata(metadata):
        parts.pydantic = metadata
    elif not isinstance(metadata, _REMARKS) and type(metadata).__name__ not in _REMARK_NAMES:
        parts.problems.append(
            f"Annotated[..., {metadata!r}] is not a constraint that msgspec or pydantic knows. "
            "Write it as a msgspec.Meta or a pydantic.Field, or leave it out"
        )


def _is_pydantics_metadata(metadata: Any) -> bool:
    module = type(metadata).__module__
    is_known = module.partition(".")[0] in _PYDANTIC and not module.startswith("pydantic.v1")
    return is_known or hasattr(metadata, "__get_pydantic_core_schema__")


def _add_class(parts: TypeParts, part: type) -> None:
    if _is_pydantics(part):
        parts.pydantic = part
    elif is_record_class(part):
        parts.names += _names(part)
        parts.problems += _problems(part)
        if any(type(default).__module__.startswith("pydantic.fields") for default in _defaults(part)):
            parts.pydantic = part


def _names(part: Any) -> Iterator[str]:
    """Yield the names that msgspec looks for in a record of a class."""
    yield from hints_of(part)
    yield from (each.name for each in getattr(part, "__attrs_attrs__", ()))
    if dataclasses.is_dataclass(part):
        yield from (each.name for each in dataclasses.fields(part))
    if issubclass(part, msgspec.Struct):
        config = part.__struct_config__
        yield from part.__struct_encode_fields__
        yield from filter(lambda name: isinstance(name, str), (config.tag, config.tag_field))


def _defaults(part: Any) -> Iterator[Any]:
    if dataclasses.is_dataclass(part):
        yield from (each.default for each in dataclasses.fields(part))


def _problems(part: Any) -> Iterator[str]:
    """Yield the parts of a class that msgspec ignores: it sets the fields and calls no __init__."""
    name = part.__name__
    if any(each.converter for each in getattr(part, "__attrs_attrs__", ())):
        yield f"{name} has converters, which attrs calls in __init__ and msgspec never. Convert in predict"
    made = getattr(part.__init__, "__code__", None)
    is_generated = made is None or made.co_filename.startswith("<")
    if (dataclasses.is_dataclass(part) or hasattr(part, "__attrs_attrs__")) and not is_generated:
        yield f"{name} has an __init__ of its own, which msgspec never calls. Move it to __post_init__"


def _rebuilt(schema: Any) -> Any:
    origin = get_origin(schema)
    if is_typeddict(schema):
        return _rebuilt_typed_dict(schema)
    if origin is Annotated:
        return Annotated[(_rebuilt(schema.__origin__), *schema.__metadata__)]
    if origin is None or origin is Literal or isinstance(schema, FunctionType):
        return schema
    arguments = tuple(map(_rebuilt, get_args(schema)))
    if origin in {Union, UnionType}:
        return functools.reduce(operator.or_, arguments)
    return schema.copy_with(arguments) if hasattr(schema, "copy_with") else origin[arguments]


@functools.cache
def _rebuilt_typed_dict(schema: Any) -> Any:
    import typing_extensions as types  # noqa: PLC0415 - pydantic brings it

    def rebuilt_field(name: str, hint: Any) -> Any:
        is_optional = name in schema.__optional_keys__
        while (marker := get_origin(hint)) in {types.Required, types.NotRequired, types.ReadOnly}:
            # where annotations are text, __optional_keys__ does not have what NotRequired marks
            is_optional = (is_optional or marker is types.NotRequired) and marker is not types.Required
            (hint,) = get_args(hint)
        return types.NotRequired[_rebuilt(hint)] if is_optional else _rebuilt(hint)

    make: Any = types.TypedDict
    rebuilt = make(
        schema.__name__, {name: rebuilt_field(name, hint) for name, hint in hints_of(schema).items()}
    )
    if hasattr(schema, "__pydantic_config__"):
        rebuilt.__pydantic_config__ = schema.__pydantic_config__
    return rebuilt
