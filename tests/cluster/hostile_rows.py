"""Iris rows of which one in a hundred is bad, each in another way, as files of every kind."""

import bz2
import csv
import gzip
import io
import json
import random
from collections.abc import Callable
from pathlib import Path

# several of bzip2's smallest blocks
ROWS = 20_000
FIELDS = ("sepal_length", "sepal_width", "petal_length", "petal_width")
# Each format as it is and compressed; what is split between tasks has a header, or rows of any form.
FILES = {"ldjson": ("rows.ldjson", "rows.ldjson.gz"), "csv": ("rows.csv", "rows.csv.bz2")}
OPTIONS = {
    "ldjson": ("--input_protocol", "ldjson"),
    "csv": ("--input_protocol", "csv", "--output_protocol", "csv", "--header"),
}
COMPLETE = f"complete: {2 * ROWS // 1000},"  # a run over both files of a format
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    ".ldjson": bytes,
    ".csv": bytes,
    ".gz": gzip.compress,
    # the smallest blocks, so that more than one task gets some
    ".bz2": lambda data: bz2.compress(data, 1),
}
BAD_JSON = (
    b'{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": "asd"}',
    b"no json \xff\xfe at all",
    b'{"sepal_length": 5.1,\r"sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}',
    b'{"sepal_length":\t5.1}',
    b"half a line\rand the other half",
    b"",
    '{"sepal_length": "größer"}'.encode(),
)
BAD_CSV = (
    b"5.1,3.5,1.4,asd",
    b"5.1,\xff\xfe,1.4,0.2",
    b'"5.1\r",3.5,1.4,0.2',
    b"5.1,3.5",
    b"",
    '5.1,"größer",1.4,0.2'.encode(),
)


def write_rows(directory: Path, rows: int = ROWS) -> None:
    """Write the files of each format; one row in a hundred is bad, and the last line has no end."""
    directory.mkdir(exist_ok=True)
    rng = random.Random(0)  # noqa: S311 - repeatable data, not a secret
    values = [[rng.randrange(1, 80) / 10 for _ in FIELDS] for _ in range(rows)]
    for kind, data in (("ldjson", _as_json(values)), ("csv", _as_csv(values))):
        for name in FILES[kind]:
            (directory / name).write_bytes(COMPRESSIONS[Path(name).suffix](data))


def _as_json(values: list[list[float]]) -> bytes:
    lines = [json.dumps(dict(zip(FIELDS, row, strict=True))).encode() for row in values]
    return b"\n".join(_spoilt(lines, BAD_JSON))


def _as_csv(values: list[list[float]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(values)
    return b"\n".join([",".join(FIELDS).encode(), *_spoilt(text.getvalue().encode().splitlines(), BAD_CSV)])


def _spoilt(lines: list[bytes], bad: tuple[bytes, ...]) -> list[bytes]:
    return [bad[n // 100 % len(bad)] if n % 100 == 50 else line for n, line in enumerate(lines)]
