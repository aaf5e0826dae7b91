"""A task's process, and how it is started, watched and asked."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """Import what loads a configuration's models when it is asked for: the keeper comes before all else."""
    if name not in {"load_model", "load_manager"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from model_mapreduce_job.task import factory  # noqa: PLC0415 - only for those who ask

    return getattr(factory, name)
