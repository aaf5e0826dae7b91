"""The page that shows a profile: one HTML file that loads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import jinja2
import msgspec
from jinja2 import Environment, PackageLoader
from msgspec.structs import fields

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.printable import counted, printable
from model_mapreduce_job.report.charts import bars_of
from model_mapreduce_job.report.drift import drift_of, not_compared, not_compared_in_words
from model_mapreduce_job.report.throughput import throughput_of
from model_mapreduce_job.task.run_options import RunOptions
from model_mapreduce_job.task.task_options import TaskOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_mapreduce_job.profiles.field import Field
    from model_mapreduce_job.profiles.fields import Fields
    from model_mapreduce_job.profiles.profile import Profile

_LONGEST: Final = 120


def page_of(profile: Profile, baseline: Profile | None = None) -> str:
    """Return the page of a profile, beside a baseline where there is one; raises InputError."""
    drifts = {(each.side, each.name): each for each in drift_of(baseline, profile)} if baseline else {}
    empty = baseline or type(profile)()
    sections = [
        ("Predictions", "prediction", list(_rows(profile.predictions, empty.predictions, profile.predicted))),
        ("Input", "input", list(_rows(profile.inputs, empty.inputs, profile.records))),
    ]
    template = page_environment().get_template("page.html")
    try:
        return template.render(
            profile=profile,
            about=profile.about,
            sections=sections,
            drifts=drifts,
            moved=list(drifts.values())[:5],
            not_compared=not_compared_in_words(not_compared(baseline, profile)) if baseline else "",
            throughput=throughput_of(profile.about.get("throughput")),
            is_picked=profile.is_picked(),
            given=_given(profile.about.get("options") or {}),
        )
    except (jinja2.TemplateError, msgspec.ValidationError, ValueError, TypeError) as error:
        raise InputError(
            f"The profile has no page: what it says about its run is not what a run writes ({error})."
        ) from error


def _rows(kept: Fields, before: Fields, records: int) -> Iterator[dict[str, Any]]:
    records = kept.records or records
    for name, field in kept.kept.items():
        bars = bars_of(field, before.kept.get(name))
        shares = [share for bar in bars for share in (bar.share, bar.before or 0)]
        yield {
            "name": name,
            "field": field,
            "kinds": _kinds(field),
            "bars": bars,
            "most": max(shares, default=0) or 1,
            "missing": max(0.0, 1 - field.present / records) if records else 0.0,
        }


def _kinds(field: Field) -> str:
    """Return the kind of a field's values; of several kinds each one's share."""
    counts = {kind: count for kind, count in field.kinds.items() if count}
    total = sum(counts.values())
    if total == max(counts.values(), default=0):
        return field.kind
    return ", ".join(f"{kind} {count / total:.1%}".replace("%", " %") for kind, count in counts.items())


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's options that are not as they are by themselves."""
    usual = {field.name: field.default for kind in (TaskOptions, RunOptions) for field in fields(kind)}
    left_out = ("profile", "report", "model_qualified_name")
    return {
        name: " ".join(map(str, value)) if isinstance(value, list) else value
        for name, value in options.items()
        if name not in left_out and value is not None and value is not False and value != usual.get(name)
    }


def _shown(value: Any) -> str:
    """Return a value as a short text on a line, of characters that change nothing around them."""
    return printable(str(value), _LONGEST)


def page_environment() -> jinja2.Environment:
    """Return what renders a page's template: values are escaped, and `shown` makes short texts of them."""
    environment = Environment(
        loader=PackageLoader("model_mapreduce_job.report", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"shown": _shown, "counted": counted}
    return environment
