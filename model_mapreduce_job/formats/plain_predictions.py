"""Texts of predictions into cells of rows, all at once where they are plain."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from model_mapreduce_job.formats.byte_arrays import byte_array
from model_mapreduce_job.formats.columns_of_cells import json_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_mapreduce_job.formats.rows import Dialect

_NUMBER_OR_WORD = r"-?[0-9][0-9.eE+-]*|true|false"


class PlainPredictions:
    """Writes objects with these fields, in order, each a number, true, false or a text without escapes."""

    def __init__(self, names: Sequence[str], dialect: Dialect) -> None:
        delimiter = re.escape(dialect.delimiter)
        # no spreadsheet runs a text that begins otherwise; a full-width formula begins with the byte ef
        others = rf'"\\}}{delimiter}\x00-\x1f'
        text = rf'"(?:[^{others}=+\-@\xef][^{others}]*)?"'
        members = [b"%b: " % json_text(name) for name in names]
        values = rf"(?:{text}|{_NUMBER_OR_WORD})"
        patterns = [re.escape(member.decode()) + values for member in members]
        self._plain = rf"^\{{{', '.join(patterns)}\}}$"
        self._first = b"{%b" % members[0]
        self._others = [b", %b" % member for member in members[1:]]
        self._delimiter = dialect.delimiter.encode()

    def cells(self, texts: Sequence[bytes]) -> list[bytes] | None:
        """Return each text's cells, with the delimiter before them; None unless all are plain."""
        is_plain = pc.match_substring_regex(byte_array(texts), self._plain)
        if not pc.all(is_plain).as_py():
            return None
        block = b"\n".join(texts)
        for member in self._others:
            block = block.replace(member, self._delimiter)
        return block.replace(self._first, self._delimiter).translate(None, b'"}').split(b"\n")


def plain_predictions(names: Sequence[str], dialect: Dialect) -> PlainPredictions | None:
    """Return what writes plain predictions with these fields; None where it can't be proven that it does."""
    marks = frozenset("".join(names)) & frozenset('"\\}\n')
    has_plain_marks = (
        dialect.delimiter.isascii() and not dialect.delimiter.isalnum() and dialect.decimal == "."
    )
    return PlainPredictions(names, dialect) if names and has_plain_marks and not marks else None
