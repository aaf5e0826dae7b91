"""Makes docs/report.png: the page of a run beside a baseline, as Chromium shows it.

`make screenshot`, or `python docs/make_screenshot.py [--dark] [--width 390] [OUTPUT]` for another look.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "report.png"
LARGEST = 200_000
# Mean and deviation of the fields of three species.
SPECIES = (
    ((5.0, 0.35), (3.4, 0.38), (1.5, 0.17), (0.25, 0.1)),
    ((5.9, 0.52), (2.8, 0.31), (4.3, 0.47), (1.3, 0.2)),
    ((6.6, 0.64), (3.0, 0.32), (5.6, 0.55), (2.0, 0.27)),
)
FIELDS = ("sepal_length", "sepal_width", "petal_length", "petal_width")


def flowers(count: int, shares: tuple[int, int, int], *, bad_every: int, seed: int) -> str:
    """Return lines of measurements, some of which have a text for a number."""
    chance = random.Random(seed)  # noqa: S311 - repeatable data, not a secret
    lines = []
    for number in range(count):
        species = chance.choices(SPECIES, shares)[0]
        values = [round(max(0.1, chance.gauss(*shape)), 1) for shape in species]
        record: dict[str, object] = dict(zip(FIELDS, values, strict=True))
        if bad_every and number % bad_every == bad_every - 1:
            record["petal_width"] = "wide"
        lines.append(json.dumps(record) + "\n")
    return "".join(lines)


def run(directory: Path, name: str, *arguments: str) -> None:
    """Run the job on a file of the directory."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}:{ROOT}/examples/iris_model",
        "APP_SETTINGS": "ProdConfig",
    }
    job = [
        sys.executable,
        str(ROOT / "model_mapreduce_job" / "ml_model_map_reduce_job.py"),
        "-q",
        "--no-conf",
    ]
    model = ["-r", "local", "--model_qualified_name", "iris_model", "--output-dir", f"{name}-predictions"]
    subprocess.run([*job, *model, *arguments, f"{name}.ldjson"], cwd=directory, env=environment, check=True)


def page_in(directory: Path) -> Path:
    """Return the page of a month's run beside the month before, made in the directory."""
    (directory / "september.ldjson").write_text(flowers(5000, (1, 1, 1), bad_every=0, seed=1))
    (directory / "october.ldjson").write_text(flowers(6000, (2, 3, 4), bad_every=400, seed=2))
    run(directory, "september", "--profile", "september.profile.json")
    run(directory, "october", "--report", "october.html", "--baseline", "september.profile.json")
    page = directory / "october.html"
    # where the input was for this picture says nothing to a reader
    page.write_text(page.read_text().replace(f"{directory.resolve()}/", "/data/"))
    return page


def photograph(page: Path, target: Path, size: str, *, dark: bool) -> None:
    """Write a picture of the page as Chromium shows it."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("The screenshot needs Chromium on PATH.")
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={size}"]
    own = [f"--user-data-dir={page.parent / 'browser'}", f"--screenshot={target.resolve()}"]
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    subprocess.run([browser, *quiet, *scheme, *own, page.as_uri()], check=True, capture_output=True)


def main() -> None:
    """Make the picture that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", nargs="?", type=Path, default=TARGET)
    parser.add_argument("--width", type=int, default=960)
    parser.add_argument("--height", type=int, default=1440)
    parser.add_argument("--dark", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        page = page_in(Path(name))
        photograph(page, given.output, f"{given.width},{given.height}", dark=given.dark)
    if given.output.stat().st_size > LARGEST:
        sys.exit(f"{given.output} has more than {LARGEST:,} bytes: choose a smaller window.")


if __name__ == "__main__":
    main()
