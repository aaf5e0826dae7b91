"""--plan on the driver's side: what the run would be refused for, then the plan, for a person and as JSON."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from model_mapreduce_job.driver.summary_file import write_file
from model_mapreduce_job.plan.command import make_plan, refuse_streams
from model_mapreduce_job.plan.report import report

if TYPE_CHECKING:
    from model_mapreduce_job.driver.checks import Checked
    from model_mapreduce_job.driver.run_spec import RunSpec
    from model_mapreduce_job.plan.plan import Plan
    from model_mapreduce_job.task.job import Job


def plan_run(job: Job, checked: Checked, spec: RunSpec) -> None:
    """Write the plan of a run to the job's standard output, and to --summary_file.

    Raises what the run would be refused for, what make_plan() raises, and, after the report is written,
    TooManyFailuresError when too much of the sample failed, InputError for a --key that none of it has.
    """
    options = checked.options
    refuse_streams(options)
    if not options.verbose:
        # mrjob logs directories and buckets of a run that is not started
        logging.getLogger("mrjob").setLevel(logging.WARNING)
        logging.getLogger("mrjob.conf").setLevel(logging.ERROR)
    plan = replace(_made(job, spec), verified=checked.verified)
    job.stdout.write(f"{report(plan)}\n".encode())
    job.stdout.flush()
    if options.summary_file:
        text = json.dumps({"plan": plan.as_json()}, indent=2)
        write_file("--summary_file", options.summary_file, f"{text}\n")
    fail_fast = not options.task.no_fail_fast
    plan.check(options.max_error_rate, fail_fast=fail_fast, keys=options.keys_to_find)


def _made(job: Job, spec: RunSpec) -> Plan:
    runner = job.make_runner(spec)
    try:
        runner.check_places()
        return make_plan(
            job, spec.options, runner, spec.begin, orders=spec.column_orders, tables=spec.table_files
        )
    finally:
        runner.mrjobs().cleanup(mode=["LOCAL_TMP"])  # nothing else was made
