"""Tables on Hadoop: what a run may not have beside them, the list of what each task reads, and its rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.exceptions import IncompleteRunError, InputError
from model_mapreduce_job.formats.registry import FORMATS
from model_mapreduce_job.printable import counted
from model_mapreduce_job.runners.hadoop.part_compression import COMPRESS
from model_mapreduce_job.storage.cluster_paths import InputState
from model_mapreduce_job.storage.hadoop_fs import FoundFile
from model_mapreduce_job.storage.inputs import is_remote, without_host
from model_mapreduce_job.storage.remote_tables import remote_state
from model_mapreduce_job.storage.table_ranges import as_text, table_ranges

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from model_mapreduce_job.driver.run_spec import RunSpec
    from model_mapreduce_job.pipeline.task_report import TaskReport
    from model_mapreduce_job.storage.table_ranges import Ranges

_RANGES: Final = "modelmapreducejob.ranges"
_RANGES_FILE: Final = "ranges.txt"
# The group of the jar's own counters.
COUNTERS: Final = "blocks"
_BYTES: Final = "input bytes"
_LEAST: Final = ("mapreduce.input.fileinputformat.split.minsize", "mapred.min.split.size")
_TASKS: Final = ("mapreduce.job.maps", "mapred.map.tasks")
_HADOOPS_TASKS: Final = 2


def check_tables(spec: RunSpec, jobconf: Mapping[str, Any], *, by_blocks: bool) -> None:
    """Raise InputError for a run that has tables, and can't have them."""
    tables = spec.begin.tables
    if not (tables.is_read or tables.is_written):
        return
    if not by_blocks:
        raise InputError(
            "Tables come in blocks on Hadoop and EMR, which are for the job's own mapper alone, without "
            "--no_blocks, formats of Hadoop's and settings of lines. Leave these out, or choose text."
        )
    if tables.is_written and str(jobconf.get(COMPRESS, "false")).lower() != "false":
        raise InputError(
            f"{COMPRESS}={jobconf[COMPRESS]} is for text: {spec.options.task.output_protocol} compresses "
            "what is in it. Leave it out."
        )


def list_ranges(runner: Any, spec: RunSpec, uri_of: Callable[[str], str]) -> dict[str, str]:
    """Let an mrjob runner upload the list of what each task reads; return the setting that names it.

    Without tables there is none.
    """
    if not spec.begin.tables.is_read:
        return {}
    splits = table_splits(spec, runner._opts["jobconf"])
    path = Path(runner._get_local_tmp_dir(), _RANGES_FILE)
    path.write_bytes(as_text(splits, uri_of))
    return {_RANGES: runner._upload_mgr.add(str(path))}


def table_splits(spec: RunSpec, jobconf: Mapping[str, Any]) -> list[Ranges]:
    """Return what of the files of a run's tables each task reads, by Hadoop's settings."""
    tasks, least = split_settings(jobconf)
    has_footer = FORMATS[spec.options.task.source_protocol].has_footer
    return table_ranges(spec.table_files, tasks, least, whole=not has_footer)


def split_settings(jobconf: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many tasks Hadoop is asked for, and the least bytes of a split. Raises InputError."""
    return _number(jobconf, _TASKS, _HADOOPS_TASKS), _number(jobconf, _LEAST, 1)


def _number(jobconf: Mapping[str, Any], names: Iterable[str], default: int) -> int:
    """Return what a setting of Hadoop's says, by the first of its names that is there."""
    for name in names:
        if name in jobconf:
            try:
                return int(jobconf[name])
            except ValueError as error:
                raise InputError(f"-D {name}={jobconf[name]} is no whole number. Correct it.") from error
    return default


def rows_given(counters: Mapping[str, Mapping[str, int]], tasks: TaskReport, spec: RunSpec) -> int | None:
    """Return how many rows a run's tasks were given; None where Hadoop has no counters that are needed.

    Files with a footer say it. Of others all bytes were given, and each task has read as many rows of them as
    their blocks name. Raises IncompleteRunError where bytes are missing.
    """
    if FORMATS[spec.options.task.source_protocol].has_footer:
        return sum(file.rows for file in spec.table_files)
    given = counters.get(COUNTERS, {}).get(_BYTES)
    size = sum(file.size for file in spec.table_files)
    if given is not None and given != size:
        raise IncompleteRunError(
            f"Tasks were given {given:,} of the {counted(size, 'byte')} of the input. Run it again."
        )
    return None if given is None else tasks.counters.lines


def refuse_if_changed(spec: RunSpec, states: Mapping[str, object]) -> None:
    """Raise InputError for a file that has changed since the columns of the run's tables were looked at.

    states are those of the input's files now, by their URIs and absolute paths.
    """
    if not spec.begin.tables.is_read:
        return
    known = {file.path: file.state for file in spec.table_files}
    found = {path: _state(state) for path, state in states.items()}
    InputState(_by_path(known)).check_same(InputState(_by_path(found)))


def _by_path(states: Mapping[str, object]) -> dict[str, object]:
    return {without_host(path) if is_remote(path) else path: state for path, state in states.items()}


def _state(state: Any) -> object:
    return remote_state(state) if isinstance(state, FoundFile) else state
