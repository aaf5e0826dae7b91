"""A model of columns alone, which does what a record tells it to do, however bad that is."""

from __future__ import annotations

import pyarrow as pa

from models.obedient import ACTIONS


class ByColumns:
    """Answers each record's n, after doing what its column `do` says."""

    display_name = "By columns"
    qualified_name = "by_columns"
    description = "Does what a column says"
    major_version = 1
    minor_version = 0
    input_schema = pa.schema([pa.field("n", pa.int64(), nullable=False), ("do", pa.string())])
    output_schema = pa.schema([pa.field("n", pa.int64(), nullable=False)])

    def predict_columns(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Do what the column says, and answer the other."""
        for row in batch.to_pylist():
            if row["do"]:
                ACTIONS[row["do"]](row)
        return batch.select(["n"])
