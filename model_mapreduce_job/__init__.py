"""Runs a trained model over any number of records, as a MapReduce job."""

from __future__ import annotations

from model_mapreduce_job.version import __version__ as __version__

TYPE_CHECKING = False  # this comes before all others, in each process: importing typing takes 4 ms
if TYPE_CHECKING:
    from typing import Any

    from model_mapreduce_job.config import Config
    from model_mapreduce_job.ml_model_manager import ModelManager
    from model_mapreduce_job.ml_model_map_reduce_job import MLModelMapReduceJob
    from model_mapreduce_job.models.contract import MLModel

__all__ = ["Config", "MLModel", "MLModelMapReduceJob", "ModelManager"]

_HOMES = {
    "Config": "config",
    "MLModel": "models.contract",
    "MLModelMapReduceJob": "ml_model_map_reduce_job",
    "ModelManager": "ml_model_manager",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: a task that needs no driver should not load one."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - only for those who ask

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
