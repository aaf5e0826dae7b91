"""A part of a file, by which those who hold the file give its bytes."""

from __future__ import annotations

from typing import NamedTuple


class FileRange(NamedTuple):
    """Bytes of a file: its path, the first of them, and how many they are."""

    path: str
    start: int
    length: int

    @property
    def end(self) -> int:
        """The place behind the last byte."""
        return self.start + self.length
