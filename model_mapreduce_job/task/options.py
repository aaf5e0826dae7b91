"""The options of the job itself, beside those that every mrjob job has: their names, words and checks.

A new one is an entry of OPTIONS and a field, with its default, of TaskOptions (or RunOptions, for one that no
task needs); a test asks for both.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.formats.registry import INPUTS, OUTPUTS
from model_mapreduce_job.models.adapters.model_types import NAMES as MODEL_TYPE_NAMES
from model_mapreduce_job.storage.compressed_output import COMPRESSIONS
from model_mapreduce_job.task.option import (
    NamesModel,
    Option,
    at_least_one,
    price,
    psi,
    seconds,
    share,
    tolerance,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_mapreduce_job.task.run_options import RunOptions

_FLAG: Final = {"action": "store_true"}
_FILE_NAMES: Final = frozenset(
    {"baseline", "bundle", "model_file", "profile", "replay", "report", "summary_file", "verify"}
)

_INPUT: Final = (
    Option(
        "input_protocol", "what the input is", {"choices": INPUTS}, unset="by its names' endings, else ldjson"
    ),
    Option(
        "columns",
        "column names of csv and tsv",
        {"metavar": "A,B,C"},
        unset="the first line of the input has them",
    ),
    Option("delimiter", "what separates the cells of csv", {"metavar": "CHARACTER"}, unset="a comma"),
    Option("decimal", "the decimal mark of numbers in csv and tsv", {"metavar": "CHARACTER"}),
    Option("encoding", "what csv and tsv input is written in, by Python's names; output is UTF-8"),
    Option(
        "null_values",
        "cells of csv and tsv that stand for no value, as an empty one does",
        {"metavar": "NA,NULL"},
    ),
    Option("allow_nan", "read NaN and Infinity in ldjson, as Python's json writes them", _FLAG),
    Option(
        "max_record_bytes",
        "a longer line is a failure",
        {"type": at_least_one, "metavar": "N"},
        unset="16 MiB",
    ),
)

_MODEL: Final = (
    Option(
        "model_qualified_name",
        "the model to predict with (repeatable: several in one pass)",
        {"metavar": "NAME", "action": NamesModel},
        unset="none; required",
    ),
    Option(
        "model_file",
        "a trained model's file, which needs no class: docs/models.md has the kinds (repeatable, and beside "
        "names; NAME=PATH names its model)",
        {"metavar": "PATH", "action": NamesModel},
        unset="none, the configuration has the model",
    ),
    Option(
        "model_type",
        "the library that the model file is of",
        {"choices": MODEL_TYPE_NAMES},
        unset="the file's content says it",
    ),
    Option(
        "model_output",
        "what the model file answers: label, probability, probabilities, value, raw, contributions or an "
        "output's own name; FIELD=NAME renames it (repeatable)",
        {"metavar": "NAME", "action": "append"},
        unset="label and probability, or value",
    ),
    Option(
        "features",
        "the columns of a model file that has no names for them, in its order",
        {"metavar": "A,B,C"},
        unset="the input's columns, if there are as many",
    ),
    Option(
        "trust_model_file",
        "load a model file that can run code, if this is its sha256 (repeatable)",
        {"metavar": "SHA256", "action": "append"},
    ),
    Option("trust_types", "types that a skops file may have beside its own", {"metavar": "A,B,C"}),
    Option(
        "verify",
        "before the run, predict the records of this file, which has the predictions that they must get",
        {"metavar": "PATH"},
    ),
    Option(
        "verify_tolerance",
        "the share by which a number with a fraction may differ from the one that --verify asks for",
        {"type": tolerance, "metavar": "R"},
    ),
    Option(
        "batch_size",
        "records to predict at once",
        {"type": at_least_one, "metavar": "N"},
        unset="found",
    ),
    Option(
        "isolate",
        "predict in a child process that can be lost; auto: from a task's second attempt on",
        {"choices": ("auto", "always", "never")},
    ),
)

_OUTPUT: Final = (
    Option("output_protocol", "how a prediction is written", {"choices": OUTPUTS}),
    Option(
        "key",
        "put only this field of the input into the output (repeatable)",
        {"metavar": "FIELD", "action": "append"},
        unset="the input as it is",
    ),
    Option("quoted_newlines", "cells of csv and tsv in quotes may hold line ends, read and written", _FLAG),
    Option("header", "begin csv and tsv output, and each of its parts, with the names of its columns", _FLAG),
    Option(
        "stamp",
        "say in each record of the output which model predicted it, in which run and when",
        _FLAG,
    ),
    Option(
        "check_duplicates",
        "count the records that repeat an earlier one, and those of them with another prediction",
        _FLAG,
    ),
    Option(
        "output_compression",
        "compress the output: the parts of --output-dir, or standard output",
        {"choices": COMPRESSIONS},
    ),
    Option("fingerprint", "add an order-independent digest of the output", _FLAG),
    Option("summary_file", "write the run's summary there, as JSON", {"metavar": "PATH"}),
    Option("profile", "write there how input and predictions are distributed, as JSON", {"metavar": "PATH"}),
    Option("report", "write there a page of the profile, one HTML file", {"metavar": "PATH"}),
    Option("baseline", "the profile that input and predictions are compared with", {"metavar": "PROFILE"}),
    Option(
        "max_drift",
        "exit 4 when a field is further from the baseline",
        {"type": psi, "metavar": "PSI"},
        unset="any drift is fine",
    ),
    Option("drift_stops", "with --max_drift: publish no output then", _FLAG),
)

_FAILURES: Final = (
    Option("on_error", "what stands for a failed record", {"choices": ("null", "explain")}),
    Option("max_error_rate", "exit 3 when a larger share fails", {"type": share, "metavar": "R"}),
    Option("no_fail_fast", "don't end a run whose first 1,000 records all fail", _FLAG),
    Option(
        "predict_timeout",
        "a record that takes longer is a failure",
        {"type": seconds, "metavar": "SECONDS"},
    ),
    Option("unproven", "publish the output even if the runner reports no counts that prove it whole", _FLAG),
    Option(
        "debug_record",
        "predict line N of the input alone, with its whole traceback; a terminal gets a debugger",
        {"type": at_least_one, "metavar": "N"},
    ),
)

_RUNNING: Final = (
    Option("plan", "start nothing: predict a sample, and show what the run would take and cost", _FLAG),
    Option(
        "price_per_hour",
        "with --plan: what an hour of an instance costs, EC2 and EMR together (repeatable)",
        {"type": price, "metavar": "TYPE=PRICE", "action": "append"},
    ),
    Option(
        "replay",
        "predict again what failed in this earlier output, and keep all else of it: docs/replay.md",
        {"metavar": "DIR"},
    ),
    Option("resume", "go on where a stopped run into the same --output-dir ended", _FLAG),
)

_CLUSTER: Final = (
    Option(
        "bundle",
        "what a cluster's tasks run in",
        {"metavar": "PATH"},
        unset="build/bundle.tar.gz if there is one; or none",
    ),
    Option("no_blocks", "let Hadoop give tasks one line after the other, without the job's own jar", _FLAG),
)

# By the heading that --help has them under.
GROUPS: Final = {
    "input": _INPUT,
    "model": _MODEL,
    "output": _OUTPUT,
    "failures": _FAILURES,
    "running": _RUNNING,
    "cluster": _CLUSTER,
}
OPTIONS: Final = tuple(option for options in GROUPS.values() for option in options)


def texts_in_utf_8(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return those options of a parsed command line that are texts, in whichever encoding the locale has.

    Names of files are left as the system has them; all other texts are compared with what is in files.
    """
    return {
        option.name: _in_utf_8(given[option.name]) for option in OPTIONS if option.name not in _FILE_NAMES
    }


def _in_utf_8(value: Any) -> Any:
    if isinstance(value, list):
        return list(map(_in_utf_8, value))
    return os.fsencode(value).decode(errors="surrogateescape") if isinstance(value, str) else value


def values_of(options: RunOptions) -> dict[str, Any]:
    """Return the value of each of OPTIONS, by its name."""
    values = {
        option.name: getattr(options.task if option.is_of_tasks else options, option.name)
        for option in OPTIONS
    }
    if options.task.several:
        values["model_file"] = options.task.model_files
        values["model_qualified_name"] = options.task.names
    return values
