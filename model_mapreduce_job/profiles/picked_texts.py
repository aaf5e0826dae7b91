"""Texts that were picked of a task's records: kept until there are enough of them to be added at once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.profiles.picking import Picked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from model_mapreduce_job.profiles.fields import Fields

_MOST: Final = 1000


class PickedTexts:
    """Adds texts to the fields of their names, of which one in rate was picked."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._texts: dict[str, list[str]] = {}
        self._rate = 1

    def begin(self, rate: int) -> None:
        """Begin with a batch's texts."""
        if rate != self._rate or any(len(texts) > _MOST for texts in self._texts.values()):
            self.flush()
            self._rate = rate

    def add(self, name: str, texts: Iterable[str], present: int) -> None:
        """Add texts to a field, which has as many values in the whole batch as present says."""
        if (field := self._fields.of(name)) is not None:
            field.present += present
            self._texts.setdefault(name, []).extend(texts)

    def flush(self) -> None:
        """Add what was kept."""
        for name, texts in self._texts.items():
            if (field := self._fields.of(name)) is not None:
                present = field.present
                field.add_texts(Counter(texts), Picked(None, self._rate))
                field.present = present  # counted when they came
        self._texts.clear()
