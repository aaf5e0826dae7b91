"""What a runner starts before the driver has looked at the model and the input, which takes as long."""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from model_mapreduce_job.driver.compressed_parts import with_part_compression
from model_mapreduce_job.exceptions import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_mapreduce_job.task.job import Job
    from model_mapreduce_job.task.run_options import RunOptions


def start_in_advance(job: Job, options: RunOptions) -> None:
    """Start Spark for a run with these options, if it's to be on this machine; the job has it then."""
    if options.runner != "spark" or options.plan or options.debug_record:
        return
    with suppress(InputError, OSError), _in_silence():  # the run itself will say what is wrong
        runner = job.make_plain_runner()
        try:
            job.advance = runner.in_advance(with_part_compression(job, options))
        finally:
            if job.advance is None:
                runner.cleanup(mode=["LOCAL_TMP"])  # nothing else was made


@contextmanager
def ended_with_the_run(job: Job) -> Iterator[None]:
    """End what was started in advance if the run does not come about."""
    try:
        yield
    finally:
        if job.advance:
            job.advance.close()


@contextmanager
def _in_silence() -> Iterator[None]:
    log = logging.getLogger("mrjob")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)
