"""What a run's tables are: the columns that all of their files have, and each file's row groups."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.registry import FORMATS
from model_mapreduce_job.formats.table_format import UNHELD, TableContents, look, readable
from model_mapreduce_job.storage.compression import whole_or_error
from model_mapreduce_job.storage.splits import file_state
from model_mapreduce_job.storage.table_files import TableFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from model_mapreduce_job.formats.table_format import TableFormat
    from model_mapreduce_job.storage.table_files import TablePlace

_MOST_NAMES: Final = 8


@dataclass(frozen=True)
class Tables:
    """The files of a run, in order, and the columns of all: those of the files, then those of directories."""

    schema: pa.Schema
    files: tuple[TableFile, ...]


def survey(table: TableFormat, places: Iterable[TablePlace]) -> Tables:
    """Return what files are, of which there is one at least.

    Raises InputError for a file that is no whole one of this format, and where columns differ from file to
    file, in the files or in the names of their directories; both are named.
    """
    schema, first = None, ""
    files: list[TableFile] = []
    for place in places:
        contents, state = _contents(table, place)
        found = plain_schema(place.path, contents.schema)
        schema, first = (found, place.path) if schema is None else (schema, first)
        _refuse_other_columns(first, schema, place.path, found)
        files.append(TableFile(place.absolute, state, tuple(contents.groups), place.partition))
    assert schema is not None  # noqa: S101 - patterns that name no file are refused
    return Tables(_with_partition(schema, files), tuple(files))


def plain_schema(path: str, schema: pa.Schema) -> pa.Schema:
    """Return a file's columns without their writer's notes; any may hold nulls, and some nothing else.

    Raises InputError for columns of the same name.
    """
    if len(set(schema.names)) < len(schema.names) or not schema.names:
        names = ", ".join(schema.names[:_MOST_NAMES]) or "none"
        raise InputError(f"{path} has the columns {names}: each needs a name of its own.")
    return pa.schema([_plain_field(path, field) for field in schema])


def _plain_field(path: str, field: pa.Field) -> pa.Field:
    reason = (field.metadata or {}).get(UNHELD)
    metadata = {UNHELD: f"{path}: {reason.decode()}"} if reason else None
    return pa.field(field.name, field.type, metadata=metadata)


def _contents(table: TableFormat, place: TablePlace) -> tuple[TableContents, tuple[int, ...]]:
    with whole_or_error(place.path), Path(place.copy or place.path).open("rb", buffering=0) as file:
        state = place.state or file_state(os.fstat(file.fileno()))
        head = look(file)
        with readable(place.path, head, table):
            if not head.startswith(table.magic):
                raise ValueError
            if place.copy and not FORMATS[table.name].has_footer:
                return TableContents(table.columns(file), ()), state
            return table.contents(file), state


def _refuse_other_columns(first: str, columns: pa.Schema, path: str, found: pa.Schema) -> None:
    ones, others = ({field.name: field for field in schema} for schema in (columns, found))
    for name in {**ones, **others}:
        one, other = ones.get(name), others.get(name)
        if one is None or other is None or not one.equals(other):
            raise InputError(
                f"{path} has {_shown(name, other)}, and {first} has {_shown(name, one)}. "
                "Run files with other columns apart."
            )


def _shown(name: str, field: pa.Field | None) -> str:
    return f"no column {name}" if field is None else f"the column {name} as {field.type}"


def _with_partition(schema: pa.Schema, files: Sequence[TableFile]) -> pa.Schema:
    """Return columns with those of directories: integers where all of them are such, else texts."""
    names = _partition_names(files)
    for place, name in enumerate(names):
        if name in schema.names:
            raise InputError(
                f"{files[0].path} has the column {name}, and its directory names one too. Rename either."
            )
        values = {file.partition[place][1] for file in files} - {None}
        kind = pa.int64() if values and all(map(_is_integer, values)) else pa.string()
        schema = schema.append(pa.field(name, kind))
    return schema


def _partition_names(files: Sequence[TableFile]) -> list[str]:
    names = [name for name, _ in files[0].partition]
    for file in files:
        others = [name for name, _ in file.partition]
        if others != names:
            raise InputError(
                f"The directories of {file.path} name the columns {', '.join(others) or '(none)'}, those of "
                f"{files[0].path} {', '.join(names) or '(none)'}. Run them apart."
            )
    return names


def _is_integer(text: str | None) -> bool:
    """Return whether a directory's value is an integer, as it would be written again."""
    digits = str(text).removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        return False
    number = int(str(text))
    return str(number) == text and -(2**63) <= number < 2**63
