"""What the job gives its runner to know, before a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from model_mapreduce_job.task.messages import Begin
from model_mapreduce_job.task.run_options import RunOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from model_mapreduce_job.formats.column_order import ColumnOrder
    from model_mapreduce_job.storage.table_files import TableFile
    from model_mapreduce_job.task.first_worker import FirstWorker


class RunSpec(msgspec.Struct, frozen=True):
    """What the job gives its runner: which steps' mappers predict, and the options.

    identity returns what the output depends on, beside the input and mrjob's own options. begin is what a
    worker is sent first; show is called with each line that a model's code writes; first_worker is there
    already, for a runner that starts its workers with nothing else than the driver has. input_states has the
    state of each file that the driver has read the columns of. table_files are the input's, where that is a
    table, which begin says; spark_columns are what Spark reads and writes of tables, as Surveyed has them.
    """

    predicted_steps: frozenset[int] = frozenset()
    identity: Callable[[], dict[str, str]] = dict
    options: RunOptions = msgspec.field(default_factory=RunOptions)
    begin: Begin = msgspec.field(default_factory=Begin)
    show: Callable[[bytes], None] | None = None
    first_worker: FirstWorker | None = None
    column_orders: Mapping[str, ColumnOrder] = msgspec.field(default_factory=dict)
    input_states: Mapping[str, tuple[int, ...]] = msgspec.field(default_factory=dict)
    table_files: tuple[TableFile, ...] = ()
    spark_columns: tuple[str, str] = ("", "")

    def check_columns(self) -> None:
        """Raise InputError where the input's columns are not those that the run's models need.

        A runner of a cluster calls it before it starts anything: the answer was asked for earlier.
        """
        if self.first_worker:
            self.first_worker.check_columns()

    @property
    def predicted_step(self) -> int:
        """The step whose predictions the run is about."""
        return min(self.predicted_steps, default=0)

    @property
    def table_rows(self) -> int | None:
        """How many rows the input has, as its files say; None where it is no table."""
        return sum(file.rows for file in self.table_files) if self.begin.tables.is_read else None
