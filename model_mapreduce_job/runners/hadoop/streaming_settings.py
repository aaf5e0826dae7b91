"""The settings of a streaming step, the same on Hadoop and on EMR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.runners.hadoop import blocks, part_compression

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_mapreduce_job.driver.run_spec import RunSpec

JOB_NAME: Final = "mapreduce.job.name"


def step_settings(
    job_name: str, step: Mapping[str, Any], spec: RunSpec, *, by_blocks: bool
) -> dict[str, str]:
    """Return Hadoop's settings for one of mrjob's steps; job_name is what YARN lists its application by."""
    return {
        JOB_NAME: job_name,
        **(blocks.settings(spec) if by_blocks else line_settings(step)),
        **part_compression.settings(spec.options),
        # a directory in an input directory is "Not a file" otherwise
        "mapreduce.input.fileinputformat.input.dir.recursive": "true",
        # _SUCCESS comes when the run was checked
        "mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
    }


def line_settings(step: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings by which the lines of one of mrjob's steps are read and written as they are."""
    reduces = "reducer" in step
    # Hadoop would also end a line at a CR, and append a TAB to an output line that has none
    settings = {"textinputformat.record.delimiter": "\n"}
    if not (reduces and "combiner" in step):  # whose output is read as the reducer's is, and has values
        settings[f"stream.{'reduce' if reduces else 'map'}.output"] = "keyonlytext"
    return settings
