"""A model of rows: what a row says to do, it does; a null says nothing."""

from __future__ import annotations

import time
from typing import Any, NotRequired, TypedDict

from models.obedient import ACTIONS


class Row(TypedDict):
    """A row, of which these are the columns that the model needs, or would take."""

    n: int
    do: NotRequired[str]
    seconds: NotRequired[float]


class Tabular:
    """Answers twice a row's `n`, after doing what its `do` says."""

    display_name = "Tabular"
    qualified_name = "tabular"
    description = "Twice a number"
    version = "1"
    input_schema = Row
    output_schema = None

    def predict_batch(self, data: list[dict[str, Any]]) -> list[Any]:
        """Return twice each row's number, or why there's none."""
        return list(map(self._answer, data))

    def _answer(self, row: dict[str, Any]) -> Any:
        try:
            if "do" in row:
                ACTIONS[row["do"]](row)
            time.sleep(row.get("seconds", 0))
            return {"twice": 2 * int(row["n"])}
        except ValueError as error:
            return error
