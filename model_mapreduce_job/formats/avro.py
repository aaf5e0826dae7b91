"""Avro: blocks in, as batches of columns."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from itertools import chain, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NoReturn

import fastavro
import pyarrow as pa

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.table_format import READ_ROWS, UNHELD, RowGroup, TableContents
from model_mapreduce_job.models.arrow_arrays import arrow_array

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_SYNC_BYTES: Final = 16
_ROWS_AT_ONCE: Final = READ_ROWS // 8
# Blocks are small; a part that is read by itself has at least this many bytes.
_GROUP_BYTES: Final = 1 << 20
_LONGEST_VARINT: Final = 10
_MOST_DIGITS: Final = 38  # of a decimal of 128 bits
_PLAIN: Final = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "string": pa.string(),
    "enum": pa.string(),
}
_LOGICAL: Final = {
    "date": pa.date32(),
    "time-millis": pa.time32("ms"),
    "time-micros": pa.time64("us"),
    "timestamp-millis": pa.timestamp("ms", "UTC"),
    "timestamp-micros": pa.timestamp("us", "UTC"),
    "local-timestamp-millis": pa.timestamp("ms"),
    "local-timestamp-micros": pa.timestamp("us"),
    "uuid": pa.string(),
}


class Avro:
    """Reads Avro files."""

    name = "avro"
    magic = b"Obj\x01"

    def columns(self, file: BinaryIO) -> pa.Schema:
        """Return a file's columns, which its beginning says."""
        return _arrow_schema(fastavro.reader(file).writer_schema)

    def contents(self, file: BinaryIO) -> TableContents:
        """Return what a file says of itself: the blocks' headers say how many rows they have."""
        return TableContents(self.columns(file), list(_together(_blocks(file, _header_end(file)))))

    def read(
        self, file: BinaryIO, groups: Sequence[RowGroup], first: int, columns: Sequence[str]
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of runs of blocks."""
        del first
        end = _header_end(file)
        file.seek(0)
        header = file.read(end)
        size = sum(group.size for group in groups)
        found = fastavro.reader(io.BytesIO(header))
        schema = _arrow_schema(found.writer_schema)
        wanted = pa.schema([_held(schema.field(name)) for name in columns])
        plain = _plain_header(found.metadata, header[-_SYNC_BYTES:])
        records = fastavro.reader(io.BufferedReader(_Joined(plain, file, groups[0].place, size), 1 << 18))
        while rows := list(islice(records, _ROWS_AT_ONCE)):
            yield pa.RecordBatch.from_arrays([_column(field, rows) for field in wanted], schema=wanted)

    def writer(self, sink: Any, schema: pa.Schema) -> NoReturn:  # noqa: ARG002 - as other formats have it
        """Raise InputError: Avro is only read."""
        raise InputError("Avro is read, and not written. Write parquet or orc.")


class _Joined(io.RawIOBase):
    """A file's header, and then a range of its bytes."""

    def __init__(self, header: bytes, file: BinaryIO, start: int, size: int) -> None:
        self._header = header
        self._file = file
        self._left = size
        file.seek(start)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._header[: len(buffer)] or self._file.read(min(len(buffer), self._left))
        if self._header:
            self._header = self._header[len(data) :]
        else:
            self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)


def _plain_header(metadata: Mapping[str, str], sync: bytes) -> bytes:
    """Return a file's header without logical types: a time is the number that it is, wherever it lies.

    What fastavro makes of a number that is no time of Python's is an error that ends the file, and a decimal
    of too many digits is rounded.
    """
    schema = json.dumps(_without_logical_types(json.loads(metadata["avro.schema"])))
    pairs = {"avro.schema": schema, "avro.codec": metadata.get("avro.codec", "null")}
    texts = [text.encode() for pair in pairs.items() for text in pair]
    encoded = b"".join(_varint(len(text)) + text for text in texts)
    return Avro.magic + _varint(len(pairs)) + encoded + _varint(0) + sync


def _without_logical_types(schema: Any) -> Any:
    if isinstance(schema, list):
        return list(map(_without_logical_types, schema))
    if isinstance(schema, dict):
        return {name: _without_logical_types(one) for name, one in schema.items() if name != "logicalType"}
    return schema


def _varint(number: int) -> bytes:
    """Return a number that is not negative as Avro writes it."""
    number *= 2
    found = []
    while number >= 0x80:  # noqa: PLR2004 - the bit that says that more follow
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def _column(field: pa.Field, rows: list[Any]) -> pa.Array:
    values: Iterable[Any] = map(itemgetter(field.name), rows)
    if "decimal" in str(field.type):
        values = [_with_decimals(value, field.type) for value in values]
    stored = arrow_array(list(values), _stored(field.type))
    return stored if stored.type == field.type else stored.cast(field.type)


def _stored(kind: pa.DataType) -> pa.DataType:
    """Return a type with numbers in the place of times, as Avro has them."""
    types = pa.types
    if types.is_temporal(kind):
        return pa.int32() if kind.bit_width == 32 else pa.int64()  # noqa: PLR2004 - bits
    if types.is_list(kind):
        return pa.list_(_stored(kind.value_type))
    if types.is_map(kind):
        return pa.map_(kind.key_type, _stored(kind.item_type))
    if types.is_struct(kind):
        return pa.struct([field.with_type(_stored(field.type)) for field in kind])
    return kind


def _with_decimals(value: Any, kind: pa.DataType) -> Any:
    """Return a value with a Decimal for the bytes of each: a whole number, the highest byte first."""
    if value is None:
        return None
    if pa.types.is_decimal(kind):
        return Decimal(f"{int.from_bytes(value, signed=True)}E-{kind.scale}")
    if pa.types.is_list(kind):
        return [_with_decimals(one, kind.value_type) for one in value]
    if pa.types.is_map(kind):
        return {name: _with_decimals(one, kind.item_type) for name, one in value.items()}
    if pa.types.is_struct(kind):
        return {field.name: _with_decimals(value[field.name], field.type) for field in kind}
    return value


def _header_end(file: BinaryIO) -> int:
    """Return where the first block begins: after the metadata, which is a map, and the sync marker."""
    file.seek(len(Avro.magic))
    while count := _long(file):
        if count < 0:
            count = -count
            _long(file)
        for _ in range(2 * count):
            file.seek(_long(file), io.SEEK_CUR)
    return file.tell() + _SYNC_BYTES


def _blocks(file: BinaryIO, start: int) -> Iterator[RowGroup]:
    end = file.seek(0, io.SEEK_END)
    while start < end:
        file.seek(start)
        rows, size = _long(file), _long(file)
        following = file.tell() + size + _SYNC_BYTES
        if rows < 0 or size < 0 or following > end:
            raise EOFError("it ends in the middle of a block")
        yield RowGroup(rows, following - start, start, start)
        start = following


def _together(blocks: Iterator[RowGroup]) -> Iterator[RowGroup]:
    """Yield runs of blocks that are worth reading by themselves."""
    rows = size = 0
    first = None
    for block in chain(blocks, [None]):
        if first is not None and (block is None or size >= _GROUP_BYTES):
            yield RowGroup(rows, size, first, first)
            rows, size, first = 0, 0, None
        if block is not None:
            rows, size = rows + block.rows, size + block.size
            first = block.place if first is None else first


def _long(file: BinaryIO) -> int:
    """Return the next number: zigzag, seven bits a byte, the low ones first."""
    number = 0
    for shift in range(0, 7 * _LONGEST_VARINT, 7):
        byte = file.read(1)
        if not byte:
            raise EOFError("it ends in the middle of a number")
        number |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:  # noqa: PLR2004 - the bit that says that more follow
            break
    return (number >> 1) ^ -(number & 1)


def _arrow_schema(schema: Any) -> pa.Schema:
    if not (isinstance(schema, dict) and schema.get("type") == "record"):
        raise InputError("Its schema is no record, so it has no columns. Give files of records.")
    names: dict[str, pa.DataType] = {}
    return pa.schema([_arrow_field(field, names) for field in schema["fields"]])


def _arrow_field(field: Any, names: dict[str, pa.DataType]) -> pa.Field:
    """Return a field as a column; one of nulls, with the reason, where no column can hold it."""
    try:
        kind = _arrow_type(field["type"], names, field["name"])
    except InputError as error:
        return pa.field(field["name"], pa.null(), metadata={UNHELD: str(error)})
    return pa.field(field["name"], kind)


def _held(field: pa.Field) -> pa.Field:
    if reason := (field.metadata or {}).get(UNHELD):
        raise InputError(reason.decode())
    return field


def _arrow_type(schema: Any, names: dict[str, pa.DataType], column: str) -> pa.DataType:
    if isinstance(schema, list):
        return _of_union(schema, names, column)
    if isinstance(schema, str):
        return _named(schema, names, column)
    found = _of_object(schema, names, column)
    if "name" in schema:
        names[schema["name"]] = found
    return found


def _of_object(schema: Any, names: dict[str, pa.DataType], column: str) -> pa.DataType:
    logical = schema.get("logicalType")
    if logical == "decimal":
        decimal = pa.decimal128 if schema["precision"] <= _MOST_DIGITS else pa.decimal256
        return decimal(schema["precision"], schema.get("scale", 0))
    match schema["type"]:
        case "record" | "error":
            fields = schema["fields"]
            return pa.struct([(one["name"], _arrow_type(one["type"], names, column)) for one in fields])
        case "array":
            return pa.list_(_arrow_type(schema["items"], names, column))
        case "map":
            return pa.map_(pa.string(), _arrow_type(schema["values"], names, column))
        case "fixed":
            return pa.binary(schema["size"])
        case kind:
            return _LOGICAL.get(logical) or _arrow_type(kind, names, column)


def _named(name: str, names: dict[str, pa.DataType], column: str) -> pa.DataType:
    if name in _PLAIN:
        return _PLAIN[name]
    if name in names:
        return names[name]
    raise InputError(
        f"Its column {column} has the type {name}, which refers to itself. No column can hold that."
    )


def _of_union(schema: list[Any], names: dict[str, pa.DataType], column: str) -> pa.DataType:
    # each of them: another column may name a type that is defined here
    kinds = [_arrow_type(kind, names, column) for kind in schema if kind != "null"]
    if len(kinds) > 1:
        types = " and ".join(map(str, kinds))
        raise InputError(f"Its column {column} is a union of {types}, and a column has one type.")
    return kinds[0] if kinds else pa.null()


FORMAT = Avro()
