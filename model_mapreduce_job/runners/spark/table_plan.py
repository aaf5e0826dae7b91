"""What Spark's driver program, and the tasks that it starts, need to know of a run with tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import msgspec

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.registry import TABLES
from model_mapreduce_job.formats.table_format import TableRun  # noqa: TC001 - msgspec looks at it
from model_mapreduce_job.storage.inputs import is_remote, without_host

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from model_mapreduce_job.driver.run_spec import RunSpec
    from model_mapreduce_job.storage.table_files import TableFile

# Where all columns of an ORC file are called so, Spark takes them by their place and not by their name.
_NAMELESS: Final = "_col"

Partition = tuple[tuple[str, str | None], ...]


class TablePlan(msgspec.Struct, frozen=True):
    """A run with tables: the formats of its input and output, "" for text, and Spark's JSON of their columns.

    partitions has what the directories of a file give, by its path; none where none gives any.
    """

    tables: TableRun
    reads: str = ""
    read_columns: str = ""
    writes: str = ""
    written_columns: str = ""
    partitions: dict[str, Partition] = {}

    @classmethod
    def of(cls, text: bytes) -> TablePlan:
        """Return the plan that write() has written."""
        return msgspec.json.decode(text, type=cls)

    def write(self, path: Path, files: Sequence[TableFile], uris: Sequence[str]) -> None:
        """Write the plan, with what the directories of files give, which Spark reads by these URIs."""
        path.write_bytes(msgspec.json.encode(self._with_partitions(files, uris)))

    def _with_partitions(self, files: Sequence[TableFile], uris: Sequence[str]) -> TablePlan:
        if not any(file.partition for file in files):
            return self
        given = zip(files, uris, strict=True)
        paths = (file.path if is_remote(file.path) else unquote(uri) for file, uri in given)
        places = {without_host(path): file.partition for path, file in zip(paths, files, strict=True)}
        return msgspec.structs.replace(self, partitions=places)

    def partition_of(self, uri: str) -> Partition:
        """Return what the directories of a file give, by its URI, which some versions of Spark quote."""
        path = without_host(uri)
        quoted = self.partitions.get(unquote(path))
        return self.partitions[path] if quoted is None else quoted


def plan_of(spec: RunSpec, deploy_mode: str) -> TablePlan | None:
    """Return the plan of a run; None where it has no table. Raises InputError for what it can't be given."""
    begin, task = spec.begin, spec.begin.options
    source = task.source_protocol
    if not (begin.tables.is_read or begin.tables.is_written):
        return None
    _refuse_elsewhere(deploy_mode, {source, task.output_protocol} & TABLES)
    if begin.tables.is_read:
        _refuse_compression(spec.options.output_compression)
        _refuse_nameless(source, spec.options.task.input_fields)
    reads = source if begin.tables.is_read else ""
    writes = task.output_protocol if begin.tables.is_written else ""
    read, written = spec.spark_columns
    return TablePlan(begin.tables, reads, read, writes, written)


def _refuse_elsewhere(deploy_mode: str, tables: set[str]) -> None:
    """Raise InputError where the driver program of a run with tables would run on a cluster's node."""
    if deploy_mode != "client":
        raise InputError(
            f"{min(tables)} on Spark is for --spark-deploy-mode client, and this is {deploy_mode}. "
            "Leave it out, or run text."
        )


def _refuse_compression(name: str | None) -> None:
    if name is not None:
        raise InputError(f"--output_compression {name} on Spark is for text input up to now. Leave it out.")


def _refuse_nameless(table: str, names: Sequence[str]) -> None:
    if table == "orc" and all(name.startswith(_NAMELESS) for name in names):
        raise InputError(
            f"The input's columns are {', '.join(names[:3])}: Spark reads such ORC files by the columns' "
            "places. Give them names, or run with -r local."
        )
