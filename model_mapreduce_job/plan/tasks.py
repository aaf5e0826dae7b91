"""The tasks that a run would have: what of which file each reads, and how often the model is loaded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from model_mapreduce_job.printable import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class InputSize:
    """A file of the input: its bytes as stored, and as text."""

    path: str
    stored: int
    text: float

    def piece(self, stored: int, *, is_cut: bool = True) -> Piece:
        """Return a piece of it of this many stored bytes; is_cut says that the file can be cut."""
        return Piece(self.path, stored, self.text * stored / self.stored if self.stored else 0.0, is_cut)


@dataclass(frozen=True)
class Piece:
    """What a task reads of a file: bytes as stored, and as text; is_cut says that the file can be cut."""

    path: str
    stored: int
    text: float
    is_cut: bool = True


@dataclass(frozen=True)
class ExpectedTasks:
    """The tasks of a run: the pieces of files that each reads, and how often the model is loaded for them.

    note says what they depend on that isn't known here.
    """

    pieces: Sequence[Sequence[Piece]]
    loads: int
    note: str = ""

    @property
    def count(self) -> int:
        """How many tasks there are."""
        return len(self.pieces)

    @property
    def largest_share(self) -> float:
        """The largest task's share of the input's text."""
        texts = [sum(piece.text for piece in pieces) for pieces in self.pieces]
        whole = sum(texts)
        return max(texts) / whole if whole else 0.0

    @property
    def words(self) -> str:
        """How files become tasks, for a person; files that have nothing to read are in none."""
        loaded = "once" if self.loads == 1 else f"{self.loads:,} times"
        how = "; ".join(self._how())
        return f"{counted(self.count, 'task')}, the model is loaded {loaded}" + (f": {how}" if how else "")

    def _how(self) -> Iterator[str]:
        paths = [{piece.path for piece in pieces} for pieces in self.pieces]
        tasks_of = Counter(path for of_task in paths for path in of_task)
        cut = {path for path, tasks in tasks_of.items() if tasks > 1}
        if cut:
            tasks = sum(not cut.isdisjoint(of_task) for of_task in paths)
            are = _verb(len(cut), "is", "are")
            yield f"{counted(len(cut), 'file')} {are} cut into {counted(tasks, 'task')}"
        shared = [of_task - cut for of_task in paths if len(of_task - cut) > 1]
        if shared:
            yield f"{counted(sum(map(len, shared)), 'file')} come together in {counted(len(shared), 'task')}"
        alone = [pieces[0] for pieces in self.pieces if len(pieces) == 1 and pieces[0].path not in cut]
        for is_cut, why in ((False, ", which can't be cut,"), (True, "")):
            if count := sum(piece.is_cut == is_cut for piece in alone):
                yield f"{counted(count, 'file')}{why} {_verb(count, 'is a task', 'are a task each')}"


def _verb(count: int, one: str, many: str) -> str:
    return one if count == 1 else many


class PlannedRunner(Protocol):
    """A runner, as far as a plan asks it."""

    def mrjobs(self) -> Any:
        """Return the runner as mrjob knows it."""
        ...

    def expected_tasks(self, files: Sequence[InputSize], cores: int) -> ExpectedTasks:
        """Return the tasks of a run over files, on this many cores."""
        ...
