"""The page of a profile: one file that loads nothing, and no value in it is markup."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.profiles.fields import Fields
from model_mapreduce_job.profiles.picking import Picked
from model_mapreduce_job.profiles.profile import Profile
from model_mapreduce_job.profiles.values import Values
from model_mapreduce_job.report.__main__ import main
from model_mapreduce_job.report.page import page_of

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = '"><img src=x onerror=alert(1)>'
HOSTILE = ["<script>alert(1)</script>", "\x1b[31mred", "\u202egnp.exe", IMAGE, "x" * 1_000_000]
BROWSER = shutil.which("chromium")


def hostile_profile() -> Profile:
    fields = Fields()
    for name in [*HOSTILE, "plain"]:
        fields.add(name, Values(HOSTILE, Picked()))
    fields.add("numbers", Values([1.0, 2.0, 2.0, 9.5], Picked()))
    fields.add("one", Values([7, 7], Picked()))
    fields.add("flags", Values([True, None], Picked()))
    fields.add("nothing", Values([None], Picked()))
    example = {"type": HOSTILE[0], "count": 3, "example": HOSTILE[4], "place": None}
    place = {"file": HOSTILE[3], "line": 3, "from_byte": 0}
    about = {
        "model": {"qualified_name": HOSTILE[0], "version": None, "files": {HOSTILE[1]: HOSTILE[2]}},
        "runner": "inline",
        "input": HOSTILE,
        "proof": "complete",
        "counts": {"lines": 5, "predicted": 5, "failed": 0, "blank": 0, "headers": 0},
        "options": {"key": HOSTILE, "on_error": "explain", "header": True, "output_protocol": "json"},
        "run": HOSTILE[0],
        "verified": {"golden": HOSTILE[1]},
        "seconds": 1.5,
        "records_per_second": 3,
        "reasons": [example],
        "slowest_batches": [{"seconds": 1, "lines": 2, "place": place}],
        "throughput": {
            "from": HOSTILE[0],
            "span_seconds": 0.25,
            "workers": [{"name": name, "records": [0, 3 * n, 0, n, n]} for n, name in enumerate(HOSTILE, 1)],
        },
    }
    return Profile(records=5, predicted=5, failed=3, inputs=fields, predictions=fields, about=about)


def test_a_card_says_what_kinds_of_values_a_field_has_and_how_long_its_lists_are() -> None:
    fields = Fields()
    fields.add("mixed", Values([1.0, 3.0, "x", [1], None], Picked()))
    fields.add("lists", Values([[1], [1, 2, 3]], Picked()))
    fields.add("outer", Values([{"inner": 1}, None], Picked()))
    page = page_of(Profile(records=5, inputs=fields)).replace("&nbsp;", " ")
    assert "numbers 50.0 %, texts 25.0 %, lists 25.0 %, 20.0 % missing" in page
    assert "1 to 3, mean 2<" in page
    assert "1 to 3 long, mean 2<" in page
    assert ">objects, 80.0 % missing" in page


@pytest.mark.parametrize("baseline", [None, hostile_profile()])
def test_no_value_is_markup_and_the_page_stays_small(baseline: Profile | None) -> None:
    page = page_of(hostile_profile(), baseline)
    assert len(page.encode()) < 1_000_000
    assert set(re.findall(r"<(\w+)", page)) <= {
        *("html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "dl", "dt", "dd"),
        *("p", "span", "table", "tr", "th", "td", "div", "section", "svg", "rect", "path", "desc"),
    }
    assert not {"\x1b", "\u202e"} & set(page)
    assert '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';' in page
    assert not re.search(r"(?:src|href)\s*=", re.sub(r"&[^;]+;[^<]*", "", page))


def test_the_page_says_what_ran_and_proves_it() -> None:
    page = page_of(hostile_profile())
    assert "5 lines = 5 predicted + 0 failed + 0 blank + 0 headers" in page
    assert "--on_error explain --header" in page
    assert "--output_protocol" not in page


def test_the_throughput_of_all_workers_comes_first_and_each_ones_has_one_scale() -> None:
    page = page_of(hostile_profile())
    shown = page.partition("<h2>Throughput</h2>")[2].partition("<h2>")[0]
    assert "in spans of 0.25 s" in shown
    names = re.findall(r"<h3>(.*)</h3>", shown)
    assert (names[0], names[1][:9], names[-1]) == (
        "all workers",
        "x" * 9,
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    )
    assert re.findall(r"([\d,]+ records, up to [\d,]+/s)", shown)[:2] == [
        "75 records, up to 180/s",
        "25 records, up to 60/s",
    ]
    assert re.findall(r' d="(\S+ \S+)"', shown)[::5] == [
        "M0 40V40H20V0H40V40H60V26.67H100V40Z",
        "M0 40V40H20V32H40V40H60V37.33H100V40Z",
    ]
    assert "0 to 0.5 s: 90/s, 0.5 to 1 s: 30/s, 1 to 1.25 s: 60/s" in shown


ODD = {
    "no spans": {"span_seconds": 0, "from": "", "workers": []},
    "none of them": {"span_seconds": 1, "from": "", "workers": [{"name": "a", "records": []}]},
    "too many": {"span_seconds": 1, "from": "", "workers": [{"name": "a", "records": [1] * 101}]},
    "different ones": {
        "span_seconds": 1,
        "from": "",
        "workers": [{"name": "a", "records": [1] * n} for n in (1, 2)],
    },
    "fewer than none": {"span_seconds": 1, "from": "", "workers": [{"name": "a", "records": [-1]}]},
    "a text": "fast",
}


@pytest.mark.parametrize("throughput", ODD.values(), ids=ODD)
def test_a_throughput_that_no_run_writes_has_no_page(throughput: object) -> None:
    with pytest.raises(InputError, match="not what a run writes"):
        page_of(Profile(about={"throughput": throughput}))


def test_where_no_time_is_known_there_is_no_throughput() -> None:
    assert "Throughput" not in page_of(Profile())


def test_each_chart_has_a_title_and_its_numbers_in_words() -> None:
    page = page_of(hostile_profile())
    labels = re.findall(r'aria-labelledby="(\S+) (\S+)"', page)
    assert labels
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {each for pair in labels for each in pair} == set(ids)
    assert "2: 50 %" in page or ": 50 %" in page


def colors_of(page: str) -> dict[str, dict[str, str]]:
    """Return the colors that a page is shown in, by their names: in light, in dark, and on paper."""
    found = [dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in re.findall(r":root {([^}]+)}", page)]
    return dict(zip(("light", "dark", "print"), found, strict=True))


def luminance(color: str) -> float:
    """Return the relative luminance of WCAG 2.1."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of WCAG 2.1, from 1 to 21."""
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_texts_and_charts_stand_out_from_what_is_behind_them(scheme: str) -> None:
    """Texts by 4.5:1, which is WCAG's level AA, and charts by 3:1."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    colors = colors_of(page_of(hostile_profile(), hostile_profile()))[scheme]
    assert min(contrast(colors[text], colors["back"]) for text in ("text", "faint")) >= 4.5
    assert min(contrast(colors[mark], colors["back"]) for mark in ("now", "before")) >= 3


def test_200_wide_fields_of_texts_stay_under_a_megabyte() -> None:
    fields = Fields()
    for number in range(200):
        fields.add(f"field {number}" * 20, Values([f"{n}" * 80 for n in range(50)], Picked()))
    assert len(page_of(Profile(records=50, inputs=fields)).encode()) < 1_000_000


def test_the_command_makes_a_page_without_being_named(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(hostile_profile().to_json())
    assert main([str(path), "--baseline", str(path), "-o", str(tmp_path / "page.html")]) == 0
    assert "<h2>Drift</h2>" in (tmp_path / "page.html").read_text()


@pytest.mark.skipif(BROWSER is None, reason="chromium is not installed")
def test_a_browser_shows_it_without_an_error(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(page_of(hostile_profile(), hostile_profile()))
    page = f"file://{tmp_path}/page.html"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    own = f"--user-data-dir={tmp_path}/user"
    command = [str(BROWSER), *options, own, "--dump-dom", page]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "Profile of a run" in ran.stdout
    assert "CONSOLE" not in ran.stderr
    paper = tmp_path / "page.pdf"
    printing = [str(BROWSER), *options, own, "--no-pdf-header-footer", f"--print-to-pdf={paper}", page]
    subprocess.run(printing, capture_output=True, timeout=60, check=True)
    assert paper.read_bytes().startswith(b"%PDF")


def test_a_profile_that_says_odd_things_of_its_run_is_refused_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(Profile(about={"reasons": [{"count": "many"}]}).to_json())
    assert main([str(path), "-o", str(tmp_path / "page.html")]) == 1
    assert "not what a run writes" in capsys.readouterr().err
