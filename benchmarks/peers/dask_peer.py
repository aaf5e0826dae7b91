"""Dask: a data frame read in blocks, the model on each partition, part files, in worker processes."""

from io import StringIO
from typing import Any

import dask
import dask.dataframe as dd
import pandas as pd
from frames import with_predictions
from json_blocks import read_block
from peer_options import PeerOptions, peer_options
from served_model import MODELS

BLOCK_BYTES = 4 * 2**20  # the fastest of 2, 4, 8, 16 and 32 MiB


def run(options: PeerOptions) -> None:
    """Predict `options.input` into a directory of part files."""
    model = MODELS[options.model]
    records = pd.DataFrame({name: pd.Series(dtype=float) for name in model.numbers})
    records = records.assign(**{name: pd.Series(dtype="str") for name in model.texts})
    frame = dd.read_json(
        options.input, lines=True, blocksize=BLOCK_BYTES, engine=_read, meta=records, model_name=options.model
    )
    outputs = {name: pd.Series(dtype=kind) for name, kind in model.prediction.items()}
    predicted = frame.map_partitions(
        with_predictions, model_name=options.model, meta=records.assign(**outputs)
    )
    options.output.mkdir()
    with dask.config.set(scheduler="processes", num_workers=options.workers):
        predicted.to_json(options.output / "part-*.json", orient="records", lines=True)


def _read(block: StringIO, *, model_name: str, **_: Any) -> pd.DataFrame:
    """Stand in for pandas' reader, which takes several times as long."""
    return read_block(block.getvalue().encode(), model_name)


if __name__ == "__main__":
    run(peer_options("Predict line-delimited JSON with Dask."))
