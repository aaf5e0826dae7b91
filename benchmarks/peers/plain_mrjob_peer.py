"""The plain mrjob job with `-r local`."""

import sys

from peer_options import PeerOptions, peer_options
from plain_job import PlainJob


def run(options: PeerOptions) -> None:
    """Predict `options.input` into a directory of part files."""
    runner = ["-r", "local", "--num-cores", str(options.workers), "--python-bin", sys.executable, "--no-conf"]
    output = ["--no-output", "--output-dir", str(options.output)]
    PlainJob([*runner, *output, "--model", options.model, str(options.input)]).run_job()


if __name__ == "__main__":
    run(peer_options("Predict line-delimited JSON with a plain mrjob job."))
