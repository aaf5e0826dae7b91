"""Verifies a bundle: its own Python loads each model and predicts, with nothing of this environment."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.bundle.contents import JOB
from model_mapreduce_job.bundle.distributions import names_by_package, normalized
from model_mapreduce_job.config import SETTING
from model_mapreduce_job.exceptions import ConfigurationError
from model_mapreduce_job.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_NAMES: Final = """
from {job}.task.run_model import load_manager
for model in load_manager().get_models():
    print(model["qualified_name"])
"""
_MISSING: Final = frozenset({"ImportError", "ModuleNotFoundError"})
_SECONDS: Final = 600


def verify_bundle(bundle: Path, settings: str, sample: bytes | None) -> list[str]:
    """Return the names of a bundle's models; raises ConfigurationError when one can't be loaded.

    sample is a line of input that each model has to predict. Without one an empty record is tried, which a
    model may refuse, but not because a package is missing.
    """
    names = _run(bundle, settings, ["-c", _NAMES.format(job=JOB)], b"").decode().split("\n")
    names = [name for name in names if name]
    for name in names:
        script = str(bundle / "packages" / JOB / "shipped_script.py")
        options = ["--model_qualified_name", name, "--output_protocol", "ldjson", "--on_error", "explain"]
        line = _run(bundle, settings, [script, "--mapper", "--step-num=0", *options], sample or b"{}\n")
        error = json.loads(line).get("error") if line.strip() else None
        if error and (sample or error["type"] in _MISSING):
            raise _refused(f"{name} can't predict: {error['type']}: {error['message']}")
    return names


def verify_libraries(bundle: Path, settings: str, libraries: Iterable[str]) -> None:
    """Import the packages of libraries with a bundle's Python; raises ConfigurationError where that fails."""
    wanted = {*libraries}
    packages = [
        package
        for package, names in names_by_package().items()
        if package.isidentifier() and not package.startswith("_") and wanted & set(map(normalized, names))
    ]
    if packages:
        _run(bundle, settings, ["-c", f"import {', '.join(sorted(packages))}"], b"")


def _run(bundle: Path, settings: str, arguments: list[str], data: bytes) -> bytes:
    command = [str(bundle / "bin" / "python"), *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - the bundle that was just made
            command,
            input=data,
            env={SETTING: settings},
            cwd=bundle,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _refused(f"its models did not answer within {_SECONDS} s") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise _refused(lines[-1] if lines else f"it ended with exit code {done.returncode}")
    return done.stdout


def _refused(reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"No bundle was made, since its models don't work in it: {printable(reason).rstrip('.')}. "
        "Install what is missing, and import it in the model's own modules."
    )
