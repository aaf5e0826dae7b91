"""Python's warnings that a model's code gives, kept for the run's summary."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_mapreduce_job.pipeline.task_report import ReportBuilder

# Enough to fill a summary; a model that warns of each record has one entry.
_MOST = 20


class ModelWarnings:
    """The warnings of this process that are in no report yet; each is shown as Python shows it, too."""

    def __init__(self) -> None:
        self._warnings: dict[str, None] = {}

    @contextmanager
    def kept(self) -> Iterator[Self]:
        """Keep the warnings that are given within a with statement."""
        show = warnings.showwarning

        def keep_and_show(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
            self._keep(message, category)
            show(message, category, *place, **more)

        warnings.showwarning = keep_and_show
        try:
            yield self
        finally:
            if warnings.showwarning is keep_and_show:  # else somebody else has come to show them
                warnings.showwarning = show

    def add_to(self, report: ReportBuilder) -> None:
        """Add the warnings since the last time to a task's report."""
        for warning in self._warnings:
            report.add_warning(warning)
        self._warnings.clear()

    def _keep(self, message: Any, category: type[Warning]) -> None:
        if len(self._warnings) < _MOST:
            self._warnings[f"{category.__name__}: {message}"] = None
