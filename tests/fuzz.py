"""Runs the property tests of what reads, again and again with other examples, for so many seconds."""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent
# Of records, rows, the text of JSON, NaN, streams, splits, options files, channel frames, compressed input.
READERS = (
    *("test_json_robustness", "test_json_text", "test_protocols", "test_protocol_contract", "test_delimited"),
    *("test_delimited_output", "test_lines", "test_batches", "test_first_bytes", "test_split_boundaries"),
    *("test_records", "test_task_options", "test_column_order", "test_encoding", "test_fuzzed_readers"),
    "runners/test_streamed_chunks",
)


def fuzz(seconds: float, first: int | None) -> int:
    """Return 1 when a test failed, 0 when the time is over; the seeds count from first, or are random."""
    deadline = time.monotonic() + seconds
    rounds = 0
    while (left := deadline - time.monotonic()) > 0:
        seed = random.SystemRandom().getrandbits(32) if first is None else first + rounds
        files = random.Random(seed).sample(READERS, len(READERS))  # noqa: S311 - no secrets
        try:
            ran = subprocess.run(
                [*_command(seed), *map(_path, files)], timeout=left, env=_variables(), check=False
            )
        except subprocess.TimeoutExpired:
            break
        if ran.returncode:
            print(f"FAILED with --hypothesis-seed={seed}")  # noqa: T201 - what it's for
            return 1
        rounds += 1
    print(f"{rounds} rounds and a part of one in {seconds:g} s, none failed")  # noqa: T201
    return 0


def _command(seed: int) -> list[str]:
    options = ("-q", "-x", "-p", "no:cacheprovider", "-m", "hypothesis", f"--hypothesis-seed={seed}")
    return [sys.executable, "-m", "pytest", *options]


def _variables() -> dict[str, str]:
    return {**os.environ, "TEST_PROFILE": "fuzz"}


def _path(name: str) -> str:
    return str(TESTS / f"{name}.py")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how many (default 60)")
    parser.add_argument(
        "--seed", type=int, help="of the first round, from which others count (default: random)"
    )
    given = parser.parse_args()
    sys.exit(fuzz(given.seconds, given.seed))
