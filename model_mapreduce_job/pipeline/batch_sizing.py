"""How many records to predict at once: found from what batches cost, not asked for."""

from __future__ import annotations

FIRST_SIZE = 16
LARGEST_SIZE = 16384
# The part of a batch's time that doesn't depend on its size should be at most this share of it.
FIXED_SHARE = 0.05
LONGEST_SECONDS = 2.0
# What a batch may take where most of it is the fixed part, which a smaller one has as well.
MOST_SECONDS = 16.0
# What comes out of a batch is held in memory several times over, as objects, texts and lines.
LARGEST_OUTPUT_BYTES = 8 << 20
# The cost of a shorter batch is lost in noise, such as the turns of other processes, and a longer one does no
# harm.
SHORTEST_SECONDS = 0.05
# Noise only ever adds to a batch's time, so the quickest of a few is the cost of a size.
_TRIES = 3
# A batch that was cut costs that much more a record, at the least, where most of it is the fixed part.
_MUCH_MORE = 1.5


class BatchSizer:
    """The size of the next batch, found by fitting what the batches before it cost.

    A batch of n records takes fixed + n * each seconds. The size doubles until the fixed part is under 5 % of
    a batch. It starts again from a smaller one when a batch takes over longest_seconds, be it the model that
    is slow or the machine that stood still, when a batch does not fit into memory, and when more than 8 MiB
    come out of it. Where smaller batches only make each record dearer, it goes back, and batches may take
    most_seconds. A pinned size is only ever lowered, by want of memory.
    """

    def __init__(
        self,
        pinned: int | None = None,
        longest_seconds: float = LONGEST_SECONDS,
        most_seconds: float = MOST_SECONDS,
    ) -> None:
        self.size = pinned or FIRST_SIZE
        self._largest = pinned or LARGEST_SIZE
        self._longest_seconds = longest_seconds
        self._most_seconds = most_seconds
        self._cut: tuple[int, float] | None = None
        self._dearer = 0
        self._pinned = pinned is not None
        self._growing = not self._pinned
        self._fits = self._largest
        self._start_from(self.size)

    def observe(self, records: int, seconds: float, written: int = 0) -> None:
        """Use what a batch took, in seconds and in bytes of output; a small one says nothing of growing."""
        if self._pinned:
            return
        self._fits = max(1, records * LARGEST_OUTPUT_BYTES // written) if written else self._largest
        if self._fits < self.size:
            self._start_from(self._fits)
        elif seconds > self._longest_seconds and (records > 1 or self._cut):
            self._shorten(records, seconds)
        elif records == self.size:
            # one that is so short now was only held up when the growth ended
            self._growing = self._growing or seconds < SHORTEST_SECONDS
            self._observe_size(seconds)

    def out_of_memory(self, records: int) -> None:
        """Record that a batch of this many records did not fit into memory."""
        self._largest = max(1, records // 2)
        self._start_from(self._largest)

    def _shorten(self, records: int, seconds: float) -> None:
        """Make batches shorter, or long again where twice that was no help."""
        if self._cut is None or seconds / records < _MUCH_MORE * self._cut[1] / self._cut[0]:
            self._cut, self._dearer = (records, seconds), 0
            self._start_from(max(1, int(records * self._longest_seconds / seconds)))
            return
        self._dearer += 1
        if self._dearer > 1 and self._cut[1] <= self._most_seconds:
            self.size, longest = self._cut
            self._longest_seconds = min(2 * longest, self._most_seconds)
            self._cut = None
            self._start_from(self.size)

    def _start_from(self, size: int) -> None:
        self.size = min(self.size, size)
        self._growing = not self._pinned
        self._seconds: list[float] = []
        self._half_the_size: float | None = None

    def _observe_size(self, seconds: float) -> None:
        self._seconds.append(seconds)
        if self._growing and len(self._seconds) >= _TRIES:
            self._grow(min(self._seconds))
        self._seconds = self._seconds[-_TRIES:]

    def _grow(self, seconds: float) -> None:
        too_large = 2 * self.size > min(self._largest, self._fits) or 2 * seconds > self._longest_seconds
        self._growing = not (too_large or self._is_enough(seconds))
        if self._growing:
            self.size *= 2
            self._half_the_size = seconds
            self._seconds = []

    def _is_enough(self, seconds: float) -> bool:
        """Return whether the fixed part, by the line through this size and half of it, is under its share."""
        if self._half_the_size is None or seconds < SHORTEST_SECONDS:
            return False
        fixed = 2 * self._half_the_size - seconds
        return fixed < FIXED_SHARE * seconds
