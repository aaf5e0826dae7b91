"""Disturbs runs by seeds, as many as asked for or for so many seconds, and reports what did not hold.

A seed that fails is printed with the command that repeats it.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections import Counter, deque
from compileall import compile_dir
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from local_jobs import PROJECT

from faults.disk import remove_library
from faults.scenario import KINDS
from faults.trial import Outcome, outcome_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def outcomes(seeds: Iterable[int], kinds: tuple[str, ...] = KINDS, at_once: int = 2) -> Iterator[Outcome]:
    """Yield what seeds come to, some at a time."""
    with ThreadPoolExecutor(at_once) as pool:
        seeds = iter(seeds)
        under_way = deque(pool.submit(outcome_of, seed, kinds) for seed in islice(seeds, at_once))
        while under_way:
            yield under_way.popleft().result()
            under_way.extend(pool.submit(outcome_of, seed, kinds) for seed in islice(seeds, 1))
    remove_library()


def results(found: list[Outcome], kinds: str) -> dict[str, object]:
    """Return what a series came to, as data."""
    faults = Counter(fault for outcome in found for fault in outcome.faults)
    return {
        "command": f"make test-faults SEEDS={len(found)} FIRST={found[0].seed} KINDS={kinds}",
        "seeds": len(found),
        "faults": faults.total(),
        "failed": [
            {"seed": outcome.seed, "failure": outcome.failure} for outcome in found if outcome.failure
        ],
        "phases of kills": _counts(
            fault.rpartition(" in ")[2] for fault in faults.elements() if " in " in fault
        ),
        "of resumed runs": sum(fault.startswith("resume") for fault in faults.elements()),
        "exit codes": _counts(str(code) for outcome in found for code in outcome.codes),
        "by fault": dict(sorted(faults.items())),
    }


def _counts(found: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(found).items()))


def main() -> int:
    """Run what the command line asks for; return 1 when a seed failed."""
    given = _arguments()
    for number in (signal.SIGHUP, signal.SIGINT):
        # what nohup and background jobs have ignored, runs would inherit
        signal.signal(number, signal.SIG_DFL)
    # runs leave no bytecode, which a kill could cut off
    compile_dir(PROJECT / "model_mapreduce_job", quiet=1)
    deadline = time.monotonic() + given.seconds if given.seconds else None
    seeds: Iterable[int] = count(given.first) if deadline else range(given.first, given.first + given.seeds)
    in_time = takewhile(lambda _: deadline is None or time.monotonic() < deadline, seeds)
    found: list[Outcome] = []
    for outcome in outcomes(in_time, tuple(given.kinds.split(",")), given.at_once):
        found.append(outcome)
        print(_line(outcome, given.kinds), flush=True)  # noqa: T201 - it may take long
    data = results(found, given.kinds) if found else {}
    if given.results:
        given.results.write_text(f"{json.dumps(data, indent=2)}\n")
    failed = [outcome for outcome in found if outcome.failure]
    print(json.dumps({name: value for name, value in data.items() if name != "failed"}, indent=2))  # noqa: T201
    print(ending(found, given.kinds))  # noqa: T201 - what it's for
    return bool(failed)


def ending(found: list[Outcome], kinds: str) -> str:
    """Return the last lines of a series: its counts, and why each seed failed and what repeats it.

    Often the end of a long log is all that is kept of it.
    """
    failed = [outcome for outcome in found if outcome.failure]
    lines = [
        f"seed {each.seed} FAILED: {each.failure.rstrip().splitlines()[-1]}; {_again(each, kinds)}"
        for each in failed
    ]
    return "\n".join([f"{len(found) - len(failed)} passed, {len(failed)} failed", *lines])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=50, help="how many (default 50)")
    parser.add_argument("--first", type=int, default=0, help="the first one (default 0)")
    parser.add_argument("--seconds", type=float, help="go on for so long, instead of a number of seeds")
    parser.add_argument("--kinds", default=",".join(KINDS), help="which faults (default all)")
    parser.add_argument("--at-once", type=int, default=2, help="how many runs (default 2)")
    parser.add_argument("--results", type=Path, help="a file for the counts and failures, as JSON")
    return parser.parse_args()


def _line(outcome: Outcome, kinds: str) -> str:
    faults = ", ".join(outcome.faults) or "nothing in time"
    codes = ", ".join(map(str, outcome.codes))
    if not outcome.failure:
        return f"seed {outcome.seed}: {faults}: exit code {codes}"
    failed = f"seed {outcome.seed} FAILED: {faults}: exit code {codes}"
    return f"{failed}\n{outcome.failure}{_again(outcome, kinds)}"


def _again(outcome: Outcome, kinds: str) -> str:
    return f"again: make test-faults SEEDS=1 FIRST={outcome.seed} KINDS={kinds}"


if __name__ == "__main__":
    sys.exit(main())
