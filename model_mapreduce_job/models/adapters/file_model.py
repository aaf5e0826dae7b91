"""A model of the contract whose trained model is a file: columns by name in, the answers asked for out."""

from __future__ import annotations

import importlib
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from model_mapreduce_job.exceptions import ConfigurationError, InputError, ModelMapReduceError
from model_mapreduce_job.models.adapters.features import (
    Feature,
    check_count,
    names_in_the_input,
    record_type,
)
from model_mapreduce_job.models.adapters.model_types import check_trusted, model_type_of
from model_mapreduce_job.models.arrow_arrays import of_numpy
from model_mapreduce_job.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from model_mapreduce_job.models.adapters.model_types import ModelType
    from model_mapreduce_job.models.adapters.trained import Answer, Trained

_LONGEST_REASON = 300
# Kinds of NumPy's types that Arrow has the very values of: floats, integers, booleans.
_ALIKE = frozenset("fiub")


class FileModel:
    """Predicts with a file that a library has written.

    model_file is the file, or an MLflow model's directory; model_type says which library it is of where the
    content alone doesn't. features names the columns of a model that has no names for them, in its order.
    outputs names the answers that are wanted, `label`, or `species=label` to call one otherwise; without it,
    those of the model's kind. trusted_digest is the sha256 of a file of a kind that can run code, from an
    operator who trusts it; trusted_types are the types that a skops file may have beside those that skops
    itself trusts.

    Raises ConfigurationError for a file that can't be read or isn't trusted, a library that is not installed,
    and an answer that the model can't give; InputError for features that don't fit.
    """

    version = "1"

    def __init__(  # noqa: PLR0913 - what an entry of a configuration may have beside a model file
        self,
        model_file: str,
        *,
        qualified_name: str = "",
        model_type: str | None = None,
        features: Sequence[str] | None = None,
        outputs: Sequence[str] = (),
        trusted_digest: str | None = None,
        trusted_types: Sequence[str] = (),
    ) -> None:
        self._path = Path(model_file)
        kind = model_type_of(self._path, model_type)
        check_trusted(self._path, kind, trusted_digest)
        self._trained = _load(kind, self._path, trusted_types)
        self._wanted = tuple(dict.fromkeys(outputs))
        self.qualified_name = self.display_name = qualified_name or self._path.stem
        self.kind = kind.name
        self.description = f"{self._path.name}, a model file of {kind.name}"
        self._is_bound = self._trained.named or features is not None
        if features is not None and not self._trained.named:
            check_count(features, len(self._trained.features) or len(features), "--features names")
            self._bind(features)
        else:
            self._bind([feature.name for feature in self._trained.features])

    def for_columns(self, columns: Sequence[str]) -> Self:
        """Return this model for an input with these columns, of which it takes its own by their names.

        A model that has no names for its features takes them all, in their order. Raises InputError where
        one is lacking, or their number is another.
        """
        trained, bound = self._trained, copy(self)
        if trained.named:
            bound._bind(names_in_the_input(trained.features, columns, trained.spelled))  # noqa: SLF001 - a copy
        elif self._is_bound:
            names_in_the_input(self._renamed(), columns, trained.spelled)
        else:
            check_count(columns, len(trained.features) or len(columns), "the input's columns are")
            bound._bind(columns)  # noqa: SLF001 - a copy
            bound._is_bound = True  # noqa: SLF001 - a copy
        return bound

    @property
    def feature_names(self) -> list[str]:
        """Return the input's columns that the model is given, in its order."""
        return list(self._names)

    @property
    def columns_of_features(self) -> dict[str, str]:
        """Return the input's column for each feature, by the name that the model has for it."""
        return dict(zip(self._own_names, self._names, strict=True)) if self._is_bound else {}

    def predict_columns(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return a column for each field of output_schema, with a value for each row of a batch.

        The batch has the model's columns by the input's names, among others. Raises InputError where neither
        the model nor the input has names, and what the library raises for values that it can't take.
        """
        if not self._is_bound:
            raise InputError(
                f"{self._path.name} has no names for its features, and the input none for its columns. "
                "Name them in the model's order: --features a,b,c."
            )
        columns = batch if batch.schema.names == self._names else batch.select(self._names)
        if self._own_names != self._names:
            columns = columns.rename_columns(self._own_names)
        return self._computed(self._answers, self._trained.prepare(columns))

    def examples(self, directory: Path) -> Iterator[tuple[str, dict[str, Any], Any]]:
        """Yield the records in a directory that comes with the model: place, record, and prediction or None.

        Raises InputError where there are none.
        """
        if self._trained.examples is None:
            raise InputError(
                f"--verify {directory} is a directory, and a model file of {self.kind} has no examples "
                "of its own in one. Name a file of records with their predictions."
            )
        for found in self._trained.examples(directory):
            records = [
                dict(zip(self._names, values, strict=True)) for values in zip(*found.columns, strict=True)
            ]
            rows = self._recorded(found.answers) if found.answers else [None] * len(records)
            for number, (record, row) in enumerate(zip(records, rows, strict=True), 1):
                yield f"{found.place}, record {number:,}", record, row

    def _recorded(self, answers: Mapping[str, Answer]) -> list[Any]:
        """Return the predictions that recorded answers come to."""
        chosen = _chosen(answers, self._asked_for(answers), self._path)
        return list(self._computed(chosen, None).to_pylist())

    def _computed(self, answers: Sequence[Answer], data: Any) -> pa.RecordBatch:
        """Return what answers compute of prepared data, as columns."""
        arrays = [
            _column(values, field.type)
            for answer in answers
            for field, values in zip(answer.fields, answer.compute(data), strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.output_schema)

    def _asked_for(self, answers: Mapping[str, Answer]) -> Sequence[str]:
        """Return the names of the answers that are wanted: the usual ones where none are named."""
        return self._wanted or [name for name in self._trained.usual if name in answers]

    def _bind(self, names: Sequence[str]) -> None:
        """Call the features by these names."""
        self._names = list(names)
        self._own_names = [feature.name for feature in self._trained.features] or self._names
        self.input_schema = record_type("Record", self._renamed())
        answers = self._trained.answers(self._names)
        self._answers = _chosen(answers, self._asked_for(answers), self._path)
        self.output_schema = _output_schema(self._answers)

    def _renamed(self) -> list[Feature]:
        features = self._trained.features or tuple(map(Feature, self._names))
        return [replace(feature, name=name) for feature, name in zip(features, self._names, strict=True)]


def _load(kind: ModelType, path: Path, trusted_types: Sequence[str]) -> Trained:
    try:
        module = importlib.import_module(f"{__package__}.{kind.name}_file")
    except ImportError as error:
        raise ConfigurationError(
            f"{path.name} is a model file of {kind.name}, which is not installed here "
            f"({error.name or error}). Install it: pip install {kind.install}"
        ) from error
    try:
        trained: Trained = module.load(path, trusted_types)
    except (ModelMapReduceError, MemoryError):
        raise
    except Exception as error:
        raise ConfigurationError(
            f"{path} can't be loaded as a model file of {kind.name}: {type(error).__name__}: "
            f"{printable(' '.join(str(error).split()), _LONGEST_REASON)}. Copy it again, or install the "
            "versions of the libraries that it was written with."
        ) from error
    return trained


def _column(values: Any, kind: pa.DataType) -> pa.Array:
    """Return values, one for each record, as a column of a type; raises what Arrow raises."""
    if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in _ALIKE:
        values = of_numpy(values)
    if isinstance(values, pa.Array):
        return values if values.type == kind else values.cast(kind)
    return pa.array(values, kind)


def _chosen(answers: Mapping[str, Answer], wanted: Sequence[str], path: Path) -> list[Answer]:
    return [_answer(answers, name, path) for name in wanted]


def _answer(answers: Mapping[str, Answer], wanted: str, path: Path) -> Answer:
    """Return the answer of a name, or of FIELD=NAME, whose fields are then called by that."""
    if wanted in answers:
        return answers[wanted]
    called, _, name = wanted.partition("=")
    if called and name in answers:
        return answers[name].called(called)
    raise ConfigurationError(
        f"{path.name} can't answer {wanted!r}. It can answer {', '.join(answers)}. "
        "Choose one of these with --model_output."
    )


def _output_schema(answers: Sequence[Answer]) -> pa.Schema:
    fields = [field for answer in answers for field in answer.fields]
    names = [field.name for field in fields]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigurationError(
            f"The answers asked for have two fields {twice!r}. Ask for them in runs of their own."
        )
    return pa.schema(fields)
