"""Whether a run's output can be compressed as --output_compression asks, and who compresses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.registry import TABLES
from model_mapreduce_job.task.job import has_further_steps

if TYPE_CHECKING:
    from model_mapreduce_job.task.job import Job
    from model_mapreduce_job.task.run_options import RunOptions


def with_part_compression(job: Job, options: RunOptions) -> RunOptions:
    """Return options with tasks that compress the parts of an output directory themselves.

    Standard output is compressed by the driver, as one stream. Raises InputError where neither can be.
    """
    compression = options.output_compression
    if compression is None:
        return options
    if options.task.output_protocol in TABLES:
        raise InputError(
            f"--output_compression {compression} is for text, and {options.task.output_protocol} output is "
            "compressed by itself, with zstd. Leave it out."
        )
    if options.output_dir is None:
        if job.stdout.isatty() and not (options.plan or options.debug_record):
            raise InputError(
                f"--output_compression {compression} would write compressed bytes to a terminal. "
                "Send standard output to a file, or name an --output-dir."
            )
        return options
    if job.should_cat_output():
        raise InputError(
            f"--output_compression {compression} compresses parts or standard output, and --cat-output asks "
            "for both. Leave it out."
        )
    if has_further_steps(job) or not job.predicts(0):
        raise InputError(
            f"--output_compression {compression} of an --output-dir is for jobs of one mapper, and this one "
            "has further steps. Leave it out, or send the output to standard output."
        )
    return options.with_task(part_compression=compression)
