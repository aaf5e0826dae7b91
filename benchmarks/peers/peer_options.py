"""The command line that all peers share: `INPUT OUTPUT --model {iris,wide} --workers N`."""

import argparse
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PeerOptions:
    """What a peer is asked to do; `output` is a file, or a new directory of part files."""

    input: Path
    output: Path
    model: str
    workers: int
    writes: str = "ldjson"


def peer_options(description: str) -> PeerOptions:
    """Read the command line of this process."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("input", type=Path, help="line-delimited JSON")
    parser.add_argument("output", type=Path, help="file, or directory of part files, to make")
    parser.add_argument("--model", choices=["iris", "wide"], default="iris")
    parser.add_argument("--workers", type=int, default=2, help="cores to use")
    parser.add_argument("--writes", choices=["csv", "ldjson"], default="ldjson", help="of the peers on csv")
    return PeerOptions(**vars(parser.parse_args()))
