"""What --help shows: the job's own options in groups, then those of a subclass, then mrjob's."""

from __future__ import annotations

from argparse import Action, ArgumentParser, HelpFormatter
from functools import partial
from typing import TYPE_CHECKING, Final

from mrjob.options import (
    _DEPRECATED_NON_RUNNER_OPTS,
    _RUNNER_OPTS,
    _STEP_OPTS,
    _add_basic_args,
    _add_job_args,
)

from model_mapreduce_job.task.options import GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterable

_ELSEWHERE: Final = frozenset({*_DEPRECATED_NON_RUNNER_OPTS, *_RUNNER_OPTS, *_STEP_OPTS})
_MORE: Final = """\
More of mrjob's options: --help -r RUNNER shows a runner's own, --help -v those that choose steps,
--help --deprecated old ones."""


def help_text(
    usage: str, actions: Iterable[Action], *, include_deprecated: bool = False, include_steps: bool = False
) -> str:
    """Return the help for a job that has these actions; mrjob's are shown as mrjob's own help shows them."""
    parser = ArgumentParser(
        usage=usage, add_help=False, formatter_class=partial(_Formatter, max_help_position=32), epilog=_MORE
    )
    for heading, options in GROUPS.items():
        group = parser.add_argument_group(heading)
        for option in options:
            option.add_to(group)
    others, mrjobs = parser.add_argument_group("this job"), parser.add_argument_group("mrjob's own")
    _add_basic_args(mrjobs)
    _add_job_args(mrjobs, include_deprecated=include_deprecated, include_steps=include_steps)
    shown = _ELSEWHERE | {action.dest for action in parser._actions}  # noqa: SLF001 - argparse has no public name
    for action in actions:
        if action.option_strings and action.dest not in shown:
            others._add_action(action)  # noqa: SLF001 - as above
    return parser.format_help()


class _Formatter(HelpFormatter):
    """Shows what an option takes once, after all of its spellings."""

    def _format_action_invocation(self, action: Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        taken = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {taken}"
