"""One option of the job: its name, how its value is read, and how it is explained."""

from __future__ import annotations

import argparse
import math
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from model_mapreduce_job.task.run_options import RunOptions
from model_mapreduce_job.task.task_options import TaskOptions

if TYPE_CHECKING:
    from collections.abc import Callable

# What can be counted, and waited for, everywhere: 32 bits, of milliseconds for a time.
_MOST = 2**31 - 1
_MOST_SECONDS = 2_000_000
_LONGEST_NUMBER = 50

_DEFAULTS: Final = {
    field.name: None if field.default is msgspec.NODEFAULT else field.default
    for struct in (RunOptions, TaskOptions)
    for field in msgspec.structs.fields(struct)
}


class Option(msgspec.Struct, frozen=True):
    """One option: its name in snake case (hyphens are accepted as well), and how it is read and explained.

    arguments are argparse's; unset explains the default where its value does not. The default stands
    beside the field of TaskOptions, or of RunOptions for the driver's own, that the option fills.
    """

    name: str
    help: str
    arguments: dict[str, Any] = msgspec.field(default_factory=dict)
    unset: str = ""

    @property
    def spellings(self) -> list[str]:
        """Return what may be written on the command line, the documented spelling first."""
        return list(dict.fromkeys((f"--{self.name}", f"--{self.name.replace('_', '-')}")))

    @property
    def is_of_tasks(self) -> bool:
        """Whether tasks are given it; the others are the driver's own affair."""
        return self.name in TaskOptions.__struct_fields__

    @property
    def default(self) -> Any:
        """What the option is when it is not given."""
        return None if self.unset else _DEFAULTS[self.name]

    def add_to(self, parser: Any) -> None:
        """Add the option to a parser of argparse's, or to a group of it."""
        explained = f"{self.help} (default: {self.unset or self._default_text()})"
        parser.add_argument(
            *self.spellings, dest=self.name, default=self.default, help=explained, **self.arguments
        )

    def _default_text(self) -> str:
        if isinstance(self.default, float):
            return f"{self.default:g}"
        return {False: "no", None: "none"}.get(self.default, str(self.default))


class NamesModel(argparse.Action):
    """Keeps each model that is named, and whether by its name or its file, in the order of all of them."""

    def __call__(
        self, _parser: Any, namespace: argparse.Namespace, values: Any, _option: str | None = None
    ) -> None:
        """Add one of them."""
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or ()), values])
        namespace.models_in_order = [*getattr(namespace, "models_in_order", ()), self.dest]


def _number(text: str, kind: type[int | float], fits: Callable[[float], bool], wanted: str) -> float:
    try:
        number = kind(text)
    except ValueError:
        number = math.nan
    if not fits(number):
        raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
    return number


def at_least_one(text: str) -> float:
    """Read a whole number from 1 on; raises argparse.ArgumentTypeError."""
    if len(text) > _LONGEST_NUMBER:  # Python's own message for such a one speaks of its settings
        raise argparse.ArgumentTypeError(
            f"a number of {len(text):,} characters is not one from 1 to {_MOST:,}"
        )
    return _number(text, int, lambda number: 1 <= number <= _MOST, f"a whole number from 1 to {_MOST:,}")


def seconds(text: str) -> float:
    """Read a number of seconds, above 0; raises argparse.ArgumentTypeError."""
    wanted = f"a number of seconds above 0 and up to {_MOST_SECONDS:,}"
    return _number(text, float, lambda number: 0 < number <= _MOST_SECONDS, wanted)


def share(text: str) -> float:
    """Read a share from 0 to 1; raises argparse.ArgumentTypeError."""
    return _number(text, float, lambda number: 0 <= number <= 1, "a share from 0 to 1")


def tolerance(text: str) -> float:
    """Read a share from 0 to below 1; raises argparse.ArgumentTypeError."""
    return _number(text, float, lambda number: 0 <= number < 1, "a share from 0 to below 1")


def psi(text: str) -> float:
    """Read a population stability index above 0; raises argparse.ArgumentTypeError."""
    return _number(text, float, lambda number: 0 < number < math.inf, "a PSI above 0, such as 0.25")


def price(text: str) -> tuple[str, float]:
    """Read an instance type and its price; raises argparse.ArgumentTypeError."""
    found = re.fullmatch(r"([^=\s]+)=(\d*\.?\d+)", text)
    if not (found and float(found[2])):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an instance type and its price, such as m5.xlarge=0.24"
        )
    return found[1], float(found[2])
