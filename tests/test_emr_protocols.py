"""Every protocol and every odd line comes out of EMR as it comes out of this machine, to the byte."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from emr_stack.driver import MAIN_JOB, PROJECT, Driver
from emr_stack.stack import EmrStack, emr_stack

MODEL = ("--model_qualified_name", "iris_model", "--no_fail_fast", "--on_error", "explain", "--fingerprint")
GOOD = '{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}'
LDJSON = (
    GOOD.encode(),
    GOOD.encode() + b"  ",
    GOOD.encode() + b"\t",
    GOOD.encode() + b"\r",
    GOOD.replace(", ", ",\r").encode(),
    GOOD.replace(", ", ",\t").encode(),
    b"half a line\rand the other half",
    b"no json \xff\xfe at all",
    b"",
    b" \r",
    '{"sepal_length": "größer\u2028\x85"}'.encode(),
    GOOD.encode(),  # the last line has no end
)
CSV = (
    b"sepal_length,sepal_width,petal_length,petal_width",
    b"5.1,3.5,1.4,0.2",
    b"5.1,3.5,1.4,0.2  ",
    b"5.1,3.5,1.4,0.2\r",
    b"5.1,3.5,1.4\r,0.2",
    b"5.1,\xff,1.4,0.2",
    b"",
    b"5.1,3.5,1.4",
    '"größer",3.5,1.4,0.2'.encode(),
    b"5.1,3.5,1.4,0.2",
)
INPUTS = {
    "ldjson": b"\n".join(LDJSON),
    "csv": b"\n".join(CSV),
    "tsv": b"\n".join(CSV).replace(b",", b"\t"),
}
PAIRS = [
    ("ldjson", "json"),
    ("ldjson", "ldjson"),
    ("csv", "csv"),
    ("tsv", "tsv"),
]


@dataclass(frozen=True)
class Ran:
    """What a run gave: its output, and what its summary says of it."""

    code: int
    output: bytes
    facts: object
    stderr: str


def facts_of(summary: Path) -> object:
    told = json.loads(summary.read_text())
    counts = {name: told["counts"][name] for name in ("lines", "predicted", "failed", "blank", "headers")}
    return told["fingerprint"], counts, sorted((kind["type"], kind["count"]) for kind in told["reasons"])


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmrStack]:
    with emr_stack(tmp_path_factory.mktemp("emr")) as running:
        yield running


@pytest.fixture(scope="module")
def ran(stack: EmrStack, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, str], Ran]:
    """Run each pair of protocols on both runners, those of EMR on one cluster."""
    place = tmp_path_factory.mktemp("protocols")
    for kind, data in INPUTS.items():
        (place / f"rows.{kind}").write_bytes(data)
    driver = Driver(stack, place, 300)
    keep = ("--pool-clusters", "--pool-name", "protocols")
    results: dict[tuple[str, str, str], Ran] = {}

    def run(runner: str, read: str, write: str, *more: str) -> None:
        summary = place / f"{runner}-{read}-{write}.json"
        protocols = ("--input_protocol", read, "--output_protocol", write, "--summary_file", str(summary))
        arguments = (*MODEL, *protocols, *more, str(place / f"rows.{read}"))
        if runner == "emr":
            ended = driver.run(*arguments, job=MAIN_JOB)
            code, output, stderr = ended.returncode, ended.stdout.encode(), ended.stderr
        else:
            command = [sys.executable, str(MAIN_JOB), *arguments]
            here = subprocess.run(command, cwd=PROJECT, capture_output=True, check=False)
            code, output, stderr = here.returncode, here.stdout, here.stderr.decode()
        facts = facts_of(summary) if summary.exists() else None
        results[runner, read, write] = Ran(code, output, facts, stderr)

    for read, write in PAIRS:
        run("inline", read, write)
    run("emr", *PAIRS[0], *keep, "--extra-cluster-param", "AutoTerminationPolicy.IdleTimeout=36000")
    clusters = stack.client("emr").list_clusters()["Clusters"]
    assert clusters, results["emr", *PAIRS[0]].stderr
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda pair: run("emr", *pair, "--cluster-id", clusters[0]["Id"]), PAIRS[1:]))
    return results


@pytest.mark.parametrize(("read", "write"), PAIRS)
def test_bytes_counts_and_fingerprint_are_those_of_this_machine(
    ran: dict[tuple[str, str, str], Ran], read: str, write: str
) -> None:
    here, there = ran["inline", read, write], ran["emr", read, write]
    assert (here.code, there.code) == (0, 0), there.stderr
    assert there.output == here.output
    assert there.facts == here.facts
