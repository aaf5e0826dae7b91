"""Counts a task's equal records as they come by."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

import numpy as np
from msgspec.structs import replace

from model_mapreduce_job.formats.records import texts_at
from model_mapreduce_job.profiles.distinct import mixed
from model_mapreduce_job.profiles.repeat_rows import KEPT, LAST_LINE, ROW, highest, of_rows, rows_of
from model_mapreduce_job.profiles.repeats import Repeats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.profiles.repeat_rows import Rows

_UPPER: Final = np.uint64(0xFFFFFFFF00000000)
_DIGEST: Final = np.dtype([("high", "<u4"), ("low", "<u8")])
_NONE: Final = bytes(8)
_MOST_TEXTS: Final = 1000


class RepeatCounter:
    """Keeps what is known of the records of a task.

    The 128 bits of a digest are 32 made of the line's CRC-32, by which it's quickly known whether the digest
    is one to be kept, and 96 of BLAKE2b.
    """

    def __init__(self) -> None:
        self._found = Repeats()
        self._waiting: list[Rows] = []
        self._count = self._records = 0
        self._short: dict[bytes, bytes] = {}

    def add(
        self, lines: Sequence[bytes], predictions: Sequence[Any], places: Sequence[int], first: int
    ) -> None:
        """Add records: the batch's lines, the predictions' texts, and which of the lines these are of.

        What is no text is no prediction. first is the number of the batch's first line in the task.
        """
        texts = list(lines)
        if len(places) < len(texts):
            texts = [texts[place] for place in places]
        self._records += len(texts)
        high = mixed(np.fromiter(map(crc32, texts), np.uint64, len(texts))) & _UPPER
        chosen = np.flatnonzero(high <= highest(self._found.level))
        if not len(chosen):
            return
        picked = chosen.tolist()
        outcomes = texts_at(predictions, picked)
        digests = np.frombuffer(b"".join([_digest(texts[at], 12) for at in picked]), _DIGEST)
        rows = np.zeros(len(picked), ROW)
        rows["high"] = high[chosen] | digests["high"]
        rows["low"] = digests["low"]
        rows["prediction"] = np.frombuffer(b"".join(list(map(self._of, outcomes))), "<u8")
        rows["count"] = 1
        rows["line"] = np.minimum(np.asarray(places, np.uint64)[chosen] + np.uint64(first), LAST_LINE)
        self._waiting.append(rows)
        self._count += len(rows)
        if self._count >= KEPT:
            self._settle()

    def taken(self) -> Repeats:
        """Return what is known, and begin anew."""
        self._settle()
        found = replace(self._found, records=self._records)
        self._found, self._records = Repeats(), 0
        return found

    def _settle(self) -> None:
        rows = np.concatenate([rows_of(self._found), *self._waiting])
        self._found = of_rows(rows, self._found, in_order=True)
        self._waiting, self._count = [], 0

    def _of(self, prediction: Any) -> bytes:
        """Return a digest of a prediction; those of classes come again and again."""
        if not isinstance(prediction, bytes):
            return _NONE
        found = self._short.get(prediction)
        if found is None:
            found = _digest(prediction, 8)
            if len(self._short) < _MOST_TEXTS and len(prediction) < _MOST_TEXTS:
                self._short[prediction] = found
        return found


def _digest(text: bytes, size: int) -> bytes:
    return blake2b(text, digest_size=size).digest()
