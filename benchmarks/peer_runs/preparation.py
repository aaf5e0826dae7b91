"""What is needed before the first run: the peers' environment, the rows, the sums of the right output."""

import json
import os
import shutil
import subprocess
import venv
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from peer_runs.contenders import BENCHMARKS, LOOPBACK_ONLY, PEERS_PYTHON, ROOT, WORK, Case
from peer_runs.process_tree import RunError

REQUIREMENTS = BENCHMARKS / "peers" / "requirements.txt"
SEED = 3


def check_machine() -> None:
    """Raise RunError when something is missing that the runs need."""
    if find_spec("mrjob") is None:
        raise RunError("the job's requirements are not installed here: run it with `make benchmark-peers`")
    if shutil.which("java") is None:
        raise RunError("there is no java on the path, which PySpark needs: install a Java 17")
    try:
        done = subprocess.run([*LOOPBACK_ONLY, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise RunError(f"{error.filename} is missing: install util-linux and iproute2") from None
    if done.returncode:
        raise RunError(f"this machine gives no network namespace to run the peers in: {done.stderr.strip()}")


def make_environment() -> None:
    """Install the peers in an environment of their own, once for each content of their requirements."""
    home = PEERS_PYTHON.parents[1]
    stamp = home / "requirements.txt"
    if stamp.exists() and stamp.read_text() == REQUIREMENTS.read_text():
        return
    venv.create(home, with_pip=True, clear=True)
    subprocess.run([PEERS_PYTHON, "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS], check=True)
    stamp.write_text(REQUIREMENTS.read_text())


def make_case(model: str, rows: int, bad_share: float) -> Case:
    """Return the case with its file of rows, which is made when it is not there."""
    WORK.mkdir(parents=True, exist_ok=True)
    path = WORK / f"{model}-{rows}{f'-bad-{bad_share}' if bad_share else ''}.ldjson"
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        bad = ("--bad-share", str(bad_share)) if bad_share else ()
        _run_script(f"{model}_rows.py", str(rows), str(unfinished), "--seed", str(SEED), *bad)
        unfinished.rename(path)
    return Case(model, rows, path)


def make_csv_case(case: Case, writes: str) -> Case:
    """Return the case of the same rows as csv, with its file, which is made when it is not there."""
    path = case.input.with_suffix(".csv")
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        _run_script("peer_runs/as_csv.py", str(case.input), str(unfinished))
        unfinished.rename(path)
    return replace(case, input=path, reads="csv", writes=writes)


def expected_sums(case: Case) -> dict[str, Any]:
    """Return the sums of the case's right output."""
    return _sums(case.input.with_suffix(".ldjson"), case.model, "--expect")


def output_sums(output: Path, case: Case) -> dict[str, Any]:
    """Return the sums of what a contender wrote; raises RunError when it can't be read."""
    return _sums(output, case.model, *(("--csv",) if case.writes == "csv" else ()))


def _sums(path: Path, model: str, *options: str) -> dict[str, Any]:
    sums: dict[str, Any] = json.loads(
        _run_script("peer_runs/output_digest.py", str(path), "--model", model, *options)
    )
    return sums


def _run_script(script: str, *arguments: str) -> str:
    search_path = os.pathsep.join([str(BENCHMARKS / "peers"), str(ROOT / "examples" / "wide_model")])
    done = subprocess.run(
        [PEERS_PYTHON, BENCHMARKS / script, *arguments],
        env={**os.environ, "PYTHONPATH": search_path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RunError(f"{script}: {done.stderr.strip()[-500:]}")
    return done.stdout


def clear(output: Path) -> None:
    """Remove an output, a file or a directory, if it is there."""
    if output.is_dir():
        shutil.rmtree(output)
    else:
        output.unlink(missing_ok=True)
