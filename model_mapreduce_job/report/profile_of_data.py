"""The profile of a data set, such as a model was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.profiles.arrow_columns import add_batch
from model_mapreduce_job.profiles.picking import Picked
from model_mapreduce_job.profiles.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def profile_of_data(path: Path) -> Profile:
    """Return the profile of all records of a Parquet, csv or ldjson file; raises InputError."""
    import pyarrow as pa  # noqa: PLC0415 - merging profiles needs none

    pa.enable_signal_handlers(enable=False)  # as models/arrow_arrays.py says
    profile = Profile(about={"data": str(path)})
    try:
        for batch in _batches(path):
            profile.records += batch.num_rows
            add_batch(profile.inputs, batch, Picked())
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise InputError(f"The data {path} can't be read: {reason}.") from error
    return profile


def _batches(path: Path) -> Iterator[Any]:
    ending = path.suffix.lower()
    if ending == ".parquet":
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415 - as above

        with ParquetFile(path) as file:
            yield from file.iter_batches()
    elif ending == ".csv":
        from pyarrow import csv  # noqa: PLC0415 - as above

        yield from csv.read_csv(path, csv.ReadOptions(use_threads=False)).to_batches()
    elif ending in {".ldjson", ".jsonl", ".ndjson"}:
        from pyarrow import json  # noqa: PLC0415 - as above

        yield from json.read_json(path, json.ReadOptions(use_threads=False)).to_batches()
    else:
        raise InputError(f"The data {path} is of no known kind. Name a .parquet, .csv or .ldjson file.")
