"""Looks at each batch on its way through a task, and keeps a profile of what it holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.profiles.answers import Answers
from model_mapreduce_job.profiles.fields import name_of
from model_mapreduce_job.profiles.list_columns import ListColumns
from model_mapreduce_job.profiles.picked_texts import PickedTexts
from model_mapreduce_job.profiles.picking import Picked, Picker
from model_mapreduce_job.profiles.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from model_mapreduce_job.formats.records import Failure, Records, Text
    from model_mapreduce_job.models.fields import Field
    from model_mapreduce_job.profiles.number_rows import NumberRows

_FIELD: Final = re.compile(r"(?:at `\$\.|missing required field `)([^`]+)")
_INSIDE: Final = re.compile(r"[.\[]")


class Profiler:
    """Keeps a task's profile. fields has what is known of the records' fields; without any, they show it.

    Records and predictions come in turns: those of a batch, then the answers to them.
    """

    def __init__(self, fields: Sequence[Field] = ()) -> None:
        self._columns = ListColumns(fields)
        self._names = [field.name for field in fields]
        self._begin()

    def _begin(self) -> None:
        self._profile = Profile(takes=list(map(name_of, self._names)))
        self._picker = Picker()
        self._answers = Answers(self._profile)
        self._texts = PickedTexts(self._profile.inputs)
        self._parts: list[Part] = []

    def look(self, records: Records) -> None:
        """Look at a batch's records, before a model is given them."""
        found = records.look()
        self._profile.records += len(records)
        for part, picked in self._picker.parts(len(records)):
            self._texts.begin(picked.rate)
            if isinstance(found, list):
                rows = found if picked.places is None and len(found) == part.stop else found[part]
                self._parts.append(Part(part, picked, self._rows(rows, picked)))
            else:
                columns = found.slice(part.start, part.stop - part.start)
                self._parts.append(Part(part, picked, self._arrow(columns, picked)))

    def answers(self, texts: Sequence[Text], *, has_failures: bool) -> None:
        """Look at what a model answered to them: JSON texts, or Failures, if there are some."""
        for part in self._parts:
            whole = len(self._parts) == 1  # slicing may cost
            own = texts if whole else texts[part.places]
            self._answers.add(own, part.picked, part.numbers, has_failures=has_failures)
        self._parts = []

    def failures(self, failures: Iterable[Failure]) -> None:
        """Count records without a prediction, by the field that can't be read."""
        for failure in failures:
            self._profile.failed += 1
            named = _FIELD.search(failure.message)
            if named and (field := self._profile.inputs.of(self._outermost(named[1]))) is not None:
                field.failed += 1

    def taken(self) -> bytes:
        """Return the profile, and begin another."""
        try:
            self._answers.flush()
            self._texts.flush()
            return self._profile.to_bytes()
        finally:
            self._begin()

    def _outermost(self, path: str) -> str:
        """Return what the field is called that a path in a record begins with."""
        known = [name for name in self._names if path == name or path.startswith((f"{name}.", f"{name}["))]
        return name_of(max(known, key=len) if known else _INSIDE.split(path, maxsplit=1)[0])

    def _rows(self, rows: list[Any], picked: Picked) -> NumberRows:
        return self._columns.add_to(self._profile.inputs, rows, picked, self._texts)

    def _arrow(self, batch: Any, picked: Picked) -> NumberRows:
        from model_mapreduce_job.profiles.arrow_columns import add_batch  # noqa: PLC0415 - columns alone need Arrow

        return add_batch(self._profile.inputs, batch, picked, self._texts)


@dataclass(frozen=True)
class Part:
    """A part of a batch: its places, which of them are picked, and these ones' numbers by field."""

    places: slice
    picked: Picked
    numbers: NumberRows
