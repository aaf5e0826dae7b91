"""A model that fails some records until the environment says that it is mended."""

from __future__ import annotations

import os
from typing import NotRequired, TypedDict

BROKEN = "MODEL_IS_BROKEN"


class Asked(TypedDict):
    n: int
    text: NotRequired[str]


class Answered(TypedDict):
    twice: int
    text: str


class Mending:
    """Doubles n, and gives the text back; broken it fails each third n."""

    display_name = "Mending"
    qualified_name = "mending"
    description = "Fails, until it is mended"
    version = "1.0"
    input_schema = Asked
    output_schema = Answered

    def predict(self, data: Asked) -> Answered | None:
        """Answer, unless this is broken and n is divisible by three; a negative n has no answer."""
        if data["n"] % 3 == 0 and os.environ.get(BROKEN):
            raise RuntimeError(f"=broken, \\n for {data['n']}")
        if data["n"] < 0:
            return None
        return {"twice": 2 * data["n"], "text": data.get("text", "")}
