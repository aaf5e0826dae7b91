"""Whether the columns that a model answers are those that its output_schema has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from model_mapreduce_job.models.fields import NUMBERS, fields_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model_mapreduce_job.models.fields import Field

_WORDS: tuple[tuple[Callable[[pa.DataType], bool], frozenset[str]], ...] = (
    (pa.types.is_boolean, frozenset({"boolean"})),
    (pa.types.is_integer, NUMBERS),
    (pa.types.is_floating, frozenset({"number"})),
    (pa.types.is_string, frozenset({"string"})),
    (pa.types.is_large_string, frozenset({"string"})),
)


class OutputColumns:
    """The fields of an output_schema of any kind, as columns have to have them; none says nothing."""

    def __init__(self, output_schema: Any) -> None:
        self._fields = fields_of(output_schema)

    def problem(self, names: Sequence[str] | None, columns: Sequence[Any]) -> str:
        """Return what of an answer's columns is not as the schema says, in words; nothing if all is."""
        if not self._fields:
            return ""
        wanted = {field.name: field for field in self._fields}
        if names is None:
            are_objects = not isinstance(columns[0], pa.Array)  # as a list's members may be
            fields = ", ".join(wanted)
            return "" if are_objects else f"an array, and its output_schema has the fields {fields}"
        required = {field.name for field in self._fields if field.required}
        if not set(names) <= wanted.keys() or not required <= set(names):
            return f"the columns {', '.join(names)}, and its output_schema has {', '.join(wanted)}"
        pairs = zip(names, columns, strict=True)
        return next(filter(None, (_problem(wanted[name], column) for name, column in pairs)), "")


def _problem(field: Field, column: Any) -> str:
    if not isinstance(column, pa.Array) or not field.types:
        return ""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    words = next((words for is_of, words in _WORDS if is_of(kind)), frozenset())
    if column.null_count == len(column) or words & field.types:
        return ""
    wanted = " or ".join(sorted(field.types))
    return f"the column {field.name} of {kind}, and its output_schema has {wanted} there"
