"""Who runs: the job itself with its two local runners, and the peers."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from peer_runs.process_tree import Command

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"
WORK = BENCHMARKS / "work" / "peers"
PEERS_PYTHON = BENCHMARKS / ".venv-peers" / "bin" / "python"
JOB_PYTHON = Path(sys.executable)  # `make benchmark-peers` runs this in the environment of `make run`
JOB_SCRIPT = "model_mapreduce_job/ml_model_map_reduce_job.py"

# One thread for each worker; whatever else a library would start only takes turns with the workers.
QUIET = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "DO_NOT_TRACK": "1"}

# Some peers listen on every interface, whatever they are told: they get a network that is the loopback alone.
LOOPBACK_ONLY = ("unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")


@dataclass(frozen=True, slots=True)
class Case:
    """What all contenders are given: which model, and how many rows of which file."""

    model: str
    rows: int
    input: Path
    reads: str = "ldjson"
    writes: str = "json"

    @property
    def name(self) -> str:
        """What the tables call it."""
        formats = "" if self.reads == "ldjson" else f", {self.reads} to {self.writes}"
        return f"{self.model}, {self.rows:,} rows{formats}"


@dataclass(frozen=True, slots=True)
class Contender:
    """A program that predicts a file; `{input}` and the like in its arguments stand for those of the case."""

    name: str
    arguments: tuple[str, ...]
    search_path: tuple[Path, ...]
    workers: int = 2
    is_peer: bool = True
    writes_to_standard_output: bool = False
    most_rows: int | None = None
    reads: tuple[str, ...] = ("ldjson",)
    environment: Mapping[str, str] = field(default_factory=dict)

    def command(self, case: Case, output: Path, timeout: float) -> Command:
        """Return what to run for a case; the predictions go to `output`, the rest to a log beside it."""
        values = {"input": case.input, "output": output, "model": case.model, "workers": self.workers}
        values |= {"reads": case.reads, "writes": case.writes}
        values["peer_writes"] = "csv" if case.writes == "csv" else "ldjson"
        standard_output = output if self.writes_to_standard_output else output.with_suffix(".stdout")
        path = os.pathsep.join(map(str, self.search_path))
        return Command(
            arguments=[*LOOPBACK_ONLY, *(argument.format_map(values) for argument in self.arguments)],
            environment={**os.environ, **QUIET, "PYTHONPATH": path, **self.environment},
            directory=ROOT,
            output=standard_output,
            log=output.with_suffix(".log"),
            timeout=timeout,
        )


def contenders() -> dict[str, Contender]:
    """Return all contenders by their names, the job first."""
    found = [
        _job("job local", "local", workers=2),
        _job("job local, 1 worker", "local", workers=1),
        _job("job inline", "inline", workers=1),
        _peer("polars", "polars_peer.py"),
        _csv_peer("polars csv", "polars_csv_peer.py"),
        _csv_peer("pandas csv", "pandas_csv_peer.py", most_rows=1_000_000),
        _peer("dask", "dask_peer.py"),
        _peer("pyspark", "spark_peer.py"),
        _peer("ray data", "ray_peer.py"),
        _peer("beam", "beam_peer.py"),
        # Its rate does not change with the rows, and ten million would take minutes.
        _peer("plain mrjob", "plain_mrjob_peer.py", most_rows=1_000_000),
    ]
    return {contender.name: contender for contender in found}


def _job(name: str, runner: str, workers: int) -> Contender:
    cores = ("--num-cores", "{workers}") if runner == "local" else ()
    formats = ("--input_protocol", "{reads}", "--output_protocol", "{writes}")
    options = (
        "-r",
        runner,
        *cores,
        "--no-conf",
        "--model_qualified_name",
        "{model}_model",
        *formats,
        "{input}",
    )
    return Contender(
        name=name,
        arguments=(str(JOB_PYTHON), JOB_SCRIPT, *options),
        search_path=(ROOT, BENCHMARKS, ROOT / "examples" / "wide_model"),
        workers=workers,
        is_peer=False,
        reads=("ldjson", "csv"),
        writes_to_standard_output=True,
        environment={"APP_SETTINGS": "peer_runs.peers_config.PeersConfig"},
    )


def _csv_peer(name: str, script: str, most_rows: int | None = None) -> Contender:
    peer = _peer(name, script, most_rows)
    return replace(peer, arguments=(*peer.arguments, "--writes", "{peer_writes}"), reads=("csv",))


def _peer(name: str, script: str, most_rows: int | None = None) -> Contender:
    options = ("{input}", "{output}", "--model", "{model}", "--workers", "{workers}")
    return Contender(
        name=name,
        arguments=(str(PEERS_PYTHON), str(BENCHMARKS / "peers" / script), *options),
        search_path=(BENCHMARKS / "peers",),
        most_rows=most_rows,
    )
