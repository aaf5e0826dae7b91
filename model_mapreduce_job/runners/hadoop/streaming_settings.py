"""The settings of a streaming step, the same on Hadoop and on EMR."""

from __future__ import annotations

from typing import Final

JOB_NAME: Final = "mapreduce.job.name"


def streaming_settings(job_name: str, *, reduces: bool, marks_success: bool) -> dict[str, str]:
    """Return Hadoop's settings for a step: bytes are read and written as they are, all files are found.

    job_name is what YARN lists the application by, reduces says that a reducer writes the output, and
    marks_success that Hadoop may write _SUCCESS itself, before the driver has checked the run.
    """
    writer = "reduce" if reduces else "map"
    return {
        JOB_NAME: job_name,
        # Hadoop would also end a line at a CR, and append a TAB to an output line that has none
        "textinputformat.record.delimiter": "\n",
        f"stream.{writer}.output": "keyonlytext",
        # a directory in an input directory is "Not a file" otherwise
        "mapreduce.input.fileinputformat.input.dir.recursive": "true",
        "mapreduce.fileoutputcommitter.marksuccessfuljobs": str(marks_success).lower(),
    }
