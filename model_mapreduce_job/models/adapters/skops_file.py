"""Model files of skops: scikit-learn estimators, of types that are trusted alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import skops.io

from model_mapreduce_job.exceptions import ConfigurationError
from model_mapreduce_job.models.adapters.estimator import trained_estimator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from model_mapreduce_job.models.adapters.trained import Trained


def load(path: Path, trusted_types: Sequence[str]) -> Trained:
    """Return what the estimator in a file takes and answers.

    Raises ConfigurationError for types that neither skops nor the operator trusts.
    """
    untrusted = [name for name in skops.io.get_untrusted_types(file=path) if name not in trusted_types]
    if untrusted:
        raise ConfigurationError(
            f"{path} holds types that skops doesn't trust by itself: {', '.join(untrusted)}. If you "
            f"know what they do, name them: --trust_types {','.join(untrusted)}"
        )
    return trained_estimator(skops.io.load(path, trusted=list(trusted_types)), path)
