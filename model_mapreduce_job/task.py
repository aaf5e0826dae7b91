"""A task: the model, the protocols and the core, put together from a run's options."""

from __future__ import annotations

import os
from functools import partial
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Protocol

from model_mapreduce_job.batch_prediction import BatchPrediction
from model_mapreduce_job.batch_sizing import LONGEST_SECONDS, BatchSizer
from model_mapreduce_job.config import load_configuration
from model_mapreduce_job.delimited import (
    FlatRows,
    Rows,
    RowShape,
    RowStyle,
    check_columns,
    join_row,
    parse_columns,
    split_row,
)
from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.isolation import IsolatedPrediction, LimitedPredictor
from model_mapreduce_job.ml_model_manager import ModelManager
from model_mapreduce_job.prediction import predictor_for
from model_mapreduce_job.protocols import (
    InputProtocol,
    JsonLines,
    JsonObjects,
    JsonPairs,
    KeyFields,
    NanLines,
    OutputProtocol,
)
from model_mapreduce_job.schemas import field_names, record_schema, required_names
from model_mapreduce_job.tally import Tally

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterable, Iterator

    from model_mapreduce_job.lines import Block
    from model_mapreduce_job.ml_model import MLModel
    from model_mapreduce_job.schemas import RecordSchema


class Prediction(Protocol):
    """A task's way from lines to lines, in this process or isolated; the tally counts what went through."""

    tally: Tally

    def predict_lines(self, blocks: Iterable[Block]) -> Iterator[list[bytes]]:
        """Yield the output lines of each batch, in order."""
        ...


DELIMITERS = {"csv": ",", "tsv": "\t"}

# The registry: a protocol's name, and how it is made from the schema or the model, and the run's options.
INPUT_PROTOCOLS: dict[str, Callable[[RecordSchema, Namespace], InputProtocol]] = {
    "ldjson": lambda schema, options: (
        NanLines(schema) if getattr(options, "allow_nan", False) else JsonLines(schema)
    ),
    "csv": lambda schema, options: Rows(schema, columns(options), ","),
    "tsv": lambda schema, options: Rows(schema, columns(options), "\t"),
}
OUTPUT_PROTOCOLS: dict[str, Callable[[MLModel, Namespace], OutputProtocol]] = {
    "json": lambda _model, options: JsonPairs(explain=explains(options)),
    "ldjson": lambda _model, options: JsonObjects(explain=explains(options)),
    "csv": lambda model, options: FlatRows(row_shape(model, options), row_style(",", options)),
    "tsv": lambda model, options: FlatRows(row_shape(model, options), row_style("\t", options)),
}


def load_model(qualified_name: str) -> MLModel:
    """Return the model of this name from the configuration that APP_SETTINGS names.

    Raises ConfigurationError, ModelContractError or ModelNotFoundError.
    """
    return load_manager().get_model(qualified_name)


def load_manager() -> ModelManager:
    """Return the ModelManager, serving the configuration that APP_SETTINGS names."""
    manager = ModelManager()
    manager.load_models(load_configuration(os.environ.get("APP_SETTINGS") or None))
    return manager


def make_task(options: Namespace, output_protocol: str | None = None, attempt: int = 0) -> Prediction:
    """Return a task as the run's options describe it: in this process, or isolated from attempt 1 on.

    output_protocol takes the place of the one that the options name: what goes to a reducer is always json.
    attempt counts from 0. In this process the model is loaded now; isolated, when the first batch comes.
    """
    if options.isolate == "always" or (options.isolate == "auto" and attempt > 0):
        make = partial(_make_task, options, output_protocol, isolated=True)
        return IsolatedPrediction(make, options.predict_timeout, fail_fast=not options.no_fail_fast)
    return _make_task(options, output_protocol, isolated=False)


def attempt_number() -> int:
    """Return which attempt of its task this process is, from 0, as Hadoop says it in the environment."""
    attempt = os.environ.get("mapreduce_task_attempt_id") or os.environ.get("mapred_task_id") or ""  # noqa: SIM112
    number = attempt.rpartition("_")[2]
    return int(number) if number.isdigit() else 0


def _make_task(options: Namespace, output_protocol: str | None, *, isolated: bool) -> BatchPrediction:
    started = perf_counter_ns()
    model = load_model(options.model_qualified_name)
    tally = Tally(load_ns=perf_counter_ns() - started)
    limit = None if isolated else options.predict_timeout
    sizer = BatchSizer(options.batch_size, min(LONGEST_SECONDS, limit / 4) if limit else LONGEST_SECONDS)
    predictor = predictor_for(model, sizer)
    return BatchPrediction(
        reader=_reader(model, options),
        predictor=LimitedPredictor(predictor, limit) if limit else predictor,
        writer=OUTPUT_PROTOCOLS[output_protocol or options.output_protocol](model, options),
        sizer=sizer,
        tally=tally,
        fail_fast=not (options.no_fail_fast or isolated),
        fingerprint=options.fingerprint,
    )


def _reader(model: MLModel, options: Namespace) -> InputProtocol:
    if options.input_protocol in DELIMITERS:
        _check_fields(model, columns(options), options.key or [])
    reader = INPUT_PROTOCOLS[options.input_protocol](record_schema(model.input_schema), options)
    return KeyFields(reader, options.key) if options.key else reader


def _check_fields(model: MLModel, names: list[str], keys: list[str]) -> None:
    if unknown := [key for key in keys if key not in names]:
        raise InputError(
            f"--key {unknown[0]} is no column of the input, which has {', '.join(names)}. Name one of these."
        )
    fields = record_schema(model.input_schema).fields
    missing = [field.name for field in fields if field.required and not {*field.names} & {*names}]
    if missing:
        raise InputError(
            f"The model needs {', '.join(missing)}, and the input's columns are {', '.join(names)}. "
            "Name the columns with --columns, as the model calls them."
        )


def explains(options: Namespace) -> bool:
    """Return whether failures come out with their reason."""
    return bool(options.on_error == "explain")


def columns(options: Namespace) -> list[str]:
    """Return the input's columns; raises InputError when they are not named or can't be used."""
    if not options.columns:
        raise InputError(
            f"The columns of the {options.input_protocol} input are not known. Name them: --columns a,b,c."
        )
    return check_columns(split_row(options.columns, ","))


def header_columns(first_line: bytes, options: Namespace) -> str:
    """Return what --columns would say for an input that starts with this line; raises InputError."""
    names = parse_columns(first_line, DELIMITERS[options.input_protocol])
    return join_row(names, ",").decode()


def row_shape(model: MLModel, options: Namespace) -> RowShape:
    """Return the columns of a csv or tsv output."""
    named = options.key or (columns(options) if options.columns else [])
    output = model.output_schema
    return RowShape(
        named or field_names(model.input_schema), field_names(output), frozenset(required_names(output))
    )


def row_style(delimiter: str, options: Namespace) -> RowStyle:
    """Return how the rows of a csv or tsv output are written."""
    quoted = getattr(options, "quoted_newlines", False)
    return RowStyle(delimiter, explain=explains(options), quoted_newlines=quoted)


def describe_model(qualified_name: str) -> dict[str, Any]:
    """Return what the summary says of a model: its version and its files' sha256."""
    manager = load_manager()
    metadata = manager.get_model_metadata(qualified_name)
    return {
        "qualified_name": qualified_name,
        "version": metadata["version"],
        "files": manager.get_model_files(qualified_name),
    }
