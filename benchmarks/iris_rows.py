"""Makes a file of iris rows: `iris_rows.py ROWS OUTPUT [--seed N] [--bad-share S]`.

A row is 83 bytes, newline included. The same arguments give the same bytes.
"""

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

# Lowest and highest value of each field in the iris data set, in tenths of a centimetre.
RANGES = {"sepal_length": (43, 79), "sepal_width": (20, 44), "petal_length": (10, 69), "petal_width": (1, 25)}
ROW = "{" + ", ".join(f'"{field}": %s' for field in RANGES) + "}\n"
BAD_VALUE = '"asd"'
CHUNK_ROWS = 10_000


def iris_chunks(rows: int, *, seed: int = 0, bad_share: float = 0.0) -> Iterator[str]:
    """Yield the text of `rows` lines in chunks; `bad_share` of the lines have a text in place of a number."""
    rng = random.Random(seed)  # noqa: S311 - repeatable data, not a secret
    for done in range(0, rows, CHUNK_ROWS):
        yield _chunk(rng, min(CHUNK_ROWS, rows - done), bad_share)


def write_iris_rows(path: Path, rows: int, *, seed: int = 0, bad_share: float = 0.0) -> None:
    """Write `rows` lines to `path`."""
    with path.open("w", encoding="ascii", newline="") as file:
        file.writelines(iris_chunks(rows, seed=seed, bad_share=bad_share))


def _chunk(rng: random.Random, rows: int, bad_share: float) -> str:
    columns = [rng.choices(_values(low, high), k=rows) for low, high in RANGES.values()]
    if bad_share:
        columns[-1] = [BAD_VALUE if rng.random() < bad_share else value for value in columns[-1]]
    return "".join([ROW % values for values in zip(*columns, strict=True)])


def _values(low: int, high: int) -> list[str]:
    return [str(tenths / 10) for tenths in range(low, high + 1)]


def main() -> None:
    """Write the file that the command line asks for."""
    parser = argparse.ArgumentParser(description="Make a file of iris rows.")
    parser.add_argument("rows", type=int)
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bad-share", type=float, default=0.0, help="share of rows with a text for a number")
    options = parser.parse_args()
    write_iris_rows(options.output, options.rows, seed=options.seed, bad_share=options.bad_share)


if __name__ == "__main__":
    main()
