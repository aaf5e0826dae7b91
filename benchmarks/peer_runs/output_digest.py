"""Sums up the records and predictions of an output, whoever wrote it: `output_digest.py PATH --model M`.

Prints lines, predicted and a digest that does not depend on the order of the lines. With --expect, PATH is an
input and the sums are those of its right output. Runs in the peers' environment, with peers/ on the path.
"""

import argparse
import csv
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from record_arrays import Record, arrays
from served_model import MODELS, ServedModel, predict

DIGEST_BITS = 64
BATCH_RECORDS = 10_000
Pair = tuple[Record, Record | None]

_decode = msgspec.json.Decoder(Record).decode
_decode_or_null = msgspec.json.Decoder(Record | None).decode
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class OutputDigest:
    """How many lines an output has, how many of them a prediction, and the digest of all of them."""

    lines: int
    predicted: int
    digest: str


def digest_of(pairs: Iterable[Pair], model: ServedModel) -> OutputDigest:
    """Return the sums over records and their predictions; a value of the wrong type counts as null."""
    lines = predicted = total = 0
    for record, prediction in pairs:
        lines += 1
        predicted += prediction is not None
        total += _hash(_encode([*_fields(record, model), *_outputs(prediction, model)]))
    return OutputDigest(lines, predicted, f"{total % 2**DIGEST_BITS:016x}")


def written_pairs(path: Path, model: ServedModel) -> Iterator[Pair]:
    """Yield what an output file, or a directory of part files, holds; in either form that the peers write."""
    for file in _part_files(path):
        with file.open("rb") as lines:
            for line in lines:
                yield _pair(line, model)


def written_rows(path: Path, model: ServedModel) -> Iterator[Pair]:
    """Yield what a csv file holds: the record's cells and then the prediction's, with a header or without."""
    names = [*model.fields, *model.prediction]
    numbers = {*model.numbers, *(name for name, kind in model.prediction.items() if kind is float)}
    with path.open(newline="") as file:
        for cells in csv.reader(file):
            if cells == names:
                continue
            found = {name: _value(cell, name in numbers) for name, cell in zip(names, cells, strict=True)}
            prediction = {name: found[name] for name in model.prediction}
            yield found, None if None in prediction.values() else prediction


def _value(cell: str, is_number: bool) -> Any:
    if not is_number:
        return cell or None
    try:
        return float(cell)
    except ValueError:
        return None


def expected_pairs(path: Path, model_name: str) -> Iterator[Pair]:
    """Yield the records of an input file with the predictions of the model file."""
    with path.open("rb") as lines:
        while batch := [_decode(line) for line in islice(lines, BATCH_RECORDS)]:
            outputs = predict(model_name, *arrays(batch, MODELS[model_name]))
            columns = [values.tolist() for values in outputs.values()]
            for record, *values in zip(batch, *columns, strict=True):
                yield record, None if None in values else dict(zip(outputs, values, strict=True))


def _pair(line: bytes, model: ServedModel) -> Pair:
    """Read `record TAB prediction`, or one object that holds the fields of both."""
    key, tab, value = line.partition(b"\t")
    record = _decode(key)
    if tab:
        return record, _decode_or_null(value)
    prediction = {name: record.get(name) for name in model.prediction}
    return record, None if None in prediction.values() else prediction


def _fields(record: Record, model: ServedModel) -> Iterator[Any]:
    for name in model.numbers:
        value = record.get(name)
        yield float(value) if isinstance(value, float | int) else None
    for name in model.texts:
        value = record.get(name)
        yield value or None if isinstance(value, str) else None  # an empty cell of csv comes back as a text


def _outputs(prediction: Record | None, model: ServedModel) -> list[Any]:
    return [prediction[name] if prediction else None for name in model.prediction]


def _hash(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=DIGEST_BITS // 8).digest(), "big")


def _part_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = (file for file in path.rglob("*") if file.is_file())
    return sorted(file for file in files if not file.name.startswith((".", "_")))


def main() -> None:
    """Print the sums of the path that the command line names, as JSON."""
    parser = argparse.ArgumentParser(description="Sum up an output.")
    parser.add_argument("path", type=Path)
    parser.add_argument("--model", choices=[*MODELS], required=True)
    parser.add_argument("--expect", action="store_true", help="PATH is an input: sum up its right output")
    parser.add_argument("--csv", action="store_true", help="PATH is a csv file")
    options = parser.parse_args()
    model = MODELS[options.model]
    read = written_rows if options.csv else written_pairs
    pairs = expected_pairs(options.path, options.model) if options.expect else read(options.path, model)
    print(json.dumps(asdict(digest_of(pairs, model))))


if __name__ == "__main__":
    main()
