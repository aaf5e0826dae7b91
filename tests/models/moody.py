"""A model that predicts equal records differently, where they ask for it."""

from __future__ import annotations

import os
from itertools import count
from typing import Any


class Moody:
    """Answers a record's `n`; one that is `moody` gets another answer each time."""

    display_name, qualified_name, description = "Moody", "moody", "Is of another mind each time"
    version, input_schema, output_schema = "1.0", None, None

    def __init__(self) -> None:
        self._moods = count()

    def predict(self, data: Any) -> Any:
        """Return what the record says; of one that is moody what was never said before."""
        return {"mood": f"{os.getpid()} {next(self._moods)}"} if data.get("moody") else {"n": data["n"]}
