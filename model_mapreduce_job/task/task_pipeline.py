"""What a task predicts with, wherever it does, and the clock of its batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from model_mapreduce_job.pipeline.task_report import ReportBuilder
    from model_mapreduce_job.task.keeper import Page


class TaskPipeline(Protocol):
    """A task's way from lines to lines, in this process or isolated, and the report of what went through."""

    report: ReportBuilder
    first_of_run: bool

    def predict_lines(self, blocks: Iterable[Any]) -> Iterator[Any]:
        """Yield the output of each batch, in order: lines, or rows of a table."""
        ...

    def header(self) -> bytes | None:
        """Return the line that the output begins with, None where it begins with a record's."""
        ...


class Watched:
    """Limits the time that a batch may take, in seconds, by the keeper's clock."""

    def __init__(self, page: Page, seconds: float) -> None:
        self._page = page
        self._seconds = seconds

    def begin(self) -> None:
        """Begin a batch."""
        self._page.begin(self._seconds)

    def end(self) -> None:
        """End it."""
        self._page.end()
