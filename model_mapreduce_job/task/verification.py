"""--verify: a model is asked for the predictions of golden records, each alone and all together."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from msgspec.structs import replace

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.delimited_writer import json_cells
from model_mapreduce_job.formats.golden_records import (
    UNKNOWN,
    GoldenRecord,
    difference,
    difference_by_model,
    expected_of,
    golden_lines,
    has_nan,
)
from model_mapreduce_job.formats.protocols import decode_fields
from model_mapreduce_job.formats.rows import join_row
from model_mapreduce_job.models.files import path_digest
from model_mapreduce_job.printable import counted
from model_mapreduce_job.task.delimited_options import DELIMITERS, columns, dialect_of
from model_mapreduce_job.task.messages import Verified

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from model_mapreduce_job.models.contract import MLModel
    from model_mapreduce_job.task.messages import Verify
    from model_mapreduce_job.task.task_options import TaskOptions

_PARQUET: Final = b"PAR1"
_MOST_SHOWN: Final = 5
_MOST_RECORDS: Final = 100_000


class Predicting(Protocol):
    """Predicts lines."""

    def predict_lines(self, blocks: Iterable[Any], /) -> Iterator[Any]:
        """Yield the output lines of each batch, in order."""
        ...


class Tasks(Protocol):
    """Gives the models of a run, and what predicts lines of JSON with them, in this process."""

    def models(self, options: TaskOptions, /) -> Sequence[MLModel]:
        """Return the run's models for an input with these options."""
        ...

    def predicting(self, options: TaskOptions, /) -> Predicting:
        """Return what predicts with these options, into JSON pairs."""
        ...


def verified(request: Verify, options: TaskOptions, tasks: Tasks) -> Verified:
    """Return in what a run's predictions of golden records differ from those that they must get.

    Raises InputError for a file that has none, and what loading the model raises.
    """
    path = Path(request.path)
    digest, records = _golden(path, options, tasks)
    if not 0 < len(records) <= _MOST_RECORDS:
        raise InputError(
            f"--verify {path} has {counted(len(records), 'record')}, and must have 1 to {_MOST_RECORDS:,}."
        )
    options = _for_records(options, records[0])
    lines = _lines(records, options)
    alone = _predictions(tasks.predicting(replace(options, batch_size=1)), lines)
    together = _predictions(tasks.predicting(replace(options, batch_size=len(lines))), lines)
    compare = difference_by_model if options.several else difference
    found = list(_differences(records, alone, together, partial(compare, tolerance=request.tolerance)))
    return Verified(
        str(path), digest, len(records), request.tolerance, tuple(found[:_MOST_SHOWN]), len(found)
    )


def _golden(path: Path, options: TaskOptions, tasks: Tasks) -> tuple[str, list[GoldenRecord]]:
    """Return the sha256 of a golden file or directory, and its records."""
    try:
        data = b"" if path.is_dir() else path.read_bytes()
        digest = path_digest(path) if path.is_dir() else hashlib.sha256(data).hexdigest()
    except OSError as error:
        raise InputError(f"--verify {path} can't be read: {error.strerror}. Check its name.") from error
    if path.is_dir():
        return digest, list(_examples(path, tasks.models(options)))
    if data.startswith(_PARQUET):
        from model_mapreduce_job.formats.golden_tables import golden_rows  # noqa: PLC0415 - it needs Arrow

        return digest, golden_rows(data, str(path), tasks.models(options))
    return digest, golden_lines(data, str(path), options.names if options.several else ())


def _examples(directory: Path, models: Sequence[MLModel]) -> Iterator[GoldenRecord]:
    """Yield the examples that come with a model file; raises InputError where there are none."""
    if len(models) > 1:
        raise InputError(
            f"--verify {directory} is a directory, whose examples are of one model, and this run has "
            f"{len(models)}. Name a file of records with the predictions of each."
        )
    (model,) = models
    if not hasattr(model, "examples"):
        raise InputError(
            f"--verify {directory} is a directory. Name a file of records with their predictions."
        )
    for place, record, prediction in model.examples(directory):
        given = {name: None if has_nan(value) else value for name, value in record.items()}
        expected = UNKNOWN if prediction is None else expected_of(prediction)
        yield GoldenRecord(json.dumps(given).encode(), expected, place)


def _for_records(options: TaskOptions, first: GoldenRecord) -> TaskOptions:
    """Return options by which golden records are predicted as the run's own will be, in this process."""
    return replace(
        options,
        input_protocol=options.input_protocol if options.input_protocol in DELIMITERS else "ldjson",
        output_protocol="json",
        input_fields=options.input_fields or _fields(first.text),
        key=None,
        is_replay=False,
        earlier_header=None,
        on_error="explain",
        no_fail_fast=True,
        isolate="never",
        fingerprint=False,
        stamp=False,
    )


def _fields(record: bytes) -> tuple[str, ...]:
    return tuple(decode_fields(record)) if record.lstrip().startswith(b"{") else ()


def _lines(records: Sequence[GoldenRecord], options: TaskOptions) -> list[bytes]:
    """Return a line for each record, as the run's input has them: of csv and tsv a row of its columns."""
    texts = [record.text.strip().replace(b"\n", b" ") for record in records]
    if options.input_protocol not in DELIMITERS:
        return texts
    names, dialect = columns(options), dialect_of(options.input_protocol, options)
    return [join_row(json_cells(text, names, dialect), dialect.delimiter) for text in texts]


def _predictions(task: Predicting, lines: list[bytes]) -> list[Any]:
    texts = [line.rpartition(b"\t")[2] for output in task.predict_lines([lines]) for line in output]
    return list(map(json.loads, texts))


def _differences(
    records: Sequence[GoldenRecord], alone: list[Any], together: list[Any], compare: Callable[[Any, Any], str]
) -> Iterator[str]:
    """Yield, for each record that differs, how it does: alone, or else among the others."""
    for record, one, among in zip(records, alone, together, strict=True):
        expected = one if record.expected is UNKNOWN else record.expected
        if found := compare(record.expected, one):
            yield f"{record.place}, alone: {found}"
        elif found := compare(expected, among):
            yield f"{record.place}, in a batch: {found}"
