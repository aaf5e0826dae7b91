"""Disturbs runs by seeds, as many as asked for or for so many seconds, and reports what did not hold.

A seed that fails is printed with the command that repeats it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from faults.disk import remove_library
from faults.scenario import KINDS
from faults.trial import Outcome, outcome_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def outcomes(seeds: Iterable[int], kinds: tuple[str, ...] = KINDS, at_once: int = 2) -> Iterator[Outcome]:
    """Yield what seeds come to, some at a time."""
    with ThreadPoolExecutor(at_once) as pool:
        seeds = iter(seeds)
        while some := list(islice(seeds, at_once)):
            yield from pool.map(lambda seed: outcome_of(seed, kinds), some)
    remove_library()


def results(found: list[Outcome], kinds: tuple[str, ...]) -> dict[str, object]:
    """Return what a series came to, as data."""
    failed = [outcome for outcome in found if outcome.failure]
    return {
        "seeds": [found[0].seed, found[-1].seed] if found else [],
        "kinds": list(kinds),
        "runs": len(found),
        "faults": dict(sorted(Counter(fault for outcome in found for fault in outcome.faults).items())),
        "exit codes": dict(sorted(Counter(str(outcome.code) for outcome in found).items())),
        "failures": [{"seed": outcome.seed, "failure": outcome.failure} for outcome in failed],
    }


def main() -> int:
    """Run what the command line asks for; return 1 when a seed failed."""
    given = _arguments()
    deadline = time.monotonic() + given.seconds if given.seconds else None
    seeds: Iterable[int] = count(given.first) if deadline else range(given.first, given.first + given.seeds)
    in_time = takewhile(lambda _: deadline is None or time.monotonic() < deadline, seeds)
    kinds, found = tuple(given.kinds.split(",")), []
    for outcome in outcomes(in_time, kinds):
        found.append(outcome)
        print(_line(outcome, given.kinds), flush=True)  # noqa: T201 - it may take long
    told = results(found, kinds)
    if given.results:
        given.results.write_text(f"{json.dumps(told, indent=2)}\n")
    failed = [outcome for outcome in found if outcome.failure]
    print(f"{len(found) - len(failed)} passed, {len(failed)} failed")  # noqa: T201 - what it's for
    return bool(failed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=50, help="how many (default 50)")
    parser.add_argument("--first", type=int, default=0, help="the first one (default 0)")
    parser.add_argument("--seconds", type=float, help="go on for so long, instead of a number of seeds")
    parser.add_argument("--kinds", default=",".join(KINDS), help="which faults (default all)")
    parser.add_argument("--results", type=Path, help="a file for the counts and failures, as JSON")
    return parser.parse_args()


def _line(outcome: Outcome, kinds: str) -> str:
    faults = ", ".join(outcome.faults) or "nothing in time"
    if not outcome.failure:
        return f"seed {outcome.seed}: {faults}: exit code {outcome.code}"
    again = f"make test-faults SEEDS=1 FIRST={outcome.seed} KINDS={kinds}"
    return f"seed {outcome.seed} FAILED: {faults}: exit code {outcome.code}\n{outcome.failure}again: {again}"


if __name__ == "__main__":
    sys.exit(main())
