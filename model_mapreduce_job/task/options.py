"""The options of the job itself, beside those that every mrjob job has."""

from __future__ import annotations

import argparse
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.formats.lines import DEFAULT_MAX_RECORD_BYTES
from model_mapreduce_job.task.factory import INPUT_PROTOCOLS, OUTPUT_PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Callable

# What --runner says when the tasks run on the driver's own machine.
ON_THIS_MACHINE = frozenset({None, "inline", "local"})

# What can be counted, and waited for, everywhere: 32 bits, of milliseconds for a time.
_MOST = 2**31 - 1
_MOST_SECONDS = 2_000_000
_LONGEST_NUMBER = 50


@dataclass(frozen=True)
class Option:
    """One option: its name in snake case (hyphens are accepted as well) and argparse's arguments for it.

    Tasks are told those for which passed_on is true; the others are the driver's own affair.
    """

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    passed_on: bool = True

    @property
    def spellings(self) -> list[str]:
        """Return what may be written on the command line, the documented spelling first."""
        return list(dict.fromkeys((f"--{self.name}", f"--{self.name.replace('_', '-')}")))


def _number(text: str, kind: type[int | float], fits: Callable[[float], bool], wanted: str) -> float:
    try:
        number = kind(text)
    except ValueError:
        number = math.nan
    if not fits(number):
        raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
    return number


def _at_least_one(text: str) -> float:
    if len(text) > _LONGEST_NUMBER:  # Python's own message for such a one speaks of its settings
        raise argparse.ArgumentTypeError(
            f"a number of {len(text):,} characters is not one from 1 to {_MOST:,}"
        )
    return _number(text, int, lambda number: 1 <= number <= _MOST, f"a whole number from 1 to {_MOST:,}")


def _seconds(text: str) -> float:
    wanted = f"a number of seconds above 0 and up to {_MOST_SECONDS:,}"
    return _number(text, float, lambda number: 0 < number <= _MOST_SECONDS, wanted)


def _share(text: str) -> float:
    return _number(text, float, lambda number: 0 <= number <= 1, "a share from 0 to 1")


def _price(text: str) -> tuple[str, float]:
    found = re.fullmatch(r"([^=\s]+)=(\d*\.?\d+)", text)
    if not (found and float(found[2])):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an instance type and its price, such as m5.xlarge=0.24"
        )
    return found[1], float(found[2])


OPTIONS = (
    Option("model_qualified_name", {"metavar": "NAME", "help": "the model to predict with (required)"}),
    Option(
        "input_protocol",
        {
            "choices": tuple(INPUT_PROTOCOLS),
            "default": "ldjson",
            "help": "how a line is read (default ldjson)",
        },
    ),
    Option(
        "output_protocol",
        {
            "choices": tuple(OUTPUT_PROTOCOLS),
            "default": "json",
            "help": "how a prediction is written (default json)",
        },
    ),
    Option(
        "columns",
        {
            "metavar": "A,B,C",
            "help": "column names of csv and tsv; else the first line of the input has them",
        },
    ),
    Option(
        "allow_nan",
        {"action": "store_true", "help": "read NaN and Infinity in ldjson, as Python's json writes them"},
    ),
    Option(
        "key",
        {
            "metavar": "FIELD",
            "action": "append",
            "help": "put only this field into the output key (repeatable)",
        },
    ),
    Option(
        "quoted_newlines",
        {"action": "store_true", "help": "keep line ends in the cells of csv and tsv output, in quotes"},
    ),
    Option(
        "on_error",
        {
            "choices": ("null", "explain"),
            "default": "null",
            "help": "what stands for a failed record (default null)",
        },
    ),
    Option(
        "max_error_rate",
        {
            "type": _share,
            "default": 1.0,
            "metavar": "R",
            "help": "exit 3 when a larger share fails (default 1.0)",
        },
        passed_on=False,
    ),
    Option(
        "unproven",
        {
            "action": "store_true",
            "help": "publish the output even if the runner reports no counts that prove it whole",
        },
        passed_on=False,
    ),
    Option(
        "no_fail_fast",
        {"action": "store_true", "help": "don't end a run whose first 1,000 records all fail"},
    ),
    Option(
        "max_record_bytes",
        {
            "type": _at_least_one,
            "default": DEFAULT_MAX_RECORD_BYTES,
            "metavar": "N",
            "help": "a longer line is a failure (default 16 MiB)",
        },
    ),
    Option(
        "batch_size",
        {"type": _at_least_one, "metavar": "N", "help": "records to predict at once (default: found)"},
    ),
    Option(
        "isolate",
        {
            "choices": ("auto", "always", "never"),
            "default": "auto",
            "help": "predict in a child process that can be lost: from a task's second attempt on (auto)",
        },
    ),
    Option(
        "predict_timeout",
        {
            "type": _seconds,
            "metavar": "SECONDS",
            "help": "a record that takes longer is a failure (default: 600)",
        },
    ),
    Option("fingerprint", {"action": "store_true", "help": "add an order-independent digest of the output"}),
    Option(
        "resume",
        {"action": "store_true", "help": "go on where a stopped run into the same --output-dir ended"},
        passed_on=False,
    ),
    Option(
        "plan",
        {
            "action": "store_true",
            "help": "start nothing: predict a sample, and tell what the run would take and cost",
        },
        passed_on=False,
    ),
    Option(
        "debug_record",
        {
            "type": _at_least_one,
            "metavar": "N",
            "help": "predict line N of the input alone, with its whole traceback; a terminal gets a debugger",
        },
        passed_on=False,
    ),
    Option(
        "price_per_hour",
        {
            "type": _price,
            "metavar": "TYPE=PRICE",
            "action": "append",
            "help": "with --plan: what an hour of an instance costs, EC2 and EMR together (repeatable)",
        },
        passed_on=False,
    ),
    Option(
        "bundle",
        {
            "metavar": "PATH",
            "help": "what a cluster's tasks run in (default: build/bundle.tar.gz if there is one; or none)",
        },
        passed_on=False,
    ),
    Option(
        "summary_file",
        {"metavar": "PATH", "help": "write the run's summary there, as JSON"},
        passed_on=False,
    ),
)


def task_options(options: Any) -> dict[str, Any]:
    """Return by name the options that tasks are given."""
    return {option.name: getattr(options, option.name) for option in OPTIONS if option.passed_on}
