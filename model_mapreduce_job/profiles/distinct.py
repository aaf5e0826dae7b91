"""How many different values there are: the smallest hashes of all, which merge without any loss."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

Hashes = np.ndarray

KEPT: Final = 1024
_CACHE: Final = 1024
_HIGHEST: Final = np.uint64(2**64 - 1)
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
_OTHER_ODD: Final = np.uint64(0xBF58476D1CE4E5B9)
_HALF: Final = np.uint64(32)


def no_hashes() -> Hashes:
    """Return an empty array of hashes."""
    return np.empty(0, np.uint64)


class Distinct(msgspec.Struct, dict=True):
    """The 1,024 smallest hashes of 64 bits among those of all values, sorted.

    Fewer than 1,024 different values are counted exactly; of more, the standard error is 3.1 %. Whatever
    order values come in, and however they are parted, the hashes are the same. Source: K. Beyer et al., "On
    synopses for distinct-value estimation under multiset operations", SIGMOD 2007, section 4.3.
    """

    hashes: Hashes = msgspec.field(default_factory=no_hashes)

    @property
    def estimate(self) -> int:
        """Return the number of different values: (k - 1) / the k-th smallest hash, as a share of all."""
        if len(self.hashes) < KEPT:
            return len(self.hashes)
        return round((KEPT - 1) / (int(self.hashes[-1]) / 2**64))

    @property
    def is_exact(self) -> bool:
        """Whether all different values were counted."""
        return len(self.hashes) < KEPT

    def add_texts(self, texts: Iterable[str]) -> None:
        """Add texts."""
        self.add_hashes(mixed(_hashes(list(texts))))

    def merge(self, other: Distinct) -> None:
        """Add the values that another has."""
        self._keep(other.hashes)

    def add_hashes(self, hashes: NDArray[np.uint64]) -> None:
        """Add values by their hashes."""
        if len(self.hashes) == KEPT:
            hashes = hashes[hashes < self.hashes[-1]]
        if not len(hashes):
            return
        # most values were there a moment ago: what is new is rare, and what sorting costs with it
        recent = self._recent()
        slots = hashes & np.uint64(_CACHE - 1)
        fresh = hashes[recent[slots] != hashes]
        if len(fresh):
            recent[slots] = hashes
            if len(new := fresh[~self._has(fresh)]):
                self._keep(new)

    def _has(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        if not len(self.hashes):
            return np.zeros(len(hashes), np.bool_)
        places = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        is_known: NDArray[np.bool_] = self.hashes[places] == hashes
        return is_known

    def _recent(self) -> Any:
        found = self.__dict__.get("recent")
        if found is None:
            # no slot holds a hash that belongs into it
            found = self.__dict__["recent"] = np.arange(1, _CACHE + 1, dtype=np.uint64)
        return found

    def _keep(self, hashes: NDArray[np.uint64]) -> None:
        found = np.unique(np.concatenate([self.hashes, hashes[hashes != _HIGHEST]]))
        self.hashes = found[:KEPT]


def hashes_of(numbers: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return the hashes of numbers, of which 0.0 and -0.0 are one; of NaN one that is not kept."""
    hashes = mixed((numbers + 0.0).view(np.uint64))
    hashes[np.isnan(numbers)] = _HIGHEST
    return hashes


def mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a hash of each value whose bits all depend on all of its bits, as splitmix64 makes them."""
    mixed = values * _ODD
    mixed ^= mixed >> _HALF
    mixed *= _OTHER_ODD
    mixed ^= mixed >> _HALF
    return mixed


_from_bytes: Callable[[bytes, Any], int] = int.from_bytes


def _hashes(texts: list[str]) -> NDArray[np.uint64]:
    """Return a number for each text: its bytes as one, modulo 2**61 - 1, as Python hashes numbers."""
    try:
        encoded = list(map(str.encode, texts))
    except UnicodeEncodeError:  # half a surrogate pair
        encoded = [text.encode(errors="surrogatepass") for text in texts]
    numbers = map(hash, map(_from_bytes, encoded, repeat("little")))
    hashes = np.fromiter(numbers, np.int64, len(texts)).view(np.uint64)
    # zeros at the end add nothing to a number
    lengths = np.fromiter(map(len, encoded), np.uint64, len(texts))
    return hashes ^ (lengths << np.uint64(48))
