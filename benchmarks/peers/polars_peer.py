"""Polars: a lazy scan that streams, the model as an elementwise expression, written by the streaming sink."""

import os

from peer_options import PeerOptions, peer_options


def run(options: PeerOptions) -> None:
    """Predict `options.input` into one file."""
    # Polars reads it once, when it is imported.
    os.environ["POLARS_MAX_THREADS"] = str(options.workers)
    from polars_plan import predicted  # noqa: PLC0415 - see above

    predicted(options.input, options.model).sink_ndjson(options.output)


if __name__ == "__main__":
    run(peer_options("Predict line-delimited JSON with Polars."))
