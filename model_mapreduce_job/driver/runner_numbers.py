"""The numbers among mrjob's options, and which of them a run can do with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.exceptions import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

_A_DAY: Final = 86_400
_MANY: Final = 1_000_000

# mrjob checks none of them: some loop without end, some never come back, some fail when all is done.
LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    "check_cluster_every": (0.1, _A_DAY),
    "cloud_fs_sync_secs": (0, _A_DAY),
    "cloud_part_size_mb": (0, _MANY),
    "ebs_root_volume_gb": (1, _MANY),
    "max_clusters_in_pool": (0, _MANY),
    "max_concurrent_steps": (1, 256),
    "max_mins_idle": (1, _MANY),
    "max_output_files": (1, _MANY),
    "min_available_mb": (0, math.inf),
    "min_available_virtual_cores": (0, _MANY),
    "num_core_instances": (0, _MANY),
    "num_cores": (1, 1024),
    "num_task_instances": (0, _MANY),
    "pool_jitter_seconds": (0, _A_DAY),
    "pool_timeout_minutes": (0, _MANY),
    "pool_wait_minutes": (0, _MANY),
}


def check_runner_numbers(options: Mapping[str, Any], source: str = "") -> None:
    """Raise InputError for a number that no run can do with; source names the file that it's from."""
    for name, (least, most) in LIMITS.items():
        given = options.get(name)
        if given is None or (isinstance(given, int | float) and least <= given <= most):
            continue
        option = f"{name} in {source}" if source else f"--{name.replace('_', '-')}"
        raise InputError(f"{option} is {given!r}, and has to be a number from {least:,} to {most:,}.")
