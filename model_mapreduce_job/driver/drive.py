"""The driver's side of a run: what comes before it, the proof and the output after it."""

from __future__ import annotations

import codecs
import json
import logging
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from mrjob.step import StepFailedException

from model_mapreduce_job.driver.checks import check
from model_mapreduce_job.driver.hidden_values import hide_values
from model_mapreduce_job.driver.run_plan import RunPlan
from model_mapreduce_job.driver.signals import signals_as_exit
from model_mapreduce_job.driver.summary_file import write_summary_file
from model_mapreduce_job.exceptions import IncompleteRunError, InputError, ModelMapReduceError
from model_mapreduce_job.pipeline.summary import Proof, RunSummary
from model_mapreduce_job.task.options import ON_THIS_MACHINE, OPTIONS
from model_mapreduce_job.task.standard_streams import ReaderGoneError

if TYPE_CHECKING:
    from model_mapreduce_job.task.job import Job


@signals_as_exit()
def drive(job: Job) -> None:
    """Run a job on the runner that was chosen, prove that it is complete, and only then give its output.

    Raises ModelMapReduceError.
    """
    _set_up_logs(job)
    with job.first_worker() as first:
        check(job, first)
        if job.options.plan:
            from model_mapreduce_job.plan.command import plan_job  # noqa: PLC0415 - no task and no run needs it

            plan_job(job)
            return
        if not job.options.debug_record:
            _run(job)
            return
    # the first worker has ended: another process will load the model
    from model_mapreduce_job.driver.debug_record import become_debugger, find_line  # noqa: PLC0415 - as above

    become_debugger(job, find_line(job, job.options.debug_record))


def _run(job: Job) -> None:
    started = monotonic()
    with job.make_runner() as runner:
        try:
            runner.run()
            _finish(job, runner, monotonic() - started)
        except StepFailedException as error:
            failure = IncompleteRunError(f"The run failed: {error}")
            _note_what_is_kept(runner, failure)
            raise failure from error
        except BaseException as error:
            _note_what_is_kept(runner, error)
            raise


def _note_what_is_kept(runner: Any, error: BaseException) -> None:
    if hasattr(runner, "stop") and (kept := runner.stop()):
        error.add_note(kept)


def plan_of(job: Job) -> RunPlan:
    """Return what a job gives a local runner to know."""
    return RunPlan(
        fail_fast=not job.options.no_fail_fast,
        predicted_steps=frozenset(filter(job.predicts, range(len(job.steps())))),
        identity=lambda: job.first_worker().identity(),
        max_record_bytes=job.options.max_record_bytes,
        resume=job.options.resume,
        quiet=bool(job.options.quiet),
        begin=job.begin(),
        show=job.show,
        first_worker=job.first_worker(),
        column_orders=job.column_orders,
    )


def _set_up_logs(job: Job) -> None:
    stream = codecs.getwriter("utf_8")(job.stderr)
    job.set_up_logging(quiet=job.options.quiet, verbose=job.options.verbose, stream=stream)
    if job.options.verbose and not job.options.quiet:
        hide_values(job.options)
    if job.options.runner in ON_THIS_MACHINE and not job.options.verbose:
        # what mrjob tells of its steps on one machine is no news to anybody
        logging.getLogger("mrjob").setLevel(logging.WARNING)
        logging.getLogger("mrjob.conf").setLevel(logging.ERROR)


def _finish(job: Job, runner: Any, seconds: float) -> None:
    """Show what a run amounts to; publish and print its output only when that is proven whole.

    The summary is written last: whatever becomes of it, the output stays.
    """
    summary = _summary(job, runner, seconds)
    if not job.options.quiet or summary.proof is not Proof.COMPLETE:
        job.stderr.write(f"{summary.table()}\n".encode(errors="backslashreplace"))
        job.stderr.flush()
    elif serious := summary.serious_warnings():
        job.stderr.write(f"{serious}\n".encode(errors="backslashreplace"))
        job.stderr.flush()
    try:
        summary.check(job.options.max_error_rate, unproven=job.options.unproven)
        summary.check_keys(job.options.key or [])
        if hasattr(runner, "publish"):
            runner.publish()
        if job.should_cat_output():
            _print_output(job, runner)
    except Exception:
        with suppress(InputError):  # the first error is the one to mend
            _write_summary(job, runner, summary)
        raise
    _write_summary(job, runner, summary)


def _summary(job: Job, runner: Any, seconds: float) -> RunSummary:
    """Return the summary of the step that predicts."""
    step = next(filter(job.predicts, range(len(job.steps()))), 0)
    counters = dict(enumerate(runner.counters() or [])).get(step, {})
    examples = runner.local_run.examples if hasattr(runner, "local_run") else {}
    warnings = runner.local_run.warnings if hasattr(runner, "local_run") else []
    input_records = runner.input_records() if step == 0 and hasattr(runner, "input_records") else None
    return RunSummary.of(counters, seconds, examples, input_records, warnings)


def _print_output(job: Job, runner: Any) -> None:
    try:
        for chunk in runner.cat_output():
            job.stdout.write(chunk)
        job.stdout.flush()
    except ReaderGoneError:
        raise
    except OSError as error:
        raise InputError(
            f"The output can't be written: {error.strerror}. What was written of it is not whole."
        ) from error


def _write_summary(job: Job, runner: Any, summary: RunSummary) -> None:
    if job.options.summary_file:
        text = json.dumps({**_circumstances(job, runner), **summary.as_json()}, indent=2, default=str)
        write_summary_file(job.options.summary_file, f"{text}\n")


def _circumstances(job: Job, runner: Any) -> dict[str, Any]:
    """Return what a summary has of a run beside its counts."""
    options = vars(job.options)
    facts = runner.local_run.model if hasattr(runner, "local_run") else None
    if facts is None:
        with suppress(ModelMapReduceError):  # the tasks have the model; this machine need not
            facts = job.first_worker().load().model
    model = {
        "qualified_name": job.options.model_qualified_name,
        "version": facts and facts.version,
        "files": facts.files if facts else {},
    }
    return {
        "model": model,
        "runner": job.options.runner or "inline",
        "input": job.options.args or ["-"],
        "options": {option.name: options[option.name] for option in OPTIONS},
    }
