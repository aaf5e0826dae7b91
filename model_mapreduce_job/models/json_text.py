r"""The definition of JSON where its readers differ: NaN, half surrogate pairs, numbers too large for a float.

It is the same for every kind of schema: JSON is what the standard library reads, with three limits. NaN and
Infinity are not JSON, though Python writes them; a number over the largest float is out of range; a text with
half a surrogate pair (`\ud83d` alone), which JSON allows, can't be given to a model, since it is not Unicode.
"""

from __future__ import annotations

import json
import math
import re
from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.models.validators import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

decode_any = msgspec.json.Decoder().decode

_CONSTANTS = (b"NaN", b"Infinity")
# A string, or a token outside of one. Matching takes linear time, since each alternative begins with another
# character, and a string without an end takes all the rest.
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|-?Infinity|NaN|[\[\]{}:,]', re.DOTALL)
_SURROGATES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
_FAR = re.compile(rb"[eE]\+?[0-9]{3}|[0-9]{309}")
_LAST_PLACE = 16
_DEEPEST = 100
# Two characters that Unicode forbids in texts; a record that is the same with each of them has neither.
_STAND_INS = (rb"\ufdd0", rb"\ufdd1")


def read_again(
    decode: Callable[[bytes], Any], text: bytes, error: BaseException, *, allow_nan: bool = False
) -> Any:
    """Return the record of a text that decode raised on, if only a field that it doesn't need is invalid.

    Otherwise raises the error, or a clearer one.
    """
    if (lone := _lone_surrogate(text)) and is_python_json(text, constants=allow_nan):
        return _without_surrogates(decode, text, lone)
    if not allow_nan and (constant := first_constant(text)) and is_python_json(text, constants=True):
        raise ValidationError(
            f"{constant.decode()} is no JSON, though Python and pandas write it: write null, or read it with "
            "--allow_nan"
        ) from None
    raise error


def first_constant(text: bytes) -> bytes | None:
    """Return the first NaN or Infinity outside of strings, None if there is none."""
    if not any(constant in text for constant in _CONSTANTS):
        return None
    return next((found[0] for found in _TOKENS.finditer(text) if found[0].endswith(_CONSTANTS)), None)


def without_constants(text: bytes, keeps: Callable[[list[str | int]], bool] = lambda _: False) -> bytes:
    """Return a JSON text with null for each NaN and Infinity, except at paths for which keeps is true."""
    pieces, end = [], 0
    known: dict[tuple[str | int, ...], bool] = {}
    for path, start, stop in _constants(text):
        place = tuple(path)
        if place not in known:
            known[place] = keeps(path)
        if not known[place]:
            pieces += [text[end:start], b"null"]
            end = stop
    return b"".join([*pieces, text[end:]])


def without_half_pairs(text: bytes, stand_in: bytes = _STAND_INS[0]) -> bytes:
    """Return a JSON text of the same length, with another character for each half of a surrogate pair."""
    return _SURROGATES.sub(lambda found: stand_in if found[1] else found[0], text)


def marked_half_pairs(text: bytes) -> tuple[bytes, bytes]:
    """Return a JSON text with a mark for the backslash of each half of a surrogate pair, and the mark.

    The text has that nowhere else, so a backslash in the place of each mark gives it back.
    """
    mark = next(mark for number in count() if (mark := b"~%d" % number) not in text)
    return _SURROGATES.sub(lambda found: mark + found[0][1:] if found[1] else found[0], text), mark


def may_be_out_of_range(text: bytes) -> bool:
    """Return whether a text may have a number over the largest float."""
    return bool(_FAR.search(text))


def holds_infinity(value: Any) -> bool:
    """Return whether a record has an infinite float at any depth, which is a number that was out of range."""
    ahead = [value]
    while ahead:
        part = ahead.pop()
        if isinstance(part, float) and math.isinf(part):
            return True
        if isinstance(part, dict):
            ahead += part.values()
        elif isinstance(part, list | tuple | set | frozenset):
            ahead += part
        elif hasattr(part, "__dict__"):
            ahead += vars(part).values()
    return False


def _constants(text: bytes) -> Iterator[tuple[list[str | int], int, int]]:
    """Yield path, start and end of each NaN and Infinity; array indexes from 16 on are the same in paths.

    Stops where a document is nested deeper than any reader accepts.
    """
    path: list[Any] = []
    name = ""
    for found in _TOKENS.finditer(text):
        token = found[0]
        if token.startswith(b'"'):
            name = _name(token)
        elif token.endswith(_CONSTANTS):
            yield path.copy(), found.start(), found.end()
        else:
            _follow(path, token, name)
        if len(path) > _DEEPEST:
            return


def _follow(path: list[Any], token: bytes, name: str) -> None:
    """Update a path for a bracket, colon or comma; name is the string before it."""
    if token in {b"{", b"["}:
        path.append(0 if token == b"[" else None)
    elif path and token in {b"}", b"]"}:
        path.pop()
    elif path and token == b":":
        path[-1] = name
    elif path:
        path[-1] = min(path[-1] + 1, _LAST_PLACE) if isinstance(path[-1], int) else None


def _name(token: bytes) -> str:
    try:
        return str(json.loads(token.decode(errors="replace"), strict=False))
    except ValueError:  # not JSON, which decoding the text will report
        return ""


def _lone_surrogate(text: bytes) -> str | None:
    if b"\\ud" not in text and b"\\uD" not in text:
        return None
    return next((found[1].decode() for found in _SURROGATES.finditer(text) if found[1]), None)


def _without_surrogates(decode: Callable[[bytes], Any], text: bytes, lone: str) -> Any:
    first, second = (decode(without_half_pairs(text, stand_in)) for stand_in in _STAND_INS)
    if type(first) is type(second) and first == second:
        return first
    raise ValidationError(
        f"A text holds {lone}, half of a surrogate pair: JSON allows it, but it is not valid Unicode"
    ) from None


def is_python_json(text: bytes, *, constants: bool = False) -> bool:
    """Return whether Python reads a text as JSON; with constants also one that has NaN or Infinity."""
    try:
        json.loads(
            text.decode(), parse_constant=str if constants else _refuse, parse_int=str, parse_float=str
        )
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> None:
    raise ValueError(constant)
