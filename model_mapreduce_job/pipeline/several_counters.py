"""The reports of several models as counters, by which alone numbers come home from Hadoop and EMR."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec

from model_mapreduce_job.pipeline.agreement import Agreement, FieldAgreement
from model_mapreduce_job.pipeline.counters import GROUP, Counters, Groups
from model_mapreduce_job.pipeline.task_report import TaskReport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MODEL: Final = "predictions of "
_AGREEMENT: Final = "agreement of "
_AMOUNTS: Final = ("predicted", "failed", "predict_ms")
_KEPT: Final = "kept"
_FIELD: Final = ("compared", "agreed", "numbers", "millionths")
# Hadoop gives a job 120 counters of its own, and ends one that has more: what doesn't fit is warned of.
_MOST: Final = 70
_LEFT_OUT: Final = "tasks with counts left out"
_INCOMPLETE: Final = (
    "The counts of the models are incomplete: Hadoop has too few counters for them. Without --no_blocks all "
    "of them come home."
)
_LARGEST: Final = 1 << 60


def groups_of(report: TaskReport) -> Groups:
    """Return a task's counters by group and name, those of several models in groups of their own."""
    groups = report.counters.as_groups()
    amounts = _of_models(report)
    for group, name, amount in islice(amounts, _MOST):
        groups.setdefault(group, {})[name] = amount
    if next(amounts, None):
        groups.setdefault(GROUP, {})[_LEFT_OUT] = 1
    return groups


def report_of_groups(groups: Mapping[str, Mapping[str, int]]) -> TaskReport:
    """Return the report whose counters came through a cluster."""
    return TaskReport(
        Counters.of_groups(groups),
        models={
            group.removeprefix(_MODEL): TaskReport(_counters(amounts))
            for group, amounts in groups.items()
            if group.startswith(_MODEL)
        },
        agreements={
            group.removeprefix(_AGREEMENT): _agreement(amounts)
            for group, amounts in groups.items()
            if group.startswith(_AGREEMENT)
        },
        warnings=(_INCOMPLETE,) if groups.get(GROUP, {}).get(_LEFT_OUT) else (),
    )


def _of_models(report: TaskReport) -> Iterator[tuple[str, str, int]]:
    for model, own in report.models.items():
        for name in _AMOUNTS:
            yield f"{_MODEL}{model}", name, getattr(own.counters, name)
        if own.counters.kept:
            yield f"{_MODEL}{model}", _KEPT, own.counters.kept
    for model, agreement in report.agreements.items():
        for field, found in agreement.items():
            millionths = min(round(found.difference * 1e6), _LARGEST)
            amounts = (found.compared, found.agreed, found.numbers, millionths)
            for name, amount in zip(_FIELD, amounts, strict=True):
                yield f"{_AGREEMENT}{model}", f"{name} {field}", amount


def _counters(amounts: Mapping[str, int]) -> Counters:
    counters = Counters.of_groups({GROUP: amounts})
    return msgspec.structs.replace(counters, lines=counters.records)


def _agreement(amounts: Mapping[str, int]) -> Agreement:
    fields = dict.fromkeys(name.partition(" ")[2] for name in amounts)
    return {field: _of_field([amounts.get(f"{name} {field}", 0) for name in _FIELD]) for field in fields}


def _of_field(amounts: list[int]) -> FieldAgreement:
    compared, agreed, numbers, millionths = amounts
    return FieldAgreement(compared, agreed, numbers, millionths / 1e6, greatest=None)
