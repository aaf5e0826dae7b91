"""Reads a block of JSON lines into a pandas frame, for the peers that leave the parsing to the job."""

import io
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.json as pj
from record_arrays import Record, number, text
from served_model import MODELS, ServedModel


def read_block(block: bytes, model_name: str) -> pd.DataFrame:
    """Return the records of some whole lines; a value of the wrong type becomes null."""
    model = MODELS[model_name]
    try:
        return _read_fast(block, model)
    except pa.ArrowInvalid:
        return _read_checked(block, model)


def byte_ranges(path: Path, size: int) -> Iterator[tuple[int, int]]:
    """Yield offset and length of consecutive blocks of about `size` bytes that end with a line."""
    start, end = 0, path.stat().st_size
    with path.open("rb") as file:
        while start < end:
            file.seek(min(start + size, end))
            file.readline()
            yield start, file.tell() - start
            start = file.tell()


def read_range(path: Path, offset: int, length: int) -> bytes:
    """Return the bytes of one block of `byte_ranges`."""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)


def _read_fast(block: bytes, model: ServedModel) -> pd.DataFrame:
    """Parse with Arrow, which refuses the whole block when one value has the wrong type."""
    fields = [(name, pa.float64()) for name in model.numbers] + [(name, pa.string()) for name in model.texts]
    table = pj.read_json(
        io.BytesIO(block),
        # Workers are processes already; one block, since the bytes are in memory as one.
        read_options=pj.ReadOptions(use_threads=False, block_size=len(block) + 1),
        parse_options=pj.ParseOptions(explicit_schema=pa.schema(fields)),
    )
    return table.to_pandas()


def _read_checked(block: bytes, model: ServedModel) -> pd.DataFrame:
    records = msgspec.json.Decoder(Record).decode_lines(block)
    numbers = {name: [number(record.get(name)) for record in records] for name in model.numbers}
    texts = {name: [text(record.get(name)) for record in records] for name in model.texts}
    return pd.DataFrame(numbers | texts)
