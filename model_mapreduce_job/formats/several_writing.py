"""The predictions of several models: an object by their names, or the columns of each in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.errors import extend_until_error
from model_mapreduce_job.formats.protocols import JsonPairWriter, error_text, json_name
from model_mapreduce_job.formats.records import ERROR_COLUMNS, Failure
from model_mapreduce_job.formats.several_outcomes import joined_outcomes, outcomes_of_each, texts_of_each

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model_mapreduce_job.formats.batch_formats import Writer
    from model_mapreduce_job.formats.records import Text


class NamedPairWriter:
    """Writes mrjob's JSON pairs, whose predictions are objects by the models' names."""

    def __init__(self, names: Sequence[str], *, explain: bool) -> None:
        self._objects = _Objects(names)
        self._pairs = JsonPairWriter(explain=explain)

    def write(self, keys: Sequence[bytes], outcomes: Sequence[Any]) -> Sequence[bytes]:
        """Return one pair a line."""
        return self._pairs.write(keys, self._objects.texts(outcomes, self._pairs.failed))


class NamedObjectWriter:
    """Writes one JSON object a line, with input, and with prediction and error by the models' names."""

    def __init__(self, names: Sequence[str], *, explain: bool) -> None:
        self._objects = _Objects(names)
        self._names = list(map(json_name, names))
        self._explain = explain

    def write(self, keys: Sequence[bytes], outcomes: Sequence[Any]) -> list[bytes]:
        """Return one object a line."""
        texts = self._objects.texts(outcomes, _null)
        return [
            b'{"input": %b, "prediction": %b, "error": %b}' % (key, text, self._error(outcome))
            for key, text, outcome in zip(keys, texts, outcomes, strict=True)
        ]

    def _error(self, outcome: Any) -> bytes:
        if not self._explain or isinstance(outcome, tuple):
            return b"null"
        texts = zip(self._names, texts_of_each(outcome, len(self._names)), strict=True)
        failed = [b"%b: %b" % (name, error_text(text)) for name, text in texts if isinstance(text, Failure)]
        return b"{%b}" % b", ".join(failed)


class ChainedWriter:
    """Writes rows with the columns of each model: each writer takes the rows that the one before has written.

    writers has one for each model, whose names these are.
    """

    def __init__(self, names: Sequence[str], writers: Sequence[Writer], header: bytes | None = None) -> None:
        self._names = names
        self._writers = writers
        self.header = header

    def checked(self, outcomes: Sequence[Any]) -> Sequence[Any]:
        """Return outcomes, with a Failure of the model whose prediction can't be written as it is."""
        columns = outcomes_of_each(outcomes, len(self._names))
        pairs = zip(self._writers, columns, strict=True)
        return joined_outcomes(self._names, [writer.checked(list(texts)) for writer, texts in pairs])

    def write(self, keys: Any, outcomes: Sequence[Any]) -> Any:
        """Return the rows for keys and what became of their records."""
        for writer, texts in zip(self._writers, outcomes_of_each(outcomes, len(self._names)), strict=True):
            keys = writer.write(keys, texts)
        return keys

    def lines(self, output: Any) -> list[bytes]:
        """Return rows as lines, by which one run's can be compared with another's."""
        return self._writers[-1].lines(output)

    def size(self, output: Any) -> int:
        """Return how many bytes rows take, about."""
        return self._writers[-1].size(output)


def columns_of_model(
    name: str, fields: Sequence[str], taken: Sequence[str], *, explain: bool
) -> tuple[str, ...]:
    """Return the names of one of several models' columns: NAME.FIELD, or NAME where predictions have none.

    With explain those of its errors come after them. Raises InputError where one is taken already.
    """
    columns = [f"{name}.{field}" for field in fields] or [name]
    columns += [f"{name}.{word}" for word in ERROR_COLUMNS] if explain else []
    for place, column in enumerate(columns):
        if column in taken or column in columns[:place]:
            raise InputError(
                f"There is a column {column} already, and a field of the model {name} would have the same "
                "name. Rename the one in the input, or give the model another name."
            )
    return tuple(columns)


class _Objects:
    """Objects with a member for each of several models, as JSON."""

    def __init__(self, names: Sequence[str]) -> None:
        self._form = b"{%b}" % b", ".join(json_name(name).replace(b"%", b"%%") + b": %b" for name in names)
        self._models = len(names)

    def texts(self, outcomes: Sequence[Any], failed: Callable[[Failure], bytes]) -> list[bytes]:
        """Return the object of each outcome; failed gives what stands for a failure."""
        texts: list[bytes] = []
        written = map(self._form.__mod__, outcomes)
        while extend_until_error(texts, written, TypeError) is not None:  # a Failure can't be written
            each = texts_of_each(outcomes[len(texts)], self._models)
            texts.append(self._form % tuple(self._one(text, failed) for text in each))
        return texts

    def _one(self, text: Text, failed: Callable[[Failure], bytes]) -> bytes:
        return text if isinstance(text, bytes) else failed(text)


def _null(_failure: Failure) -> bytes:
    return b"null"
