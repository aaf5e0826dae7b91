"""Lines into rows whose quoted cells may hold line ends: each row as one line, newlines and all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from model_mapreduce_job.formats.lines import overlong
from model_mapreduce_job.formats.records import OverlongLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from model_mapreduce_job.formats.lines import Block


class RowAssembly:
    """Puts lines together that one quoted cell spans.

    A quote opens a cell only where the cell begins, so one that stands elsewhere costs its own line alone. A
    row over max_record_bytes becomes an OverlongLine, and the next line begins another.
    """

    def __init__(self, delimiter: str, max_record_bytes: int) -> None:
        mark = re.escape(delimiter.encode())
        plain = rb'[^"%b][^%b]*|' % (mark, mark)
        quoted = rb'"(?:[^"]|"")*"(?!")'
        # what is before the cell that is open at the end; each cell ends at a delimiter, so this is linear
        self._closed_cells = re.compile(rb"(?:(?:%b|%b)%b)*+" % (quoted, plain, mark))
        self._closing = re.compile(rb'(?:[^"]|"")*+"(?!")(?:%b|\r?\Z)?' % mark)
        self._most = max_record_bytes
        self._mark = delimiter.encode()
        self._begun: list[bytes] = []
        self._size = 0

    def rows(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Yield blocks of rows; one that is open at the end is yielded all the same, and can't be read."""
        for block in blocks:
            if isinstance(block, OverlongLine):
                yield from self._given_up()
                yield block
            elif not self._begun and b'"' not in b"".join(block):
                yield block
            else:
                yield from self._assembled(block)
        yield from self._given_up()

    def _assembled(self, lines: Iterable[bytes]) -> Iterator[Block]:
        rows: list[bytes] = []
        for line in lines:
            was_open = bool(self._begun)
            if self._is_open_after(line):
                self._begun.append(line)
                self._size += len(line) + 1
                if self._size > self._most:
                    yield from [rows] if rows else []
                    yield overlong(b"\n".join(self._begun), self._most)
                    rows, self._begun, self._size = [], [], 0
            elif was_open:
                rows.append(b"\n".join([*self._begun, line]))
                self._begun, self._size = [], 0
            else:
                rows.append(line)
        if rows:
            yield rows

    def _is_open_after(self, line: bytes) -> bool:
        """Return whether a quoted cell that began in this line or before it has no end yet."""
        start = 0
        if self._begun:
            found = self._closing.match(line)
            if not found:
                return True
            if not found[0].endswith(self._mark):
                return False  # the row's end, or no row at all
            start = found.end()
        elif b'"' not in line:
            return False
        closed = self._closed_cells.match(line, start)
        rest = line[closed.end() if closed else start :]
        return rest.startswith(b'"') and not re.fullmatch(rb'"(?:[^"]|"")*+"(?!").*', rest, re.DOTALL)

    def _given_up(self) -> Iterator[Block]:
        if self._begun:
            yield [b"\n".join(self._begun)]
        self._begun, self._size = [], 0
