r"""What JSON is, where its readers differ: NaN, lone halves of surrogate pairs, numbers that no float holds.

One definition for every kind of schema: what the standard library reads, with three limits. NaN and Infinity
are no JSON, though Python writes them; a number over the largest float is out of range; a text with half a
surrogate pair (`\ud83d` alone), which JSON allows, can't be a model's, since no UTF-8 can be made of it.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

import msgspec

from model_mapreduce_job.models.validators import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

decode_any = msgspec.json.Decoder().decode

_CONSTANTS = (b"NaN", b"Infinity")
# A text, or what stands outside of one: linear, since each alternative begins with another character, and a
# text that has no end takes all that is left.
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|-?Infinity|NaN|[\[\]{}:,]', re.DOTALL)
_SURROGATES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
_FAR = re.compile(rb"[eE]\+?[0-9]{3}|[0-9]{309}")
_LAST_PLACE = 16
_DEEPEST = 100
# Two characters that no text may hold by Unicode's own rule; a record that is the same with each has neither.
_STAND_INS = (rb"\ufdd0", rb"\ufdd1")


def read_again(
    decode: Callable[[bytes], Any], text: bytes, error: BaseException, *, allow_nan: bool = False
) -> Any:
    """Return the record of a text that decode raised on, where only a field that it doesn't need is at fault.

    Raises the error, or one in JSON's own words, for all others.
    """
    if (lone := _lone_surrogate(text)) and _is_python_json(text, constants=allow_nan):
        return _without_surrogates(decode, text, lone)
    if not allow_nan and (constant := bare_constant(text)) and _is_python_json(text, constants=True):
        raise ValidationError(
            f"{constant.decode()} is no JSON, though Python and pandas write it: write null, or read it with "
            "--allow_nan"
        ) from None
    raise error


def bare_constant(text: bytes) -> bytes | None:
    """Return the first NaN or Infinity that stands outside of texts, None if there is none."""
    if not any(constant in text for constant in _CONSTANTS):
        return None
    return next((found[0] for found in _TOKENS.finditer(text) if found[0].endswith(_CONSTANTS)), None)


def without_constants(text: bytes, keeps: Callable[[list[str | int]], bool] = lambda _: False) -> bytes:
    """Return a JSON text with null for each NaN and Infinity, but where keeps says of its path to keep it."""
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


def may_be_out_of_range(text: bytes) -> bool:
    """Return whether a text may hold a number over the largest float."""
    return bool(_FAR.search(text))


def holds_infinity(value: Any) -> bool:
    """Return whether there is an infinite float in a record, however deep: a number that was out of range."""
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
    """Yield path, start and end of each NaN and Infinity; places far on in an array count as one.

    Ends at a document that is deeper than any reader here goes.
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
    """Change a path to where a bracket, colon or comma leads; name is that of the text before it."""
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
    except ValueError:  # no JSON, as whoever decodes the text will say
        return ""


def _lone_surrogate(text: bytes) -> str | None:
    if b"\\ud" not in text and b"\\uD" not in text:
        return None
    return next((found[1].decode() for found in _SURROGATES.finditer(text) if found[1]), None)


def _without_surrogates(decode: Callable[[bytes], Any], text: bytes, lone: str) -> Any:
    def read_with(stand_in: bytes) -> Any:
        return decode(_SURROGATES.sub(lambda found: stand_in if found[1] else found[0], text))

    first, second = map(read_with, _STAND_INS)
    if type(first) is type(second) and first == second:
        return first
    raise ValidationError(
        f"A text holds {lone}, half of a surrogate pair: JSON allows it, but no text of Unicode has it"
    ) from None


def _is_python_json(text: bytes, *, constants: bool = False) -> bool:
    try:
        json.loads(
            text.decode(), parse_constant=str if constants else _refuse, parse_int=str, parse_float=str
        )
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> None:
    raise ValueError(constant)
