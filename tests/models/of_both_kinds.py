"""A model of lists and of columns, which answers how it was asked."""

from __future__ import annotations

from typing import Any, TypedDict

import msgspec
import pyarrow as pa


class Number(msgspec.Struct):
    """A record, of which lists are quicker than columns."""

    n: int


class Asked(TypedDict):
    """How the model was asked."""

    by: str


class OfBothKinds:
    """Answers the name of the method that was called."""

    display_name = "Of both kinds"
    qualified_name = "of_both_kinds"
    description = "Answers how it was asked"
    major_version = 1
    minor_version = 0
    input_schema = Number
    output_schema = Asked

    def predict_batch(self, data: list[Any]) -> list[Any]:
        """Answer for a list."""
        return [{"by": "list"} for _ in data]

    def predict_columns(self, batch: pa.RecordBatch) -> Any:
        """Answer for columns."""
        return {"by": pa.array(["columns"] * batch.num_rows)}
