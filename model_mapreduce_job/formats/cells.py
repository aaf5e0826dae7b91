"""The text of a cell: which number it is, and how it's written so that a row reads back and runs nowhere."""

from __future__ import annotations

import math
import re

# Each of these takes time in proportion to the text: no two of its parts can match the same character.
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_ANY_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:(\.)([0-9]*))?([eE][+-]?[0-9]+)?")
_EXACT_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?")
# What a double has room for, whichever digits they are.
_SURE_DIGITS = 15

# What a spreadsheet takes for the start of a formula: OWASP, "CSV Injection"; the last four are full-width.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_ESCAPED = re.compile(r"[\r\n]|\\[\\nr]")
_ESCAPE = re.compile(r"\\([\\nr])")
_ESCAPED_ONES = {"\\": "\\", "n": "\n", "r": "\r"}
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", "\r": r"\r"})


def json_number(cell: str) -> str | None:
    """Return a cell of a column of numbers as a JSON number, None if it is none that a float can hold.

    It may be written as `.5`, `5.` or `+5`, which JSON has no such numbers for, and with blanks around it.
    """
    cell = cell.strip()
    if not _JSON_NUMBER.fullmatch(cell):
        found = _ANY_NUMBER.fullmatch(cell)
        if not found or not (found[2] or found[4]) or (len(found[2]) > 1 and found[2].startswith("0")):
            return None
        sign, whole, point, part, exponent = (group or "" for group in found.groups())
        cell = f"{sign.strip('+')}{whole or '0'}{point}{part or (point and '0')}{exponent}"
    return cell


def is_integer(cell: str) -> bool:
    """Return whether a cell is an integer as JSON writes one: `-0` is none, since it would come back as 0."""
    return bool(_INTEGER.fullmatch(cell))


def is_finite_number(cell: str) -> bool:
    """Return whether a cell is a number as JSON writes one, and no larger than the largest float."""
    return bool(_JSON_NUMBER.fullmatch(cell)) and math.isfinite(float(cell))


def is_exact_number(cell: str) -> bool:
    """Return whether every reader of JSON reads a cell as the very number: no exponent, at most 15 digits."""
    found = _EXACT_NUMBER.fullmatch(cell)
    if not found or len(cell) > _SURE_DIGITS + 2:
        return False
    digits = found[2] + (found[3] or "")
    return len(digits) <= _SURE_DIGITS and not (found[1] and not digits.strip("0"))


def neutralised_formula(cell: str) -> str:
    """Return a cell that no spreadsheet runs: with an apostrophe before a formula that is no number."""
    if not cell.startswith(_FORMULA_STARTS):
        return cell
    number = _ANY_NUMBER.fullmatch(cell)
    return cell if number and (number[2] or number[4]) else f"'{cell}"


def escaped(cell: str) -> str:
    r"""Return a cell on one line: `\n` and `\r` for line ends, and then `\\` for each backslash.

    A cell without line ends stays as it is, unless it holds one of these three escapes: so a reader that
    replaces them has the text again.
    """
    return cell.translate(_ESCAPES) if _ESCAPED.search(cell) else cell


def unescaped(cell: str) -> str:
    """Return the text that escaped has made a cell of."""
    return _ESCAPE.sub(lambda found: _ESCAPED_ONES[found[1]], cell)
