"""Records in a format, and what must come of them, byte for byte."""

from __future__ import annotations

import json

RECORDS = 120
PAD = "x" * 40_000  # few records, but several splits

OPTIONS = {"ldjson": (), "csv": ("--input_protocol", "csv", "--output_protocol", "csv")}


def text_of(kind: str, numbers: range, pad: str = PAD) -> bytes:
    """Return the input that has these records."""
    if kind == "csv":
        return b"n,pad\n" + b"".join(b"%d,%s\n" % (n, pad.encode()) for n in numbers)
    return b"".join(json.dumps({"n": n, "pad": pad}).encode() + b"\n" for n in numbers)


def wanted(kind: str, text: bytes) -> bytes:
    """Return the output for an input, whose lines come back as they are, each with its prediction.

    A line that was cut off in its middle is a record that fails.
    """
    lines = text.splitlines()
    if kind == "csv":
        return b"".join(b'%s,"{""n"": %s}"\n' % (line, line.split(b",")[0]) for line in lines[1:])
    return b"".join(b"%s\t%s\n" % (line, _answer(line)) for line in lines)


def _answer(line: bytes) -> bytes:
    try:
        return b'{"n": %d}' % json.loads(line)["n"]
    except ValueError:
        return b"null"
