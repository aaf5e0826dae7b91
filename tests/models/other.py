"""Another model that fails some records until the environment says that it is mended."""

from __future__ import annotations

import os

from models.mending import BROKEN, Asked


class Other:
    """Doubles n, with nothing around it; broken it fails each even n."""

    display_name = "Other"
    qualified_name = "other"
    description = "Fails others, until it is mended"
    version = "1.0"
    input_schema = Asked
    output_schema = None

    def predict(self, data: Asked) -> int:
        """Answer, unless this is broken and n is even."""
        if data["n"] % 2 == 0 and os.environ.get(BROKEN):
            raise ValueError("broken")
        return 2 * data["n"]
