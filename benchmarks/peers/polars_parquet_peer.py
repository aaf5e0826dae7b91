"""Polars on Parquet: scan_parquet, the model as an elementwise expression, the streaming sink, zstd."""

import os

from peer_options import PeerOptions, peer_options


def run(options: PeerOptions) -> None:
    """Predict `options.input` into one file."""
    # Polars reads it once, when it is imported.
    os.environ["POLARS_MAX_THREADS"] = str(options.workers)
    from polars_plan import predicted_parquet  # noqa: PLC0415 - see above

    predicted_parquet(options.input, options.model).sink_parquet(options.output)


if __name__ == "__main__":
    run(peer_options("Predict Parquet with Polars."))
