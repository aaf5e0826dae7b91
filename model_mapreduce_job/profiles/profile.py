"""A profile: what is known of a run's records and predictions, of a task's, or of a data set."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
from datasketches import frequent_strings_sketch, kll_doubles_sketch

from model_mapreduce_job.profiles.fields import Fields
from model_mapreduce_job.profiles.numbers import added

if TYPE_CHECKING:
    from collections.abc import Callable

FORMAT: Final = "model_mapreduce_job profile 1"
MOST_CLASSES: Final = 20
OTHER_CLASSES: Final = "other"


class Mean(msgspec.Struct):
    """A sum, and of how many numbers it is; the largest float is a sum that is beyond all floats."""

    count: int = 0
    total: float = 0.0

    def merge(self, other: Mean) -> None:
        """Add another's numbers."""
        self.count += other.count
        self.total = added(self.total, other.total)


class Profile(msgspec.Struct):
    """What is known of records and predictions.

    records counts the records that were read, failed those that were not, or have no prediction. classes has
    the mean of each field of numbers by predicted class, of the records that were picked. takes names the
    fields of the model's schema, where it names any. about has what else is known of the run.
    """

    records: int = 0
    predicted: int = 0
    failed: int = 0
    inputs: Fields = msgspec.field(default_factory=Fields)
    predictions: Fields = msgspec.field(default_factory=Fields)
    classes: dict[str, dict[str, Mean]] = {}
    takes: list[str] = []
    about: dict[str, Any] = {}
    format: str = ""

    def merge(self, other: Profile) -> None:
        """Add another's records and predictions."""
        for name in ("records", "predicted", "failed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.inputs.merge(other.inputs)
        self.predictions.merge(other.predictions)
        self.takes = list(dict.fromkeys([*self.takes, *other.takes]))
        for kind, means in other.classes.items():
            own = self.of_class(kind)
            for field, mean in means.items():
                own.setdefault(field, Mean()).merge(mean)

    def of_class(self, kind: str) -> dict[str, Mean]:
        """Return the means of a class, by field; of the last of too many, all the others' together."""
        if kind not in self.classes and len(self.classes) >= MOST_CLASSES:
            kind = OTHER_CLASSES
        return self.classes.setdefault(kind, {})

    def is_picked(self) -> bool:
        """Whether some distributions are of a part of the values, picked by chance."""
        fields = [*self.inputs.kept.values(), *self.predictions.kept.values()]
        sketches = [each for field in fields for each in (field.numbers, field.lengths, field.sizes) if each]
        return any(set(each.strata) - {1} for each in sketches)

    def to_bytes(self) -> bytes:
        """Return the profile as a task sends it."""
        return _packer.encode(self)

    @classmethod
    def from_bytes(cls, packed: bytes) -> Profile:
        """Return the profile that to_bytes has packed."""
        return _unpacker.decode(packed)

    def to_json(self) -> bytes:
        """Return the profile as JSON."""
        self.format = FORMAT
        return msgspec.json.format(_writer.encode(self), indent=1)

    @classmethod
    def from_json(cls, text: bytes) -> Profile:
        """Return the profile that to_json has written; raises ValueError for any other text."""
        found = _reader.decode(text)
        if found.format != FORMAT:
            raise ValueError(f"it is {found.format!r:.60}, not {FORMAT!r}")
        return found


def _plain(value: Any) -> bytes:
    if isinstance(value, np.ndarray):
        return value.tobytes()
    return bytes(value.serialize())


def _made(kind: type, value: Any) -> Any:
    packed = base64.b64decode(value, validate=True) if isinstance(value, str) else value
    try:
        return _MAKERS[kind](packed)
    except KeyError:
        raise NotImplementedError(f"no {kind.__name__} is in a profile") from None
    except Exception as error:  # noqa: BLE001 - whatever the library raises on bytes that are no sketch
        raise ValueError(f"a sketch of it is damaged: {error}") from None


_MAKERS: Final[dict[type, Callable[[bytes], Any]]] = {
    np.ndarray: lambda packed: np.frombuffer(packed, np.uint64),
    kll_doubles_sketch: kll_doubles_sketch.deserialize,
    frequent_strings_sketch: frequent_strings_sketch.deserialize,
}
_packer = msgspec.msgpack.Encoder(enc_hook=_plain)
_unpacker = msgspec.msgpack.Decoder(Profile, dec_hook=_made)
_writer = msgspec.json.Encoder(enc_hook=_plain)
_reader = msgspec.json.Decoder(Profile, dec_hook=_made)
