"""Ray Data: blocks of the file as tasks that read and predict, part files.

read_json takes a file of any size as one task and fails on a value of the wrong type: blocks side by side
took two thirds of the time. Tasks, not actors, which were no faster: a worker process keeps its session.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from frames import with_predictions
from json_blocks import byte_ranges, read_block, read_range
from peer_options import PeerOptions, peer_options

# Read by Ray when it is imported.
os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}

import ray

BLOCK_BYTES = 8 * 2**20


def run(options: PeerOptions) -> None:
    """Predict `options.input` into a directory of part files."""
    ray.init(
        num_cpus=options.workers,
        include_dashboard=False,
        logging_level="WARNING",
        _node_ip_address="127.0.0.1",
    )
    ray.data.DataContext.get_current().enable_progress_bars = False
    blocks = [
        {"offset": offset, "length": length} for offset, length in byte_ranges(options.input, BLOCK_BYTES)
    ]
    ray.data.from_items(blocks).map_batches(
        _read, batch_size=1, fn_kwargs={"path": options.input, "model_name": options.model}
    ).map_batches(
        with_predictions, batch_size=None, batch_format="pandas", fn_kwargs={"model_name": options.model}
    ).write_json(str(options.output))


def _read(blocks: dict[str, Any], path: Path, model_name: str) -> Iterator[pd.DataFrame]:
    for offset, length in zip(blocks["offset"], blocks["length"], strict=True):
        yield read_block(read_range(path, int(offset), int(length)), model_name)


if __name__ == "__main__":
    run(peer_options("Predict line-delimited JSON with Ray Data."))
