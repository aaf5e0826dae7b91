"""An output whose parts each begin with a header, put together with one header."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def header_once(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield an output without the first line of each part but the first; an empty chunk ends a part."""
    begun, is_first = b"", True
    inside = False
    for chunk in chunks:
        if not chunk:
            begun, inside = b"", False
        elif inside:
            yield chunk
        else:
            header, newline, rest = (begun + chunk).partition(b"\n")
            begun = header
            if newline:
                yield header + newline + rest if is_first else rest
                is_first, inside = False, True


def without_later_headers(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield an output without the lines after the first that are the same as the first."""
    begun, header = b"", None
    for chunk in chunks:
        text, newline, begun_next = (begun + chunk).rpartition(b"\n")
        begun = begun_next
        if not newline:
            continue
        if header is None:
            header = text.partition(b"\n")[0]
            yield header + b"\n"
            text = text[len(header) + 1 :]
            if not text:
                continue
        yield _without(text, header)
    if begun and begun != header:
        yield begun


def _without(text: bytes, header: bytes) -> bytes:
    """Return whole lines, the last without its newline, as lines less those that are the header."""
    text = b"\n%b\n" % text
    line = b"\n%b\n" % header
    while line in text:
        text = text.replace(line, b"\n")
    return text[1:]
