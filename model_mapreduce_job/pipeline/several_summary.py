"""What a run of several models amounts to for each of them, and how far they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_mapreduce_job.printable import counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_mapreduce_job.pipeline.agreement import Agreement, FieldAgreement
    from model_mapreduce_job.pipeline.task_report import TaskReport


def model_rows(report: TaskReport) -> Iterator[str]:
    """Yield a line for each of several models, and for each field that one has in common with the first."""
    for name, own in report.models.items():
        counters = own.counters
        share = counters.failed / counters.records if counters.records else 0.0
        yield printable(
            f"{name}: {counters.predicted:,} predicted, {counters.failed:,} failed ({share:.2%}), "
            f"{counters.predict_ms / 1000:.2f} s"
        )
    first = next(iter(report.models), "")
    for name, agreement in report.agreements.items():
        yield from (printable(row) for row in _rows(first, name, agreement))


def models_as_json(report: TaskReport) -> dict[str, Any]:
    """Return what several models amount to as members of a summary; nothing of one model alone."""
    if not report.models:
        return {}
    return {
        "counts_of_models": {
            name: {
                "predicted": own.counters.predicted,
                "failed": own.counters.failed,
                "predict_ms": own.counters.predict_ms,
            }
            for name, own in report.models.items()
        },
        "agreements": {
            name: {field: _as_json(found) for field, found in agreement.items()}
            for name, agreement in report.agreements.items()
        },
    }


def _rows(first: str, name: str, agreement: Agreement) -> Iterator[str]:
    if not agreement:
        yield f"{name} and {first} have no field in common to compare"
    for field, found in agreement.items():
        yield (
            f"{name} and {first} agree on {field} in {found.agreed:,} of {counted(found.compared, 'record')} "
            f"({found.agreed_share:.2%}){_difference(found)}"
        )


def _difference(found: FieldAgreement) -> str:
    mean = found.mean_difference
    if mean is None or not found.difference:
        return ""
    greatest = "" if found.greatest is None else f", greatest {found.greatest:.6g}"
    return f"; mean difference {mean:.6g}{greatest}"


def _as_json(found: FieldAgreement) -> Mapping[str, Any]:
    return {
        "compared": found.compared,
        "agreed": found.agreed,
        "agreed_share": found.agreed_share,
        "mean_difference": found.mean_difference,
        "greatest_difference": found.greatest if found.numbers else None,
    }
