"""Python's warnings that a model's code gives, kept for the run's summary."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model_mapreduce_job.pipeline.counters import Tally

# Enough to fill a summary; whoever warns of each record is heard of once.
_MOST = 20


class ModelWarnings:
    """The warnings of this process that have not been counted yet; each is shown as Python shows it, too."""

    def __init__(self) -> None:
        self._heard: dict[str, None] = {}

    def listen(self) -> None:
        """Keep the warnings that are given from now on."""
        show = warnings.showwarning

        def keep_and_show(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
            self._keep(message, category)
            show(message, category, *place, **more)

        warnings.showwarning = keep_and_show

    def count(self, tally: Tally) -> None:
        """Add the warnings since the last time to what a task has counted."""
        for warning in self._heard:
            tally.add_warning(warning)
        self._heard.clear()

    def _keep(self, message: Any, category: type[Warning]) -> None:
        if len(self._heard) < _MOST:
            self._heard[f"{category.__name__}: {message}"] = None
