"""What comes of the runs of a case: medians for each contender, and the ratios that the job is judged by."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from peer_runs.process_tree import Cost
from peer_runs.race import Run

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Standing:
    """The medians of a contender's runs on a case, and the message of its first failure."""

    name: str
    is_peer: bool
    workers: int
    rows: int
    costs: tuple[Cost, ...]
    error: str | None

    @property
    def wall_seconds(self) -> float:
        """The median time of a run."""
        return median(cost.wall_seconds for cost in self.costs)

    @property
    def cpu_seconds(self) -> float:
        """The median CPU time of a run."""
        return median(cost.cpu_seconds for cost in self.costs)

    @property
    def peak_bytes(self) -> float:
        """The median of the peaks of memory."""
        return median(cost.peak_bytes for cost in self.costs)

    @property
    def peak_bytes_less_files(self) -> float:
        """The median of the peaks of memory that is not pages of files."""
        return median(cost.peak_bytes_less_files for cost in self.costs)

    @property
    def rows_per_second(self) -> float:
        """The rate of the median run, start-up included."""
        return self.rows / self.wall_seconds


def standings(runs: Sequence[Run]) -> list[Standing]:
    """Return a standing for each contender, in the order of their first runs."""
    names = dict.fromkeys(run.contender.name for run in runs)
    return [_standing([run for run in runs if run.contender.name == name]) for name in names]


def ratios(found: Sequence[Standing], plain_rate: float | None) -> dict[str, float | str]:
    """Return how the job compares with the fastest peer, the plain job's rate and itself on one worker."""
    by_name = {each.name: each for each in found if each.costs and not each.error}
    peers = [each for each in by_name.values() if each.is_peer]
    job = by_name.get("job local")
    compared: dict[str, float | str] = {}
    if job and peers:
        fastest = min(peers, key=lambda peer: peer.wall_seconds)
        compared["fastest_peer"] = fastest.name
        compared["wall_to_fastest_peer"] = round(job.wall_seconds / fastest.wall_seconds, 3)
        compared["memory_to_fastest_peer"] = round(job.peak_bytes / fastest.peak_bytes, 3)
        less_files = job.peak_bytes_less_files / fastest.peak_bytes_less_files
        compared["memory_less_files_to_fastest_peer"] = round(less_files, 3)
    if job and plain_rate:
        compared["rate_to_plain_job"] = round(job.rows_per_second / plain_rate, 1)
    if job and (alone := by_name.get("job local, 1 worker")):
        compared["two_workers_to_one"] = round(alone.wall_seconds / job.wall_seconds, 3)
    return compared


def table(found: Sequence[Standing]) -> str:
    """Return the standings as text, one contender a line."""
    heading = (
        f"{'':22}{'seconds':>9}{'rows/s':>12}{'CPU s':>9}{'peak MiB':>10}{'less files':>12}{'processes':>11}"
    )
    return "\n".join([heading, *map(_row, found)])


def as_json(standing: Standing) -> dict[str, Any]:
    """Return everything that is known of a standing."""
    kept = {"name": standing.name, "workers": standing.workers, "error": standing.error}
    if not standing.costs:
        return kept
    medians = {
        "wall_seconds": round(standing.wall_seconds, 3),
        "cpu_seconds": round(standing.cpu_seconds, 3),
        "peak_mib": round(standing.peak_bytes / MIB, 1),
        "peak_mib_less_files": round(standing.peak_bytes_less_files / MIB, 1),
        "rows_per_second": round(standing.rows_per_second),
    }
    return kept | medians | {"runs": [asdict(cost) for cost in standing.costs]}


def _standing(runs: Sequence[Run]) -> Standing:
    contender = runs[0].contender
    return Standing(
        name=contender.name,
        is_peer=contender.is_peer,
        workers=contender.workers,
        rows=runs[0].case.rows,
        costs=tuple(run.cost for run in runs if run.cost),
        error=next((run.error for run in runs if run.error), None),
    )


def _row(standing: Standing) -> str:
    failed = f"  FAILED: {standing.error}" if standing.error else ""
    if not standing.costs:
        return f"{standing.name:22}{failed}"
    figures = (
        f"{standing.wall_seconds:>9.2f}{standing.rows_per_second:>12,.0f}{standing.cpu_seconds:>9.2f}"
        f"{standing.peak_bytes / MIB:>10.0f}{standing.peak_bytes_less_files / MIB:>12.0f}"
        f"{max(cost.processes for cost in standing.costs):>11}"
    )
    return f"{standing.name:22}{figures}{failed}"
