"""What the job gives its runner to know, before a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from model_mapreduce_job.task.messages import Begin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from model_mapreduce_job.formats.column_order import ColumnOrder
    from model_mapreduce_job.task.first_worker import FirstWorker


@dataclass(frozen=True)
class RunPlan:
    """What the job tells its runner: which steps' mappers predict, and the options that are the driver's.

    identity returns what the output depends on, beside the input and mrjob's own options. begin is what a
    worker is sent first; show is called with each line that a model's code writes; first_worker is there
    already, for a runner that starts its workers with nothing else than the driver has.
    """

    predicted_steps: frozenset[int] = frozenset()
    identity: Callable[[], dict[str, str]] = dict
    max_record_bytes: int = 0
    resume: bool = False
    quiet: bool = False
    fail_fast: bool = False
    begin: Begin = field(default_factory=lambda: Begin({}))
    show: Callable[[bytes], None] | None = None
    first_worker: FirstWorker | None = None
    column_orders: Mapping[str, ColumnOrder] = field(default_factory=dict)
