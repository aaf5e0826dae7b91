"""The columns of a job's csv and tsv input: the run's, and which files have them in another order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from model_mapreduce_job.driver.first_line import FirstLine, first_lines, local_first_lines
from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.column_order import ColumnOrder
from model_mapreduce_job.formats.first_bytes import binary_kind, wide_encoding
from model_mapreduce_job.formats.rows import join_row, parse_columns
from model_mapreduce_job.task.delimited_options import columns, dialect_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from model_mapreduce_job.task.job import Job
    from model_mapreduce_job.task.run_options import RunOptions

_SHOWN_CHARACTERS = 200


class InputColumns(msgspec.Struct, frozen=True):
    """The names of the run's columns; by their path, the order of those files that have another.

    named_by is the file, or the option, that names them; states has the state of each file whose first line
    was read.
    """

    names: list[str]
    named_by: str
    orders: Mapping[str, ColumnOrder] = msgspec.field(default_factory=dict)
    states: Mapping[str, tuple[int, ...]] = msgspec.field(default_factory=dict)

    @property
    def text(self) -> str:
        """Return what --columns would say."""
        return join_row(self.names, ",").decode()


def input_columns(job: Job, options: RunOptions) -> InputColumns:
    """Return the columns that a job's files name, or --columns does; by name, file by file.

    Raises InputError where a file's columns are not those of the others, both named; with --columns a file
    need not name them at all.
    """
    delimiter = dialect_of(options.task.input_protocol, options.task).delimiter
    if options.task.columns:
        return _as_given(columns(options.task), local_first_lines(options), delimiter)
    found = first_lines(job, options)
    first = next(found, None)
    if first is None:
        raise InputError(
            f"The input {options.inputs[0]} is empty, so it names no columns. Name them with --columns a,b,c."
        )
    names = _header(first, delimiter)
    orders, states = {}, {first.path: first.state}
    for other in found:
        states[other.path] = other.state
        if other.line is not None and (order := _order(other, names, first.path, delimiter)):
            orders[other.path] = order
    return InputColumns(names, first.path, orders, states)


def check_order(orders: Mapping[str, ColumnOrder], first: str) -> None:
    """Raise InputError where a file has another order of columns, and the run's tasks know one for all."""
    for path in orders:
        raise InputError(
            f"{path} has its columns in another order than {first}, which this run's tasks can't know. "
            "Give files with the same order, or run on one machine."
        )


def _as_given(names: list[str], found: Iterable[FirstLine], delimiter: str) -> InputColumns:
    orders, states, wanted = {}, {}, _bare(names)
    for first in found:
        states[first.path] = first.state
        theirs = _bare(_cells(first, delimiter))
        if sorted(theirs) == sorted(wanted) and (order := ColumnOrder.of(theirs, wanted, delimiter)):
            orders[first.path] = order
    return InputColumns(names, "--columns", orders, states)


def _cells(first: FirstLine, delimiter: str) -> list[str]:
    try:
        return parse_columns((first.line or b"").removesuffix(b"\n"), delimiter)
    except InputError:
        return []  # it is a row, as it may be when --columns has the names


def _bare(names: list[str]) -> list[str]:
    """Return names without the blanks around them; as they are where two would be one."""
    bare = [name.strip() for name in names]
    return bare if len(set(bare)) == len(names) else names


def _header(first: FirstLine, delimiter: str) -> list[str]:
    if first.line is None:
        raise InputError(
            f"The input {first.path} can be read only once, so its first line can't be looked at for the "
            "columns. Name them with --columns a,b,c."
        )
    if kind := binary_kind(first.line):
        wide = wide_encoding(first.line)
        advice = f"; read it with --encoding {wide}, or" if wide else ";"
        raise InputError(
            f"The input {first.path} is no text in UTF-8: it looks like {kind.replace(';', advice, 1)}."
        )
    if not first.line.strip():
        raise InputError(
            f"The input {first.path} begins with a blank line, where its header belongs. Take the line "
            "out, or name the columns with --columns a,b,c."
        )
    if b"\r" in first.line.rstrip() and b'"' not in first.line:
        raise InputError(
            f"The lines of the input {first.path} end in CR alone. End them in LF, or in CR and LF."
        )
    return parse_columns(first.line.removesuffix(b"\n"), delimiter)


def _order(other: FirstLine, names: list[str], first: str, delimiter: str) -> ColumnOrder | None:
    theirs, wanted = _bare(_cells(other, delimiter)), _bare(names)
    if sorted(theirs) == sorted(wanted):
        return ColumnOrder.of(theirs, wanted, delimiter)
    shown = (other.line or b"").decode(errors="backslashreplace").strip()
    raise InputError(
        f"The input {other.path} starts with {_short(shown)!r}, and {first} has the columns "
        f"{_short(', '.join(names))}. Run files with other columns apart; name the columns with --columns if "
        "only the first file has a header."
    )


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
