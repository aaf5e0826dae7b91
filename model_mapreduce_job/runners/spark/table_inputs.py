"""The files of a run's tables, as Spark is asked to read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_mapreduce_job.runners.hadoop.tables import refuse_if_changed
from model_mapreduce_job.storage.inputs import is_remote
from model_mapreduce_job.storage.upload_names import escape_pattern

if TYPE_CHECKING:
    from model_mapreduce_job.driver.run_spec import RunSpec
    from model_mapreduce_job.storage.cluster_paths import ClusterInputs


def table_inputs(spec: RunSpec, inputs: ClusterInputs) -> list[str]:
    """Return the paths of files here, and patterns of files that are elsewhere, which match them alone.

    Raises InputError for a file that has changed since its columns were looked at.
    """
    refuse_if_changed(spec, inputs.before_by_absolute_path())
    paths = (file.path for file in spec.table_files)
    return [escape_pattern(path) if is_remote(path) else path for path in paths]
