"""pandas on csv: what a person writes first: read the file, predict all of it, write it."""

import pandas as pd
from frames import with_predictions
from peer_options import PeerOptions, peer_options


def run(options: PeerOptions) -> None:
    """Predict `options.input` into one file, csv or ldjson."""
    found = with_predictions(pd.read_csv(options.input), options.model)
    if options.writes == "csv":
        found.to_csv(options.output, index=False)
    else:
        found.to_json(options.output, orient="records", lines=True)


if __name__ == "__main__":
    run(peer_options("Predict csv with pandas."))
