"""Pickled estimators, as joblib.dump and pickle.dump write them. Loading one can run any code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import joblib

from model_mapreduce_job.models.adapters.estimator import trained_estimator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from model_mapreduce_job.models.adapters.trained import Trained


def load(path: Path, _trusted_types: Sequence[str]) -> Trained:
    """Return what the estimator in a file takes and answers; raises what unpickling it raises."""
    return trained_estimator(joblib.load(path), path)
