"""A model that spoils what it is given."""

from __future__ import annotations

from typing import Any


class Spoiling:
    """Answers a record's `n`, and empties the record; it does nothing that a record says."""

    display_name = "Spoiling"
    qualified_name = "spoiling"
    description = "Empties its records"
    version = "1"
    input_schema = None
    output_schema = None

    def predict_batch(self, data: list[Any]) -> list[Any]:
        """Return each record's number."""
        answers = [{"n": record["n"]} for record in data]
        for record in data:
            record.clear()
        data.clear()
        return answers
