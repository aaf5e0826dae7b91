"""What a library's module makes of a model file: the columns it takes, and the answers it can give."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import pyarrow as pa

from model_mapreduce_job.models.arrow_arrays import arrow_array, of_numpy

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from model_mapreduce_job.models.adapters.features import Feature

LABEL = "label"
PROBABILITY = "probability"
PROBABILITIES = "probabilities"
VALUE = "value"
RAW = "raw"
CONTRIBUTIONS = "contributions"

Compute: TypeAlias = Callable[[Any], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that a model can give: its fields, and what computes them from the prepared data.

    compute returns one array for each field, with a value for each record.
    """

    fields: tuple[pa.Field, ...]
    compute: Compute

    def called(self, name: str) -> Answer:
        """Return the answer with another name: of several fields, each has it before its own."""
        if len(self.fields) == 1:
            return Answer((self.fields[0].with_name(name),), self.compute)
        fields = tuple(field.with_name(f"{name}_{field.name}") for field in self.fields)
        return Answer(fields, self.compute)


@dataclass(frozen=True, slots=True)
class Examples:
    """Records that come with a model file: where they stand, and a column of values for each feature.

    answers has what the model must answer for them, by the same names as the model's own; None where that is
    not known.
    """

    place: str
    columns: Sequence[Sequence[Any]]
    answers: Mapping[str, Answer] | None = None


_NUMBER = re.compile(r"\d+")
_USUAL = (LABEL, PROBABILITY, VALUE)


def as_written(name: str) -> str:
    """Return a name as a library writes it that changes none."""
    return name


@dataclass(frozen=True, slots=True)
class Trained:
    """A loaded model file.

    features has the columns that it takes, in its order; named says whether it has names for them. prepare
    turns a batch of these columns into what the library takes, and raises ValueError for values that the
    model doesn't know. answers gives, from the features' names, what
    it can be asked for; of these it gives the usual ones where none are named. spelled gives a column's name
    as the library writes it into a file. examples returns the examples in a directory.
    """

    features: tuple[Feature, ...]
    prepare: Callable[[pa.RecordBatch], Any]
    answers: Callable[[Sequence[str]], Mapping[str, Answer]]
    usual: Sequence[str] = _USUAL
    named: bool = True
    spelled: Callable[[str], str] = as_written
    examples: Callable[[Path], Sequence[Examples]] | None = None


class Scores(Protocol):
    """What a library computes of prepared data, beside the answers of the model's kind."""

    def raw(self, rows: Any, /) -> NDArray[Any]:
        """Return the raw score of each row; of each class, where there are many."""
        ...

    def contributions(self, rows: Any, /) -> NDArray[Any]:
        """Return the SHAP values of each row, and its base value in the last column."""
        ...


def with_scores(
    own: Mapping[str, Answer],
    scores: Scores,
    features: Sequence[str],
    classes: Sequence[Any],
    dtype: pa.DataType,
) -> dict[str, Answer]:
    """Return the answers of a model's kind, and its raw scores and contributions.

    classes are those that have a score of their own: none of a regressor's, nor of two that share one; of
    several targets their numbers.
    """
    raw = by_class(RAW, classes, scores.raw, dtype) if classes else single(RAW, scores.raw, dtype)
    return {**own, RAW: raw, CONTRIBUTIONS: contributions(features, scores.contributions, classes, dtype)}


def two_classes(positive: NDArray[Any]) -> NDArray[Any]:
    """Return the probabilities of both classes, of shape (records, 2), from those of the second one."""
    return np.column_stack((1 - positive, positive))


def classifier_answers(
    classes: Sequence[Any],
    probabilities: Callable[[Any], NDArray[Any]],
    label: Callable[[Any], NDArray[Any]] | None = None,
    dtype: pa.DataType | None = None,
) -> dict[str, Answer]:
    """Return the answers of a classifier: its label, the label's probability, and that of each class.

    probabilities gives an array of shape (records, classes), label the classes themselves; without it the
    label is the class of the greatest probability, the first of them where there are several.
    """
    known = np.asarray(classes)
    kind = dtype or pa.float64()
    probabilities = once(probabilities)

    @once
    def places(data: Any) -> NDArray[Any]:
        if label is None:
            return np.asarray(probabilities(data).argmax(axis=1))
        order = np.argsort(known, kind="stable")
        return np.asarray(order[np.searchsorted(known, label(data), sorter=order)])

    def own(data: Any) -> NDArray[Any]:
        table = probabilities(data)
        return np.asarray(table[np.arange(len(table)), places(data)])

    return {
        LABEL: Answer((pa.field(LABEL, label_type(known)),), lambda data: [_chosen(known, places(data))]),
        PROBABILITY: Answer((pa.field(PROBABILITY, kind),), lambda data: [own(data)]),
        PROBABILITIES: by_class(PROBABILITIES, classes, probabilities, kind),
    }


def once(compute: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a function that computes only once what it is asked of the same data several times in a row.

    It keeps that data and its answer until it is asked of other data: a batch, at most.
    """
    last: list[tuple[Any, Any]] = []

    def remembered(data: Any) -> Any:
        if not (last and last[0][0] is data):
            last[:] = [(data, compute(data))]
        return last[0][1]

    return remembered


def by_class(
    name: str, classes: Sequence[Any], scores: Callable[[Any], NDArray[Any]], dtype: pa.DataType
) -> Answer:
    """Return an answer with a field for each class: its name for probabilities, else after the answer's."""
    prefix = "" if name == PROBABILITIES else f"{name}_"
    fields = tuple(pa.field(f"{prefix}{each}", dtype) for each in classes)
    return Answer(fields, lambda data: list(scores(data).T))


def single(name: str, compute: Callable[[Any], NDArray[Any]], dtype: pa.DataType) -> Answer:
    """Return an answer with one field, of one value for each record."""
    return Answer((pa.field(name, dtype),), lambda data: [compute(data)])


def several(name: str, compute: Callable[[Any], NDArray[Any]], kinds: Sequence[pa.DataType]) -> Answer:
    """Return an answer with a field of each of these types, called by the name and a number, from 1.

    compute gives an array of shape (records, types).
    """
    fields = tuple(pa.field(f"{name}_{place}", kind) for place, kind in enumerate(kinds, 1))
    return Answer(fields, lambda data: list(compute(data).T))


def values(compute: Callable[[Any], NDArray[Any]], count: int, dtype: pa.DataType) -> Answer:
    """Return the answer of a regressor: one value for each record, or as many as it has targets."""
    if count == 1:
        return single(VALUE, lambda data: compute(data).reshape(-1), dtype)
    return several(VALUE, compute, [dtype] * count)


def contributions(
    features: Sequence[str],
    compute: Callable[[Any], NDArray[Any]],
    classes: Sequence[Any],
    dtype: pa.DataType,
) -> Answer:
    """Return an answer with each feature's SHAP value and the base value, by class where there are many.

    compute gives an array of shape (records, features + 1), or (records, classes, features + 1), whose last
    column is the base value: then the fields of a record add up to its raw score.
    """
    names = [*features, "base_value"]
    prefixes = [f"{CONTRIBUTIONS}_{each}_" for each in classes] or [f"{CONTRIBUTIONS}_"]
    fields = tuple(pa.field(f"{prefix}{name}", dtype) for prefix in prefixes for name in names)

    def columns(data: Any) -> list[NDArray[Any]]:
        table = compute(data)
        return list(table.reshape(len(table), len(fields)).T)

    return Answer(fields, columns)


def _chosen(names: NDArray[Any], places: NDArray[np.int64]) -> NDArray[Any] | pa.Array:
    """Return the name at each of the places; texts as a column, with no object for each."""
    if names.dtype.kind not in "OU":
        return names[places]
    return arrow_array(list(map(str, names.tolist())), pa.string()).take(of_numpy(places))


def label_type(classes: NDArray[Any]) -> pa.DataType:
    """Return the Arrow type of a classifier's labels."""
    if classes.dtype.kind == "b":
        return pa.bool_()
    if classes.dtype.kind in "iu":
        return pa.int64()
    return pa.float64() if classes.dtype.kind == "f" else pa.string()


def warn_if_other(library: str, written: str, here: str, path: Path) -> None:
    """Warn, naming both, when a file was written by another version of its library than the one here.

    Only the first two numbers of a version count: a third one stands for mended faults alone.
    """
    if _series(written) != _series(here):
        warnings.warn(
            f"{path.name} was written by {library} {written}, and {here} is installed here: "
            "its predictions may differ.",
            stacklevel=2,
        )


def _series(version: str) -> list[str]:
    return _NUMBER.findall(version)[:2]
