"""Records in a format, and what must come of them, byte for byte."""

from __future__ import annotations

import json

RECORDS = 60
PAD = "x" * 80_000  # few records, but several splits

OPTIONS = {"ldjson": (), "csv": ("--input_protocol", "csv", "--output_protocol", "csv")}


def text_of(kind: str, numbers: range, pad: str = PAD) -> bytes:
    """Return the input that has these records."""
    if kind == "csv":
        return b"n,pad\n" + b"".join(b"%d,%s\n" % (n, pad.encode()) for n in numbers)
    return b"".join(json.dumps({"n": n, "pad": pad}).encode() + b"\n" for n in numbers)


def wanted(kind: str, text: bytes) -> bytes:
    """Return the output for an input, whose lines come back as they are, each with its prediction.

    A line that was cut off in its middle is a record that fails; what is no JSON comes back as text in JSON,
    what is no row of two cells in the first one.
    """
    lines = text.splitlines()
    if kind == "csv":
        return b"".join(map(_row, lines[1:]))
    return b"".join(map(_line, lines))


def _row(line: bytes) -> bytes:
    cells = line.split(b",")
    if len(cells) == len(("n", "pad")):
        return b'%s,"{""n"": %s}"\n' % (line, cells[0])
    return b"%s,,\n" % (b'"%s"' % line if len(cells) > 1 else line)


def _line(line: bytes) -> bytes:
    try:
        return b'%s\t{"n": %d}\n' % (line, json.loads(line)["n"])
    except ValueError:
        return b"%s\tnull\n" % json.dumps(line.decode()).encode()
