"""Polars on csv: scan_csv with a schema, the model as an elementwise expression, the streaming sink."""

import os

from peer_options import PeerOptions, peer_options


def run(options: PeerOptions) -> None:
    """Predict `options.input` into one file: csv, or ldjson where its name ends so."""
    # Polars reads it once, when it is imported.
    os.environ["POLARS_MAX_THREADS"] = str(options.workers)
    from polars_plan import predicted_csv  # noqa: PLC0415 - see above

    found = predicted_csv(options.input, options.model)
    if options.writes == "csv":
        found.sink_csv(options.output)
    else:
        found.sink_ndjson(options.output)


if __name__ == "__main__":
    run(peer_options("Predict csv with Polars."))
