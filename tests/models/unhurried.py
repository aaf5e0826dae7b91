"""A model that takes its time, so that a run can be disturbed in its middle."""

from __future__ import annotations

import os
import time
from typing import Any

SECONDS = float(os.environ.get("UNHURRIED_SECONDS", "0.001"))


class Unhurried:
    """Answers a record's `n`, after a while."""

    display_name, qualified_name = "Unhurried", "unhurried"
    description = "Takes a millisecond, or UNHURRIED_SECONDS, for each record"
    version, input_schema, output_schema = "1.0", None, None

    def predict(self, data: Any) -> Any:
        """Return what the record says."""
        time.sleep(SECONDS)
        return {"n": data["n"]}
