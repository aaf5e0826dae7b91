"""--stamp: what a task writes on each record of its output."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.formats.registry import TABLES
from model_mapreduce_job.formats.stamp import Stamp, stamped_objects, stamped_pairs, stamped_rows
from model_mapreduce_job.ml_model_manager import ModelManager
from model_mapreduce_job.models.contract import version_of
from model_mapreduce_job.task.delimited_options import DELIMITERS, dialect_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_mapreduce_job.formats.batch_formats import Writer
    from model_mapreduce_job.models.contract import MLModel
    from model_mapreduce_job.task.task_options import TaskOptions

_DIGITS: Final = 12


def stamped(writer: Writer, models: Sequence[MLModel], options: TaskOptions) -> Writer:
    """Return a writer whose output has a stamp, where the options ask for one; else the very writer."""
    if not options.stamp:
        return writer
    stamp = _stamp(models, options)
    protocol = options.output_protocol
    if protocol in TABLES:
        from model_mapreduce_job.formats.table_stamp import StampedTable  # noqa: PLC0415 - tables alone need Arrow

        return StampedTable(writer, stamp)
    if protocol in DELIMITERS:
        return stamped_rows(writer, stamp, dialect_of(protocol, options))
    return stamped_pairs(writer, stamp) if protocol == "json" else stamped_objects(writer, stamp)


def _stamp(models: Sequence[MLModel], options: TaskOptions) -> Stamp:
    names = [str(model.qualified_name) for model in models]
    digests = [_digest(ModelManager().get_model_files(name)) for name in names]
    return Stamp(
        ";".join(names),
        ";".join(map(version_of, models)),
        ";".join(digests) if any(digests) else None,
        options.run_id,
        options.run_time,
    )


def _digest(files: Mapping[str, str]) -> str:
    """Return the first digits of a model file's sha256; of several files', of a line for each of them."""
    if len(files) < 2:  # noqa: PLR2004 - several
        return next(iter(files.values()), "").lower()[:_DIGITS]
    lines = "".join(f"{digest.lower()}  {name}\n" for name, digest in sorted(files.items()))
    return hashlib.sha256(lines.encode(errors="surrogateescape")).hexdigest()[:_DIGITS]
