"""The tasks that Spark makes of a run's input, as its readers of files put partitions together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.plan.tasks import ExpectedTasks, InputSize
from model_mapreduce_job.runners.hadoop.expected_tasks import can_be_cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from model_mapreduce_job.driver.run_spec import RunSpec
    from model_mapreduce_job.plan.tasks import Piece

_MOST: Final = ("spark.sql.files.maxPartitionBytes", 128 << 20)
_OPEN_COST: Final = ("spark.sql.files.openCostInBytes", 4 << 20)
_LEAST_NUMBER: Final = (
    "spark.sql.files.minPartitionNum",
    "spark.sql.leafNodeDefaultParallelism",
    "spark.default.parallelism",
)
_UNITS: Final = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_KEEPS: Final = "spark.python.worker.reuse"
_NOTE: Final = (
    "Spark keeps a Python worker for each core, and that its model, also for tasks that are done again. The "
    "summary of a run counts a load for each task."
)


def expected_tasks(
    spec: RunSpec, settings: Mapping[str, Any], files: Sequence[InputSize], cores: int, most: int | None
) -> ExpectedTasks:
    """Return the tasks of a run with these settings of Spark's, on this many cores.

    most is --max-output-files. Raises InputError for a setting that is no number.
    """
    if is_table := spec.begin.tables.is_read:
        files = [InputSize(file.path, file.size, float(file.size)) for file in spec.table_files]
    open_cost = _bytes(settings, *_OPEN_COST)
    size = _partition_bytes(settings, files, cores, open_cost)
    splits = [
        split for file in files for split in _splits(file, size, whole=not (is_table or can_be_cut(file)))
    ]
    splits.sort(key=lambda split: -split.stored)
    parts = list(_partitions(splits, size, open_cost))
    if most and most < len(parts):
        parts = [[piece for part in parts[number::most] for piece in part] for number in range(most)]
    task = spec.options.task
    keeps = str(settings.get(_KEEPS, "true")).lower() == "true" and task.isolate != "always"
    return ExpectedTasks(parts, min(cores, len(parts)) if keeps else len(parts), _NOTE if keeps else "")


def _partition_bytes(
    settings: Mapping[str, Any], files: Sequence[InputSize], cores: int, open_cost: int
) -> int:
    """Return what Spark calls maxSplitBytes."""
    numbers = (_bytes(settings, name, 0) for name in _LEAST_NUMBER)
    number = next(filter(None, numbers), max(cores, 1))
    total = sum(file.stored + open_cost for file in files)
    return max(1, min(_bytes(settings, *_MOST), max(open_cost, total // number)))


def _splits(file: InputSize, size: int, *, whole: bool) -> Iterator[Piece]:
    if whole:
        yield file.piece(file.stored, is_cut=False)
        return
    for start in range(0, file.stored, size):
        yield file.piece(min(size, file.stored - start))


def _partitions(splits: Iterable[Piece], size: int, open_cost: int) -> Iterator[list[Piece]]:
    begun: list[Piece] = []
    taken = 0
    for split in splits:
        if begun and taken + split.stored > size:
            yield begun
            begun, taken = [], 0
        begun.append(split)
        taken += split.stored + open_cost
    if begun:
        yield begun


def _bytes(settings: Mapping[str, Any], name: str, default: int) -> int:
    """Return what a setting says, which may have a unit, such as 64m or 64MB."""
    text = str(settings.get(name, default)).strip().lower()
    digits = text.rstrip("bkmg")
    unit = text[len(digits) :]
    if not digits.isdecimal() or (unit and unit[0] not in _UNITS):
        raise InputError(f"-D {name}={settings[name]} is no number of bytes. Correct it.")
    return int(digits) * (_UNITS[unit[0]] if unit else 1)
