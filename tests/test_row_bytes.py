"""How many bytes rows take is what Arrow says, but for what says which values are null."""

from __future__ import annotations

import pyarrow as pa

from model_mapreduce_job.formats.arrow_records import RowBytes


def test_rows_have_the_bytes_that_arrow_says() -> None:
    """Of numbers by their count alone; of texts, lists and dictionaries by a look at each."""
    texts = ["a", "", "some more", "b"] * 20
    columns = {
        "n": pa.array(range(80)),
        "flag": pa.array([True, False] * 40),
        "text": pa.array(texts),
        "few": pa.array(texts).dictionary_encode(),
        "list": pa.array([[1, 2], [], [3], [4]] * 20),
    }
    batch = pa.RecordBatch.from_pydict(columns)
    count = RowBytes(batch.schema)
    assert count.of(batch) == batch.nbytes
    assert count.of(batch.slice(8, 16)) == batch.slice(8, 16).nbytes
    numbers = batch.select(["n", "flag"])
    assert RowBytes(numbers.schema).of(numbers) == 80 * 8 + 80 // 8
