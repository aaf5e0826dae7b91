"""Blocks instead of lines between Hadoop and its tasks: the jar that a run brings, and what it is set to."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from model_mapreduce_job.driver.dialect_checks import check_lines
from model_mapreduce_job.driver.input_columns import check_order
from model_mapreduce_job.driver.profile_file import check_reports
from model_mapreduce_job.formats.lines import Place
from model_mapreduce_job.pipeline.counters import GROUP
from model_mapreduce_job.pipeline.task_report import TaskReport, merged
from model_mapreduce_job.runners.hadoop import part_compression
from model_mapreduce_job.runners.hadoop.tables import COUNTERS, check_tables, rows_given
from model_mapreduce_job.storage.inputs import without_host
from model_mapreduce_job.storage.java_server import JAR
from model_mapreduce_job.task.delimited_options import text_reading
from model_mapreduce_job.task.frames import FRAMED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from model_mapreduce_job.driver.run_spec import RunSpec
    from model_mapreduce_job.driver.runner import RunReport
    from model_mapreduce_job.formats.text_reading import TextReading
    from model_mapreduce_job.task.task_options import TaskOptions

INPUT_FORMAT: Final = "modelmapreducejob.BlockInputFormat"
OUTPUT_FORMAT: Final = "modelmapreducejob.BlockOutputFormat"
SETTINGS: Final[Mapping[str, str]] = {
    "stream.io.identifier.resolver.class": "modelmapreducejob.BlockResolver",
    "stream.map.input": FRAMED,
    "stream.map.output": FRAMED,
}
# In a run of few tasks, attempts that Hadoop starts to be quicker take the cores of those that it waits for.
_OF_FEW_TASKS: Final[Mapping[str, str]] = {"mapreduce.job.speculative.minimum-allowed-tasks": "0"}
# Tasks are too short for the second compiler: the driver's own client of Hadoop adds this to the site's
# options of map tasks' Java.
OF_SHORT_TASKS: Final[Mapping[str, str]] = {"modelmapreducejob.map.java.opts": "-XX:TieredStopAtLevel=1"}
WHOLE_FILES: Final = "modelmapreducejob.whole.files"
PART_ENDING: Final = "modelmapreducejob.part.ending"
# The directory of the output that tasks' reports are in until it is published.
REPORTS: Final = "_task_reports"
_LINES: Final = "input lines"
_HADOOPS_COUNTERS: Final = "Map-Reduce Framework"
# Settings of a person who wants lines in a way of his own, or has Hadoop sort them.
_SORTING: Final = frozenset({"mapreduce.job.reduces", "mapred.reduce.tasks"})
_OF_LINES: Final = frozenset(
    {*SETTINGS, *_SORTING, "stream.map.input.ignoreKey", "textinputformat.record.delimiter"}
)
_ARGUMENTS_OF_LINES: Final = frozenset({"-inputformat", "-outputformat", "-io"})
_OWN_SCRIPT: Final = "shipped_script.py"  # not that of a job that adds to it
# Hadoop reads the list of jars as URIs, with commas between them.
_PLAIN_PATH: Final = re.compile(r"[\w./+=@~-]+", re.ASCII)


def prepared(runner: Any, spec: RunSpec) -> tuple[RunSpec, bool]:
    """Return a run, and whether its tasks are given blocks, for which an mrjob runner is then set up.

    Raises InputError for what the run asks for, and tasks can't do with what they are given.
    """
    by_blocks, jobconf = takes_blocks(runner, spec), runner._opts["jobconf"]
    check_tables(spec, jobconf, by_blocks=by_blocks)
    checked = part_compression.checked(spec, jobconf, by_tasks=by_blocks)
    if by_blocks:
        ship_blocks(runner)
    else:
        check_order(spec.column_orders, "the others")
        check_lines(spec.options)
    return checked, by_blocks


def takes_blocks(runner: Any, spec: RunSpec) -> bool:
    """Return whether the tasks of an mrjob runner are given blocks.

    They are where the job's own mapper is all of the job, and nobody has asked for another way. Raises
    InputError for what is asked for, and comes with blocks alone.
    """
    step = runner._get_step(0)
    is_plain = set(step) <= {"type", "mapper", "jobconf"} and step.get("mapper") == {"type": "script"}
    is_own = runner._script_path and Path(runner._script_path).name == _OWN_SCRIPT
    formats = runner._hadoop_input_format or runner._hadoop_output_format
    given = {*runner._opts["jobconf"], *step.get("jobconf", {})} & _OF_LINES
    arguments = _ARGUMENTS_OF_LINES & {*runner._opts["hadoop_extra_args"]}
    asked = spec.options.no_blocks or formats or given or arguments
    takes = bool(runner._num_steps() == 1 and is_plain and is_own and not asked)
    if not takes:
        check_reports(spec.options)
    return takes


def ship_blocks(runner: Any) -> None:
    """Let an mrjob runner's tasks be given blocks, by this package's jar."""
    jar = JAR
    if not _PLAIN_PATH.fullmatch(str(jar)):
        jar = Path(runner._get_local_tmp_dir(), JAR.name)
        shutil.copyfile(JAR, jar)
    runner._opts["libjars"] = [*runner._opts["libjars"], str(jar)]
    runner._hadoop_input_format = INPUT_FORMAT
    runner._hadoop_output_format = OUTPUT_FORMAT


def settings(spec: RunSpec) -> dict[str, str]:
    """Return Hadoop's settings of the blocks of a run, and of tables that are its output."""
    whole = not text_reading(spec.options.task).splits_at_lines
    ending = {PART_ENDING: spec.begin.part_ending} if spec.begin.part_ending else {}
    return {**SETTINGS, **_OF_FEW_TASKS, WHOLE_FILES: str(whole).lower(), **ending}


def options_of_tasks(spec: RunSpec, uri_of: Callable[[str], str]) -> TaskOptions:
    """Return the options of a run's tasks with what they need to know of its files.

    uri_of returns the URI that a file has on the cluster, by which tasks know it.
    """

    def known(path: str) -> str:
        return without_host(uri_of(path))

    return msgspec.structs.replace(
        spec.options.task,
        column_orders={known(path): tuple(order.places) for path, order in spec.column_orders.items()},
        tables=spec.begin.tables,
        partitions={known(file.path): file.partition for file in spec.table_files if file.partition},
    )


def with_reports(
    report: RunReport, chunks: Iterable[bytes], file_of: Callable[[str], str], spec: RunSpec
) -> RunReport:
    """Return what a run amounts to with its tasks' reports, a text as reports_in() reads it."""
    tasks = reports_in(chunks, file_of)
    given = records_given(report.counters, tasks, spec)
    return report if given is None else replace(report, input_records=given, tasks=tasks)


def records_given(counters: Mapping[str, Mapping[str, int]], tasks: TaskReport, spec: RunSpec) -> int | None:
    """Return how many records a run's tasks were given; None where nothing says it."""
    if spec.begin.tables.is_read:
        return rows_given(counters, tasks, spec)
    return lines_given(counters, text_reading(spec.options.task))


def lines_given(counters: Mapping[str, Mapping[str, int]], reading: TextReading) -> int | None:
    """Return how many lines Hadoop gave its tasks by the jar's own count; None without Hadoop's counters.

    Rows of several lines, and characters of several bytes, are known to the tasks alone: then it's what their
    counters say, which come another way than their reports.
    """
    if _HADOOPS_COUNTERS not in counters:
        return None
    group, name = (COUNTERS, _LINES) if reading.splits_at_lines else (GROUP, "lines")
    return counters.get(group, {}).get(name, 0)


def reports_in(chunks: Iterable[bytes], file_of: Callable[[str], str]) -> TaskReport:
    """Return what tasks report together, from a text with one report a line.

    file_of returns a person's name for a file's URI.
    """

    def named(place: Place) -> Place:
        return Place(place.line, file_of(place.file), place.start)

    return merged(TaskReport.from_json(line).with_places(named) for line in _lines(chunks))


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    begun: list[bytes] = []  # a report with a profile is a line of many chunks
    for chunk in chunks:
        *ended, rest = chunk.split(b"\n")
        for end in ended:
            yield b"".join([*begun, end]).decode("ascii")
            begun = []
        begun.append(rest)
    if last := b"".join(begun):
        yield last.decode("ascii")
