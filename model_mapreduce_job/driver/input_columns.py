"""The columns of a job's csv and tsv input: the run's, and which files have them in another order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from model_mapreduce_job.driver.first_line import FirstLine, first_lines, local_first_lines
from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.column_order import ColumnOrder
from model_mapreduce_job.formats.delimited import join_row, parse_columns
from model_mapreduce_job.formats.first_bytes import binary_kind
from model_mapreduce_job.storage.inputs import STDIN
from model_mapreduce_job.task.factory import DELIMITERS, columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from model_mapreduce_job.task.job import Job

_SHOWN_CHARACTERS = 200


@dataclass(frozen=True)
class InputColumns:
    """The names of the run's columns, and the order of those files that have another, by their path."""

    names: list[str]
    orders: Mapping[str, ColumnOrder] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Return what --columns would say."""
        return join_row(self.names, ",").decode()


def input_columns(job: Job) -> InputColumns:
    """Return the columns that a job's files name, or --columns does; by name, file by file.

    Raises InputError where a file's columns are not those of the others, both named; with --columns a file
    need not name them at all.
    """
    delimiter = DELIMITERS[job.options.input_protocol]
    if job.options.columns:
        return _as_given(columns(job.options), local_first_lines(job), delimiter)
    found = first_lines(job)
    first = next(found, FirstLine(next(iter(job.options.args), STDIN), b"\n"))
    names = _header(first, delimiter)
    orders = {}
    for other in found:
        if other.line is not None and (order := _order(other, names, first.path, delimiter)):
            orders[other.path] = order
    return InputColumns(names, orders)


def check_order(orders: Mapping[str, ColumnOrder], first: str) -> None:
    """Raise InputError where a file has another order of columns: a cluster's tasks know one for the run."""
    for path in orders:
        raise InputError(
            f"{path} has its columns in another order than {first}, which a cluster's tasks can't know. "
            "Give files with the same order, or run on one machine."
        )


def _as_given(names: list[str], found: Iterable[FirstLine], delimiter: str) -> InputColumns:
    orders = {}
    for first in found:
        theirs = _cells(first, delimiter)
        if sorted(theirs) == sorted(names) and (order := ColumnOrder.of(theirs, names, delimiter)):
            orders[first.path] = order
    return InputColumns(names, orders)


def _cells(first: FirstLine, delimiter: str) -> list[str]:
    try:
        return parse_columns((first.line or b"").removesuffix(b"\n"), delimiter)
    except InputError:
        return []  # it is a row, as it may be when --columns has the names


def _header(first: FirstLine, delimiter: str) -> list[str]:
    if first.line is None:
        raise InputError(
            f"The input {first.path} can be read only once, so its first line can't be looked at for the "
            "columns. Name them with --columns a,b,c."
        )
    if kind := binary_kind(first.line):
        raise InputError(f"The input {first.path} is no text in UTF-8: it looks like {kind}.")
    if not first.line.strip():
        raise InputError(
            f"The input {first.path} starts with no header. Name its columns with --columns a,b,c."
        )
    return parse_columns(first.line.removesuffix(b"\n"), delimiter)


def _order(other: FirstLine, names: list[str], first: str, delimiter: str) -> ColumnOrder | None:
    theirs = _cells(other, delimiter)
    if sorted(theirs) == sorted(names):
        return ColumnOrder.of(theirs, names, delimiter)
    shown = (other.line or b"").decode(errors="backslashreplace").strip()
    raise InputError(
        f"The input {other.path} starts with {_short(shown)!r}, and {first} has the columns "
        f"{_short(', '.join(names))}. Run files with other columns apart; name the columns with --columns if "
        "only the first file has a header."
    )


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
