"""`python -m model_mapreduce_job.report`: merges profiles, makes one of data, compares two, shows one."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from model_mapreduce_job.exceptions import InputError, ModelMapReduceError
from model_mapreduce_job.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence


_COMMANDS = ("merge", "profile", "drift", "page")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] not in {*_COMMANDS, "-h", "--help"}:
        words.insert(0, "page")
    given = _parser().parse_args(words)
    try:
        given.do(given)
    except ModelMapReduceError as error:
        sys.stderr.write(f"{printable(str(error))}\n")
        return error.exit_code
    except ImportError as error:
        sys.stderr.write(
            f"Profiles need {error.name}, which is not installed. Install it: "
            "pip install model_mapreduce_job[report].\n"
        )
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m model_mapreduce_job.report", description=__doc__)
    commands = parser.add_subparsers(required=True)
    merge = commands.add_parser("merge", help="one profile of several")
    merge.add_argument("profiles", nargs="+", metavar="PROFILE")
    merge.set_defaults(do=_merge)
    profile = commands.add_parser("profile", help="the profile of a .parquet, .csv or .ldjson file")
    profile.add_argument("data")
    profile.set_defaults(do=_profile)
    drift = commands.add_parser("drift", help="how far a profile is from a baseline, as JSON")
    drift.add_argument("profile")
    drift.add_argument("--baseline", required=True, metavar="PROFILE")
    drift.set_defaults(do=_drift)
    page = commands.add_parser(
        "page", help="a profile or an evaluation as one HTML file; the same without `page`"
    )
    page.add_argument("profile")
    page.add_argument("--baseline", metavar="PROFILE")
    page.set_defaults(do=_page)
    for command in (merge, profile, page):
        command.add_argument("-o", "--output", required=True, metavar="PATH")
    return parser


def _merge(given: argparse.Namespace) -> None:
    from model_mapreduce_job.report.files import merged_profile, write_profile  # noqa: PLC0415 - --help needs no sketches

    write_profile(merged_profile(given.profiles), given.output)


def _profile(given: argparse.Namespace) -> None:
    from model_mapreduce_job.report.files import write_profile  # noqa: PLC0415 - as above
    from model_mapreduce_job.report.profile_of_data import profile_of_data  # noqa: PLC0415 - as above

    write_profile(profile_of_data(Path(given.data)), given.output)


def _drift(given: argparse.Namespace) -> None:
    from model_mapreduce_job.report import drift  # noqa: PLC0415 - as above
    from model_mapreduce_job.report.files import read_profile  # noqa: PLC0415 - as above

    baseline, profile = read_profile(given.baseline), read_profile(given.profile)
    found = drift.drift_of(baseline, profile)
    if rest := drift.not_compared_in_words(drift.not_compared(baseline, profile)):
        sys.stderr.write(f"{printable(rest)}\n")
    sys.stdout.write(f"{json.dumps([each.as_json() for each in found], indent=1)}\n")


def _page(given: argparse.Namespace) -> None:
    from model_mapreduce_job.report.evaluation import page as evaluations  # noqa: PLC0415 - as above
    from model_mapreduce_job.report.files import read_profile, write_page  # noqa: PLC0415 - as above
    from model_mapreduce_job.report.page import page_of  # noqa: PLC0415 - as above

    if evaluations.is_evaluation(given.profile):
        if given.baseline:
            raise InputError(
                f"{given.profile} is an evaluation, which has no baseline. Leave --baseline out."
            )
        found = evaluations.read_evaluation(given.profile)
        write_page(evaluations.page_of_evaluation(found), given.output)
        return
    baseline = read_profile(given.baseline) if given.baseline else None
    write_page(page_of(read_profile(given.profile), baseline), given.output)


if __name__ == "__main__":
    sys.exit(main())
