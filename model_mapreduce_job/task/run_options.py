"""The options of a run, as the driver has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.registry import TABLES
from model_mapreduce_job.storage.inputs import STDIN
from model_mapreduce_job.task.task_options import TaskOptions, given_fields

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ON_THIS_MACHINE = frozenset({"inline", "local"})
_WITH_BLOCKS = frozenset({"hadoop", "emr"})


def inputs_of(given: Mapping[str, Any], more: Sequence[str]) -> list[str]:
    """Return the inputs of a parsed command line, and more; of a replay the earlier output.

    Raises InputError for an input beside that.
    """
    inputs, replay = [*given["args"], *more], given["replay"]
    if replay is not None and inputs:
        raise InputError(
            f"--replay {replay} is the whole input, with all of its records. Leave out {inputs[0]}; "
            "several files are named by their directory, or by a quoted pattern."
        )
    return inputs if replay is None else [replay]


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the driver is given: its tasks' options, its own, and those of mrjob's that it looks at itself.

    options.OPTIONS has an entry for each of the driver's own.
    """

    task: TaskOptions = TaskOptions()

    max_error_rate: float = 1.0
    unproven: bool = False
    resume: bool = False
    replay: str | None = None
    plan: bool = False
    debug_record: int | None = None
    price_per_hour: tuple[tuple[str, float], ...] | None = None
    bundle: str | None = None
    no_blocks: bool = False
    summary_file: str | None = None
    verify: str | None = None
    verify_tolerance: float = 1e-6
    profile: str | None = None
    report: str | None = None
    baseline: str | None = None
    max_drift: float | None = None
    drift_stops: bool = False

    output_compression: str | None = None

    names_input_protocol: bool = False
    runner: str = "inline"
    inputs: tuple[str, ...] = (STDIN,)
    output_dir: str | None = None
    conf_paths: tuple[str, ...] | None = None
    quiet: bool = False
    verbose: bool = False

    @classmethod
    def of(cls, given: Mapping[str, Any], task: TaskOptions) -> RunOptions:
        """Return those of a parsed command line, by their names; what is missing or None has its default."""
        inputs = given.get("args") or (STDIN,)
        is_named = given.get("input_protocol") is not None
        own = {"inputs": inputs, "task": task, "names_input_protocol": is_named}
        return msgspec.convert({**given_fields(cls, given), **own}, cls)

    @property
    def is_on_this_machine(self) -> bool:
        """Whether the tasks run on the driver's own machine."""
        return self.runner in ON_THIS_MACHINE

    @property
    def may_have_blocks(self) -> bool:
        """Whether the runner can give tasks blocks, which it knows more of."""
        return self.runner in _WITH_BLOCKS

    @property
    def is_profiled(self) -> bool:
        """Whether tasks keep a profile."""
        return any(each is not None for each in (self.profile, self.report, self.baseline))

    @property
    def keys_to_find(self) -> tuple[str, ...]:
        """The fields of --key that may turn out to be in no record; a table's columns are known before."""
        return () if self.task.input_protocol in TABLES else self.task.key or ()

    def with_task(self, **changed: Any) -> RunOptions:
        """Return these with other options of tasks."""
        return msgspec.structs.replace(self, task=msgspec.structs.replace(self.task, **changed))
