"""Predictions as columns: which they are, and how the JSON texts of predictions become their values."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import pyarrow as pa

from model_mapreduce_job.formats.encoding import predictions_of
from model_mapreduce_job.formats.records import Failure
from model_mapreduce_job.formats.whole_numbers import WholeNumbers
from model_mapreduce_job.models.arrow_arrays import arrow_array
from model_mapreduce_job.models.columns import ARROW_TYPES
from model_mapreduce_job.models.fields import JSON_TYPES, fields_of, json_schema_of, resolved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# The name of the one column of predictions that have no fields.
SINGLE: Final = "prediction"
# What the columns of predictions say of themselves that have fields, be it one field of that name.
_OBJECTS: Final = {b"objects": b""}
_PLAIN: Final = {**ARROW_TYPES, "null": pa.null()}
_OF_PYTHON: Final = {kind: _PLAIN[name] for kind, name in JSON_TYPES.items()}
_NUMBERS: Final = {frozenset({pa.int64(), pa.float64()}): pa.float64()}


def prediction_schema(output_schema: Any) -> pa.Schema | None:
    """Return the columns of predictions that an output_schema of any kind describes; None where it doesn't.

    A field that a prediction may lack or have as null may be null. What JSON has as text is text.
    """
    if isinstance(output_schema, pa.Schema):
        fields = [field.with_type(_as_plain(field.type)) for field in output_schema]
        return pa.schema(fields, metadata=_OBJECTS)
    try:
        whole = json_schema_of(output_schema)
    except Exception:  # noqa: BLE001 - a schema that can't be written as JSON Schema says nothing of columns
        return None
    found = _type(whole, whole)
    if found is None or pa.types.is_null(found):
        return None
    if not (pa.types.is_struct(found) and found.num_fields):
        return pa.schema([(SINGLE, found)])
    # msgspec has a TypedDict's fields in the order of the alphabet
    order = [field.name for field in fields_of(output_schema)]
    names = order if sorted(order) == sorted(field.name for field in found) else [one.name for one in found]
    return pa.schema([found.field(name) for name in names], metadata=_OBJECTS)


def schema_of_texts(texts: Sequence[bytes]) -> pa.Schema | None:
    """Return the columns that hold these predictions, given as JSON; None where they say nothing of them."""
    found = common_type(predictions_of(texts))
    if found is None or pa.types.is_null(found):
        return None
    if pa.types.is_struct(found) and found.num_fields:
        # of a field that's always null nothing is known, and a text is the least wrong
        fields = [one.with_type(pa.string()) if pa.types.is_null(one.type) else one for one in found]
        return pa.schema(fields, metadata=_OBJECTS)
    return pa.schema([(SINGLE, found)])


def is_single(schema: pa.Schema) -> bool:
    """Return whether predictions with these columns are values of the one column, and no objects."""
    return schema.names == [SINGLE] and not (schema.metadata or {}).keys() & _OBJECTS.keys()


class PredictionReader:
    """Reads the JSON texts of predictions into columns; what doesn't fit these is a failure."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._is_single = is_single(schema)
        kind = _python_type(schema.field(0)) if self._is_single else _struct(schema)
        self._decoder = msgspec.json.Decoder(kind)
        self._whole_numbers = WholeNumbers(
            schema.field(0).type if self._is_single else pa.struct(list(schema))
        )
        self._names = [f"f{place}" for place in range(len(schema))]

    def checked(self, texts: Sequence[bytes | Failure]) -> list[bytes | Failure]:
        """Return texts, with a Failure in the place of each that the columns have no room for."""
        different = b"\n".join(text for text in set(texts) if isinstance(text, bytes))
        try:
            self._decoder.decode_lines(different)
        except msgspec.MsgspecError:
            return list(map(self._checked, texts))
        # a decoder of floats rounds whole numbers without a word
        return list(texts) if self._whole_numbers.are_kept(different) else list(map(self._checked, texts))

    def columns(self, texts: Sequence[bytes | Failure]) -> list[pa.Array]:
        """Return the columns of texts that were checked; a failure's row is null in each."""
        # few texts come again and again where a prediction is one of some classes
        different = [text for text in dict.fromkeys(texts) if isinstance(text, bytes)]
        rows = self._decoder.decode_lines(b"\n".join(different))
        columns = [rows] if self._is_single else [list(map(attrgetter(name), rows)) for name in self._names]
        arrays = list(map(_array, columns, self._schema.types))
        if len(different) == len(texts):
            return arrays
        numbers: dict[Any, int] = {text: number for number, text in enumerate(different)}
        places = arrow_array(list(map(numbers.get, texts)), pa.int64())
        return [array.take(places) for array in arrays]

    def _checked(self, text: bytes | Failure) -> bytes | Failure:
        if isinstance(text, Failure):
            return text
        try:
            self._decoder.decode(text)
        except msgspec.MsgspecError as error:
            return _unfit(str(error))
        changed = self._whole_numbers.changed(text)
        return text if changed is None else _unfit(f"{changed} would be rounded in a column of floats")


def _unfit(reason: str) -> Failure:
    return Failure("PredictionError", f"The prediction doesn't fit the columns of the output: {reason}")


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_nested(kind):
        values = msgspec.to_builtins(values)
    return arrow_array(values, kind)


def _struct(fields: Any) -> Any:
    members: list[Any] = []
    for place, field in enumerate(fields):
        kind = _python_type(field)
        members.append((f"f{place}", kind, None) if field.nullable else (f"f{place}", kind))
    rename = {f"f{place}": field.name for place, field in enumerate(fields)}
    return msgspec.defstruct("Prediction", members, rename=rename, forbid_unknown_fields=True, kw_only=True)


def _python_type(field: pa.Field) -> Any:
    kind = _value_type(field.type)
    return kind | None if field.nullable else kind


def _integer(kind: pa.DataType) -> Any:
    if pa.types.is_uint64(kind):
        return Annotated[int, msgspec.Meta(ge=0)]  # msgspec knows no larger limit
    is_unsigned = pa.types.is_unsigned_integer(kind)
    most = 2 ** (kind.bit_width - (not is_unsigned)) - 1
    return Annotated[int, msgspec.Meta(ge=0 if is_unsigned else -most - 1, le=most)]


def _as_plain(kind: pa.DataType) -> pa.DataType:
    types = pa.types
    if types.is_dictionary(kind):
        return _as_plain(kind.value_type)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return pa.list_(_as_plain(kind.value_type))
    if types.is_struct(kind):
        return pa.struct([field.with_type(_as_plain(field.type)) for field in kind])
    is_plain = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
    return kind if is_plain else pa.string()


def _value_type(kind: pa.DataType) -> Any:
    if pa.types.is_struct(kind):
        return _struct(kind)
    if pa.types.is_list(kind):
        return list[_python_type(kind.value_field)]  # type: ignore[misc] # made for msgspec, as columns are known
    if pa.types.is_integer(kind):
        return _integer(kind)
    if pa.types.is_floating(kind):
        return float
    if pa.types.is_boolean(kind):
        return bool
    return str


def _type(part: Any, whole: Mapping[str, Any]) -> pa.DataType | None:
    """Return the type of column that a part of a JSON Schema describes, None where that isn't one."""
    found = {_one_type(choice, whole) for choice in _choices(part, whole)} - {pa.null()}
    return _single(found)


def _single(found: set[pa.DataType | None]) -> pa.DataType | None:
    if not found:
        return pa.null()
    return next(iter(found)) if len(found) == 1 else _NUMBERS.get(frozenset(found))


def _one_type(part: Mapping[str, Any], whole: Mapping[str, Any]) -> pa.DataType | None:
    kind = part.get("type")
    if kind == "array":
        items = _type(part.get("items", {}), whole)
        return None if items is None else pa.list_(items)
    if kind == "object" and part.get("properties"):
        return _object(part, whole)
    values = part.get("enum", [part["const"]] if "const" in part else [])
    return _PLAIN.get(str(kind)) if kind else common_type(list(values))


def _object(part: Mapping[str, Any], whole: Mapping[str, Any]) -> pa.DataType | None:
    fields = []
    for name, below in part["properties"].items():
        kind = _type(below, whole)
        if kind is None:
            return None
        nullable = name not in part.get("required", ()) or _may_be_null(below, whole)
        fields.append(pa.field(name, kind, nullable))
    return pa.struct(fields)


def _may_be_null(part: Any, whole: Mapping[str, Any]) -> bool:
    return any(choice.get("type") == "null" for choice in _choices(part, whole))


def _choices(part: Any, whole: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    part = resolved(part, whole)
    for choices in ("anyOf", "oneOf"):
        if choices in part:
            return [one for choice in part[choices] for one in _choices(choice, whole)]
    named = part.get("type")
    return [{**part, "type": kind} for kind in named] if isinstance(named, list) else [part]


def common_type(values: list[Any]) -> pa.DataType | None:
    """Return the type of column that holds values of JSON, None where there's none."""
    found = {_type_of(value) for value in values} - {pa.null()}
    if len(found) > 1 and all(kind is not None and pa.types.is_struct(kind) for kind in found):
        return _merged([value for value in values if value is not None])
    if len(found) > 1 and all(kind is not None and pa.types.is_list(kind) for kind in found):
        items = common_type([item for value in values if value for item in value])
        return None if items is None else pa.list_(items)
    return _single(found)


def _type_of(value: Any) -> pa.DataType | None:
    if isinstance(value, dict):
        return _merged([value])
    if isinstance(value, list):
        items = common_type(value)
        return None if items is None else pa.list_(items)
    is_large = type(value) is int and not -(2**63) <= value < 2**63
    return None if is_large else _OF_PYTHON[type(value)]


def _merged(values: list[dict[str, Any]]) -> pa.DataType | None:
    names = dict.fromkeys(name for value in values for name in value)
    kinds = {name: common_type([value.get(name) for value in values]) for name in names}
    return None if None in kinds.values() else pa.struct(list(kinds.items()))
