"""A sample of a table: the first rows of row groups that are spread over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from model_mapreduce_job.plan.plan import InputFigures
from model_mapreduce_job.plan.sample import PLACES, Sample
from model_mapreduce_job.storage.splits import Split, TablePart
from model_mapreduce_job.task.sample_prediction import SAMPLE_ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.storage.table_files import TableFile

_LIKELY_ROW_BYTES: Final = 100


def table_sample(files: Sequence[TableFile]) -> Sample:
    """Return a sample of a table's files, whose blocks are the splits that it is read from."""
    groups = [(file, place) for file in files for place, group in enumerate(file.groups) if group.rows]
    count = min(PLACES, len(groups))
    chosen = [groups[number * len(groups) // count] for number in range(count)]
    splits = [_split(file, place) for file, place in chosen]
    rows = sum(min(SAMPLE_ROWS, split.table.rows) for split in splits if split.table)
    return Sample(
        blocks=splits,
        lines=rows,
        filled_lines=rows,
        text_bytes=rows * _LIKELY_ROW_BYTES,
        files=len({split.path for split in splits}),
        expansion=1.0,
        is_whole=rows == sum(file.rows for file in files),
    )


def table_figures(files: Sequence[TableFile]) -> InputFigures:
    """Return the figures of a table's files, which say themselves how many rows they have."""
    return InputFigures(
        len(files), sum(file.size for file in files), sum(file.rows for file in files), is_exact=True
    )


def _split(file: TableFile, place: int) -> Split:
    start = sum(group.size for group in file.groups[:place])
    part = TablePart(place, (file.groups[place],), file.partition)
    return Split(file.path, start, file.groups[place].size, state=file.state, table=part)
