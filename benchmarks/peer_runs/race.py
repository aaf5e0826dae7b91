"""Runs the contenders of a case in turn, and keeps what each run cost and whether its output was right."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peer_runs.contenders import WORK, Case, Contender
from peer_runs.preparation import expected_sums, output_sums
from peer_runs.process_tree import Cost, RunError, run


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a contender: its cost when its output was right, else what went wrong."""

    contender: Contender
    case: Case
    cost: Cost | None
    error: str | None


def race(case: Case, contenders: Iterable[Contender], repetitions: int, timeout: float) -> Iterator[Run]:
    """Yield the runs of a case; in turn, so that a busy minute of the machine is shared out."""
    expected = expected_sums(case)
    taking_part = [each for each in contenders if each.most_rows is None or case.rows <= each.most_rows]
    for _ in range(repetitions):
        for contender in taking_part:
            yield _run(contender, case, expected, timeout)


def _run(contender: Contender, case: Case, expected: dict[str, Any], timeout: float) -> Run:
    output = WORK / "output"
    _remove(output)
    try:
        cost = run(contender.command(case, output, timeout))
        _compare(output_sums(output, case.model), expected)
    except RunError as error:
        return Run(contender, case, None, str(error))
    finally:
        _remove(output)
    return Run(contender, case, cost, None)


def _compare(found: dict[str, Any], expected: dict[str, Any]) -> None:
    if found != expected:
        raise RunError(f"wrong output: {found} instead of {expected}")


def _remove(output: Path) -> None:
    if output.is_dir():
        shutil.rmtree(output)
    else:
        output.unlink(missing_ok=True)
