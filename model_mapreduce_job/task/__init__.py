"""The process of a task: how it is started, watched, and sent requests."""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing takes a while
if TYPE_CHECKING:
    from typing import Any


def __getattr__(name: str) -> Any:
    """Import a public function when it is first used, since the keeper has to come before all imports."""
    if name not in {"load_model", "load_manager"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from model_mapreduce_job.task import run_model  # noqa: PLC0415 - only for those who ask

    return getattr(run_model, name)
