"""Writes line-delimited JSON as csv: `as_csv.py INPUT OUTPUT`; numbers as they are, null as nothing."""

import json
import sys
from pathlib import Path


def main() -> None:
    """Write the file that the command line asks for, its header from the first row."""
    source, target = map(Path, sys.argv[1:])
    with source.open() as rows, target.open("w", newline="") as file:
        for number, line in enumerate(rows):
            record = json.loads(line, parse_float=str, parse_int=str)
            if not number:
                file.write(",".join(record) + "\n")
            file.write(",".join("" if value is None else value for value in record.values()) + "\n")


if __name__ == "__main__":
    main()
