"""Runs the contenders of a case in turn, and keeps what each run cost and whether its output was right."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from peer_runs.contenders import WORK, Case, Contender
from peer_runs.preparation import clear, expected_sums, output_sums
from peer_runs.process_tree import Cost, RunError, run


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a contender: its cost when its output was right, else what went wrong."""

    contender: Contender
    case: Case
    cost: Cost | None
    error: str | None


def race(
    case: Case, contenders: Iterable[Contender], repetitions: int, timeout: float, *, compares: bool = True
) -> Iterator[Run]:
    """Yield the runs of a case; in turn, so that a busy minute of the machine is shared out.

    compares says whether each output is compared with the right one.
    """
    expected = expected_sums(case) if compares else None
    taking_part = [
        each
        for each in contenders
        if case.reads in each.reads and (each.most_rows is None or case.rows <= each.most_rows)
    ]
    for _ in range(repetitions):
        for contender in taking_part:
            yield _run(contender, case, expected, timeout)


def _run(contender: Contender, case: Case, expected: dict[str, Any] | None, timeout: float) -> Run:
    output = WORK / "output"
    clear(output)
    try:
        cost = run(contender.command(case, output, timeout))
        if expected is not None:
            _compare(output_sums(output, case), expected)
    except RunError as error:
        return Run(contender, case, None, str(error))
    finally:
        clear(output)
    return Run(contender, case, cost, None)


def _compare(found: dict[str, Any], expected: dict[str, Any]) -> None:
    if found != expected:
        raise RunError(f"wrong output: {found} instead of {expected}")
