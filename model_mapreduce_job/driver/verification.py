"""--verify on the driver's side: no run starts with a model that predicts otherwise than it must."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from model_mapreduce_job.exceptions import VerificationError
from model_mapreduce_job.printable import counted, printable
from model_mapreduce_job.task.messages import Verify

if TYPE_CHECKING:
    from model_mapreduce_job.task.first_worker import FirstWorker
    from model_mapreduce_job.task.job import Job
    from model_mapreduce_job.task.messages import Verified
    from model_mapreduce_job.task.run_options import RunOptions


def verify(job: Job, first: FirstWorker, options: RunOptions) -> Verified:
    """Return what --verify has predicted, each as it must be; the first worker loads the model for it.

    Shows the first differences, and raises VerificationError, where there are any.
    """
    path = Path(str(options.verify)).expanduser().absolute()
    found = first.verify(job.begin(options.task), Verify(str(path), options.verify_tolerance))
    if not found.different:
        return found
    lines = "".join(f"  {printable(difference)}\n" for difference in found.differences)
    job.stderr.write(lines.encode(errors="backslashreplace"))
    job.stderr.flush()
    names = options.task.names
    verbs = ("predict", "they") if options.task.several else ("predicts", "it")
    raise VerificationError(
        f"{', '.join(names)} {verbs[0]} {found.different:,} of the {counted(found.records, 'record')} of "
        f"--verify {options.verify} otherwise than {verbs[1]} must; nothing was started. Mend the model or "
        "the file, or allow more with --verify_tolerance."
    )


def verified_row(verified: Verified | None) -> str:
    """Return the row that a run's summary has of what was verified, with its newline; nothing for none."""
    return f"{'verified':<12} {printable(verified.words)}\n" if verified else ""
