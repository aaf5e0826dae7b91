"""The settings of a streaming step, the same on Hadoop and on EMR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

JOB_NAME: Final = "mapreduce.job.name"


def streaming_settings(job_name: str, ways: Mapping[str, str], *, marks_success: bool) -> dict[str, str]:
    """Return Hadoop's settings for a step: all files are found.

    job_name is what YARN lists the application by, ways are the settings of how bytes come and go, and
    marks_success says that Hadoop may write _SUCCESS itself, before the driver has checked the run.
    """
    return {
        JOB_NAME: job_name,
        **ways,
        # a directory in an input directory is "Not a file" otherwise
        "mapreduce.input.fileinputformat.input.dir.recursive": "true",
        "mapreduce.fileoutputcommitter.marksuccessfuljobs": str(marks_success).lower(),
    }


def line_settings(step: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings by which the lines of one of mrjob's steps are read and written as they are."""
    reduces = "reducer" in step
    # Hadoop would also end a line at a CR, and append a TAB to an output line that has none
    settings = {"textinputformat.record.delimiter": "\n"}
    if not (reduces and "combiner" in step):  # whose output is read as the reducer's is, and has values
        settings[f"stream.{'reduce' if reduces else 'map'}.output"] = "keyonlytext"
    return settings
