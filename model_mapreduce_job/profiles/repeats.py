"""What a task reports of equal records, in a form that needs no library to be sent."""

from __future__ import annotations

import msgspec

# The file that a task read, and the byte of it where the task began; "" where that is not known.
Source = tuple[str, int]


class Repeats(msgspec.Struct, frozen=True):
    """What is known of equal records, by digests of 128 bits of their lines: repeat_rows.py reads it.

    records counts all that were looked at. All digests are kept while there are at most 65,536 different
    ones. Of more, those below 2**128 / 2**level are, the same part for all tasks: what is counted among them,
    times 2**level, estimates what is in all. So whatever order and parts records come in, the rows are the
    same. sources has, in their order, what a row has the number of. Source of the method: P. Flajolet, "On
    adaptive sampling", Computing 43, 1990.
    """

    records: int = 0
    level: int = 0
    sources: tuple[Source, ...] = (("", 0),)
    packed: bytes = b""
