"""Makes a file of loan applications: `wide_rows.py ROWS OUTPUT [--seed N]`.

A row has twenty fields, of which one in twenty is null. Needs numpy, and examples/wide_model on the path. The
same arguments give the same bytes with the same numpy.
"""

import argparse
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wide_model.loan_application import CATEGORIES, NUMBERS
from wide_model.synthetic_applications import synthetic_applications

CHUNK_ROWS = 10_000
FIELDS = (*NUMBERS, *CATEGORIES)


def wide_chunks(rows: int, *, seed: int = 0) -> Iterator[str]:
    """Yield the text of `rows` lines, some thousands at a time."""
    for chunk, done in enumerate(range(0, rows, CHUNK_ROWS)):
        # Seeds far from that of the training rows.
        yield _chunk(min(CHUNK_ROWS, rows - done), 1_000_000 * (seed + 1) + chunk)


def write_wide_rows(path: Path, rows: int, *, seed: int = 0) -> None:
    """Write `rows` lines to `path`."""
    with path.open("w", encoding="ascii", newline="") as file:
        file.writelines(wide_chunks(rows, seed=seed))


def _chunk(rows: int, seed: int) -> str:
    made = synthetic_applications(rows, seed)
    pairs = zip(made.numbers.tolist(), made.categories.tolist(), strict=True)
    return "".join(
        [_line([*map(_number, numbers), *(word or None for word in words)]) for numbers, words in pairs]
    )


def _line(values: list[Any]) -> str:
    return json.dumps(dict(zip(FIELDS, values, strict=True))) + "\n"


def _number(value: float) -> float | int | None:
    if math.isnan(value):
        return None
    return int(value) if value.is_integer() else value


def main() -> None:
    """Write the file that the command line asks for."""
    parser = argparse.ArgumentParser(description="Make a file of loan applications.")
    parser.add_argument("rows", type=int)
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write_wide_rows(options.output, options.rows, seed=options.seed)


if __name__ == "__main__":
    main()
