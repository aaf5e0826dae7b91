"""How many records to predict at once: found from what batches cost, not asked for."""

from __future__ import annotations

FIRST_SIZE = 16
LARGEST_SIZE = 16384
# The part of a batch's time that doesn't depend on its size should be at most this share of it.
FIXED_SHARE = 0.05
LONGEST_SECONDS = 2.0
_DECAY = 0.7


class BatchSizer:
    """The size of the next batch, by a line fitted to what the batches before it cost.

    A batch of n records takes fixed + n * each seconds (least squares, older batches weigh less). The size
    doubles until the fixed part is under 5 % of a batch, and halves when a batch takes over 2 seconds or
    does not fit into memory. A pinned size is only ever lowered, by want of memory.
    """

    def __init__(self, pinned: int | None = None) -> None:
        self.size = pinned or FIRST_SIZE
        self._growing = pinned is None
        self._pinned = pinned is not None
        self._warm = False
        self._weight = self._n = self._t = self._nn = self._nt = 0.0

    def observe(self, records: int, seconds: float) -> None:
        """Take note of what a batch cost; a batch smaller than the size tells nothing about growing."""
        if self._pinned:
            return
        if seconds > LONGEST_SECONDS and records > 1:
            self._shrink_to(max(1, int(records * LONGEST_SECONDS / seconds)))
        elif not self._warm:
            self._warm = True  # the first batch also pays for what a model does only once
        elif self._growing and records >= self.size:
            self._fit(records, seconds)
            self._grow(seconds)

    def out_of_memory(self, records: int) -> None:
        """Take note that a batch of so many records did not fit into memory."""
        self._shrink_to(max(1, records // 2))

    def _shrink_to(self, size: int) -> None:
        self.size = min(self.size, size)
        self._growing = False

    def _fit(self, n: float, t: float) -> None:
        terms = (1.0, n, t, n * n, n * t)
        sums = (self._weight, self._n, self._t, self._nn, self._nt)
        self._weight, self._n, self._t, self._nn, self._nt = (
            _DECAY * old + new for old, new in zip(sums, terms, strict=True)
        )

    def _grow(self, seconds: float) -> None:
        each, fixed = self._line()
        enough = fixed * (1 - FIXED_SHARE) / (FIXED_SHARE * each) if each > 0 else LARGEST_SIZE
        if self.size >= enough or 2 * seconds > LONGEST_SECONDS:
            self._growing = False
        else:
            self.size = min(2 * self.size, LARGEST_SIZE)

    def _line(self) -> tuple[float, float]:
        """Return the slope and the intercept, in seconds; no slope while all batches were of one size."""
        spread = self._weight * self._nn - self._n * self._n
        if spread <= 0:
            return 0.0, 0.0
        each = (self._weight * self._nt - self._n * self._t) / spread
        return each, max(0.0, (self._t - each * self._n) / self._weight)
