"""What a file is that is no line-delimited JSON, as far as its first bytes say."""

from __future__ import annotations

import json

from model_mapreduce_job.formats.lines import strip_bom_and_cr

# Bytes that are enough to see what kind of file it is.
LOOK_BYTES = 1 << 14

_MARKS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_MAGIC = {
    b"\x1f\x8b": "gzip data; give the file a name that ends in .gz",
    b"\x28\xb5\x2f\xfd": "zstd data; give the file a name that ends in .zst",
    b"BZh": "bzip2 data; give the file a name that ends in .bz2",
    b"\xfd7zXZ\x00": "xz data; give the file a name that ends in .xz",
    b"PK\x03\x04": "a zip archive (an .xlsx file is one too); unpack it",
    b"PAR1": "a Parquet file; read it with --input_protocol parquet",
    b"ORC": "an ORC file; read it with --input_protocol orc",
    b"Obj\x01": "an Avro file; read it with --input_protocol avro",
    b"ARROW1": "an Arrow file; write its rows as one JSON document a line",
    b"SQLite format 3\x00": "a SQLite database; write its rows as one JSON document a line",
    b"\x89HDF\r\n": "an HDF5 file; write its rows as one JSON document a line",
    **{mark: f"text in {encoding.upper()}; write it as UTF-8" for mark, encoding in _MARKS.items()},
}
_WIDE = "text in UTF-16 or UTF-32; write it as UTF-8"
_MOST_LINES = 200


def what_this_is(head: bytes) -> str | None:
    """Return what data is that begins with these bytes, and what to do; None if it may be lines of JSON.

    Where one line is a JSON document by itself, it may be: the others are bad records.
    """
    if kind := binary_kind(head):
        return kind
    lines = [strip_bom_and_cr(line).strip() for line in head.split(b"\n", _MOST_LINES)[:_MOST_LINES]]
    filled = [line for line in lines if line]
    if len(filled) > 1 and _is_document(head):
        return _of_document(filled[0])
    return None if any(map(_is_document, filled)) else _of_text(filled, head)


def binary_kind(head: bytes) -> str | None:
    """Return what data is that begins with these bytes, and is no text in UTF-8; None if it may be some."""
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    return _WIDE if 0 < len(head) <= 3 * head.count(b"\0") else None


def wide_encoding(head: bytes) -> str | None:
    """Return the name of the encoding that bytes are in, if that is UTF-16 or UTF-32 by its first bytes."""
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return name
    if binary_kind(head) != _WIDE:
        return None
    size = 32 if 5 * head.count(b"\0") > 3 * len(head) else 16
    return f"utf-{size}-be" if head.startswith(b"\0") else f"utf-{size}-le"


def _of_text(lines: list[bytes], head: bytes) -> str | None:
    first_of_cr = head.strip().partition(b"\r")
    if first_of_cr[1] and b"\n" not in head.strip() and _is_document(first_of_cr[0]):
        return "lines that end in CR alone; end them in LF"
    if lines and lines[0].startswith(b"<"):
        return "XML or HTML; write one JSON document a line"
    if len(lines) > 1 and _is_document(lines[0].partition(b"\t")[0]):
        return "a document and a TAB in each line, as in this job's output; predict that again with --replay"
    return _of_document(lines[0]) if len(lines) > 1 else None


def _of_document(line: bytes) -> str | None:
    if line.startswith(b"["):
        return "one JSON array over several lines; write its items as one a line (jq -c '.[]')"
    if line.startswith(b"{"):
        return "JSON documents over several lines; write each on one line (jq -c .)"
    return None


def _is_document(text: bytes) -> bool:
    """Return whether text is one JSON object or array."""
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False
