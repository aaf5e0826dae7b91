"""The driver's side of a run: what comes before it, the proof and the output after it."""

from __future__ import annotations

import codecs
import json
import logging
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import msgspec
from mrjob.step import StepFailedException
from msgspec.structs import replace

from model_mapreduce_job.driver.advance import ended_with_the_run
from model_mapreduce_job.driver.checks import Checked, check
from model_mapreduce_job.driver.duplicates import RunDuplicates
from model_mapreduce_job.driver.header_once import header_once, without_later_headers
from model_mapreduce_job.driver.hidden_values import hide_values
from model_mapreduce_job.driver.profile_file import RunProfile
from model_mapreduce_job.driver.run_spec import RunSpec
from model_mapreduce_job.driver.run_stamp import stamp_identity
from model_mapreduce_job.driver.runner import cleaned_up, note_what_is_kept
from model_mapreduce_job.driver.summary_file import write_file
from model_mapreduce_job.driver.verification import verified_row
from model_mapreduce_job.exceptions import IncompleteRunError, InputError, ModelMapReduceError
from model_mapreduce_job.models.content_digest import digest_of
from model_mapreduce_job.pipeline.summary import Proof, RunSummary
from model_mapreduce_job.storage.compressed_output import compressing
from model_mapreduce_job.task.options import values_of
from model_mapreduce_job.task.signals import ignore_signals_at_the_end, signals_as_exit
from model_mapreduce_job.task.standard_streams import ReaderGoneError

if TYPE_CHECKING:
    from model_mapreduce_job.driver.runner import Runner, RunReport
    from model_mapreduce_job.task.job import Job
    from model_mapreduce_job.task.messages import ModelFacts
    from model_mapreduce_job.task.run_options import RunOptions

_NOT_WHOLE: Final = "What was written of the output is not whole."


@signals_as_exit()
def drive(job: Job) -> None:
    """Run a job on the runner that was chosen, prove that it is complete, and only then give its output.

    Raises ModelMapReduceError.
    """
    _set_up_logs(job)
    with job.first_worker() as first, ended_with_the_run(job):
        job.import_runner()
        checked = check(job, first)
        options = checked.options
        if options.plan:
            from model_mapreduce_job.driver.plan_run import plan_run  # noqa: PLC0415 - no run needs it

            plan_run(job, checked, spec_of(job, checked))
            return
        if not options.debug_record:
            _run(job, checked)
            ignore_signals_at_the_end()
            return
    # the first worker has ended: another process will load the model
    from model_mapreduce_job.driver.debug_record import become_debugger, find_line  # noqa: PLC0415 - as above

    become_debugger(options.task, find_line(checked, options.debug_record))


def _run(job: Job, checked: Checked) -> None:
    started = monotonic()
    with cleaned_up(job.make_runner(spec_of(job, checked))) as runner:
        try:
            runner.run()
            _finish(job, checked, runner, monotonic() - started)
        except StepFailedException as error:
            failure = IncompleteRunError(f"The run failed: {error}")
            note_what_is_kept(runner, failure)
            raise failure from error
        except BaseException as error:
            note_what_is_kept(runner, error)
            raise


def spec_of(job: Job, checked: Checked | None = None) -> RunSpec:
    """Return what a job's runner is given to know; of its command line alone where nothing was checked."""
    checked = checked or Checked(job.run_options)
    options = checked.options
    begin = replace(job.begin(options.task), tables=checked.surveyed.tables)
    return RunSpec(
        options=options,
        predicted_steps=frozenset(filter(job.predicts, range(len(job.steps())))),
        identity=lambda: {
            **job.first_worker().identity(),
            **_columns(checked),
            **stamp_identity(options),
            "output_compression": str(options.output_compression),
        },
        begin=begin,
        show=job.show,
        first_worker=job.first_worker(),
        column_orders=checked.column_orders,
        input_states=checked.input_states,
        table_files=checked.surveyed.files,
        spark_columns=checked.surveyed.for_spark,
    )


def _columns(checked: Checked) -> dict[str, str]:
    """Return what the columns of a run's tables are, as one run's can be compared with another's."""
    tables = msgspec.structs.astuple(checked.surveyed.tables)
    return {"columns": digest_of(list(tables), follow=False)} if any(tables) else {}


def _set_up_logs(job: Job) -> None:
    options, stream = job.run_options, codecs.getwriter("utf_8")(job.stderr)
    job.set_up_logging(quiet=options.quiet, verbose=options.verbose, stream=stream)
    if options.verbose and not options.quiet:
        hide_values(job.secrets(), options)
    if options.is_on_this_machine and not options.verbose:
        # on one machine, mrjob's own report of its steps adds nothing
        logging.getLogger("mrjob").setLevel(logging.WARNING)
        logging.getLogger("mrjob.conf").setLevel(logging.ERROR)


def _finish(job: Job, checked: Checked, runner: Runner, seconds: float) -> None:
    """Show what a run amounts to; publish and print its output only when that is proven whole.

    The summary is written last: if that fails, the output stays.
    """
    options, report = checked.options, runner.report()
    summary, kept = report.summary(seconds), RunProfile.of(options, report.tasks)
    duplicates = RunDuplicates.of(options, report.tasks)
    _show(job, checked, summary, kept.in_words(options) + duplicates.in_words())
    try:
        summary.check(options.max_error_rate, unproven=options.unproven)
        summary.check_keys(options.keys_to_find)
        duplicates.check()
        if options.drift_stops:
            kept.check(options, is_published=False)
        runner.publish()
        if job.should_cat_output():
            _print_output(job, options, runner)
    except Exception:
        with suppress(InputError):  # the first error is the one to mend
            _write_files(job, checked, report, summary, kept)
        raise
    _write_files(job, checked, report, summary, kept)
    kept.check(options, is_published=True)


def _show(job: Job, checked: Checked, summary: RunSummary, found: str) -> None:
    if not checked.options.quiet or summary.proof is not Proof.COMPLETE:
        verified = verified_row(checked.verified)
        job.stderr.write(f"{verified}{found}{summary.table()}\n".encode(errors="backslashreplace"))
        job.stderr.flush()
    elif serious := summary.serious_warnings():
        job.stderr.write(f"{serious}\n".encode(errors="backslashreplace"))
        job.stderr.flush()


def _print_output(job: Job, options: RunOptions, runner: Runner) -> None:
    chunks = runner.cat_output()
    if options.task.header:  # the local runners alone say where a part ends
        chunks = header_once(chunks) if options.is_on_this_machine else without_later_headers(chunks)
    try:
        with compressing(job.stdout.write, options.output_compression) as write:
            for chunk in chunks:
                write(chunk)
        job.stdout.flush()
    except ReaderGoneError:
        raise
    except OSError as error:
        raise InputError(f"The output can't be written: {error.strerror}. {_NOT_WHOLE}") from error
    except (KeyboardInterrupt, SystemExit) as stopped:
        stopped.add_note(_NOT_WHOLE)
        raise


def _write_files(
    job: Job, checked: Checked, report: RunReport, summary: RunSummary, kept: RunProfile
) -> None:
    options, verified = checked.options, checked.verified
    if not (options.summary_file or options.is_profiled):
        return
    facts = {**_run_facts(job, options, report), "verified": verified and verified.as_json()}
    duplicates = RunDuplicates.of(options, report.tasks).as_json()
    text = json.dumps({**facts, **summary.as_json(), **kept.as_json(), **duplicates}, indent=2, default=str)
    if options.summary_file:
        write_file("--summary_file", options.summary_file, f"{text}\n")
    kept.write(options, json.loads(text))


def _of_model_file(facts: ModelFacts | None) -> dict[str, Any]:
    return {"kind": facts.kind, "columns": facts.columns} if facts and facts.kind else {}


def _model_facts(name: str, facts: ModelFacts | None) -> dict[str, Any]:
    return {
        "qualified_name": name,
        "version": facts and facts.version,
        "files": facts.files if facts else {},
        **_of_model_file(facts),
    }


def _run_facts(job: Job, options: RunOptions, report: RunReport) -> dict[str, Any]:
    """Return what a summary has of a run beside its counts."""
    facts = report.models
    if not facts:
        with suppress(ModelMapReduceError):  # the tasks have the model; this machine need not
            facts = job.first_worker().load().models
    models = [_model_facts(name, facts.get(name)) for name in options.task.names]
    return {
        **({"models": models} if options.task.several else {"model": models[0]}),
        "runner": options.runner,
        "input": options.inputs,
        "options": values_of(options),
        "run": {"id": options.task.run_id, "time": options.task.run_time} if options.task.stamp else None,
    }
