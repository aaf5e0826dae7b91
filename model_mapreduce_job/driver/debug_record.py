"""One record alone, in the foreground: its prediction, or its whole traceback, and on a terminal a debugger.

The driver finds the record's line, and this process's image is then replaced by one that loads the model: the
driver itself imports no code of a model's.
"""

from __future__ import annotations

import os
import pdb  # noqa: T100 - opened on a terminal, for whoever asked for it
import sys
import tempfile
import traceback
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.column_order import rearranged
from model_mapreduce_job.formats.encoding import prediction_texts
from model_mapreduce_job.formats.lines import bare, read_blocks
from model_mapreduce_job.formats.protocols import HeaderLine
from model_mapreduce_job.formats.records import Failure, OverlongLine
from model_mapreduce_job.models.contract import BatchModel
from model_mapreduce_job.storage.compression import decompressed, whole_or_error
from model_mapreduce_job.storage.inputs import STDIN, list_inputs
from model_mapreduce_job.task.factory import load_model, reader_for
from model_mapreduce_job.task.mistakes import one_line_for_mistakes
from model_mapreduce_job.task.model_process import python_command, same_imports
from model_mapreduce_job.task.task_options import TaskOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_mapreduce_job.formats.lines import Block
    from model_mapreduce_job.task.job import Job

_MAIN = "from model_mapreduce_job.driver.debug_record import main; main()"


def find_line(job: Job, number: int) -> bytes:
    """Return the input's line of this number, from 1; raises InputError when there's none."""
    lines = 0
    for block in _blocks(job):
        size = 1 if isinstance(block, OverlongLine) else len(block)
        if lines + size >= number:
            if isinstance(block, OverlongLine):
                raise InputError(f"Line {number:,} is longer than --max_record_bytes. Name another.")
            return bytes(block[number - lines - 1])
        lines += size
    raise InputError(f"--debug_record {number:,} is no line of the input, which has {lines:,}.")


def become_debugger(job: Job, line: bytes) -> NoReturn:
    """Replace this process by one that predicts a line in the foreground."""
    with tempfile.TemporaryFile() as file:
        file.write(TaskOptions.from_namespace(job.options).to_json() + b"\n" + line)
        file.flush()
        file.seek(0)
        os.set_inheritable(file.fileno(), True)  # noqa: FBT003 - the signature of os
        *python, _script = python_command()
        sys.stdout.flush()
        environment = same_imports(os.environ)
        os.execve(python[0], [*python, "-c", _MAIN, str(file.fileno())], environment)  # noqa: S606 - this very interpreter


def main() -> None:
    """Predict the line in the file whose descriptor is this process's argument; exit code 1 if it fails."""
    with open(int(sys.argv[1]), "rb") as file:  # noqa: PTH123 - a descriptor
        options, _, line = file.read().partition(b"\n")
    given = Namespace()
    TaskOptions.from_json(options).put_into(given)
    with one_line_for_mistakes():
        model = load_model(given.model_qualified_name)
        reader = reader_for(model, given)
    try:
        text = _predict(model, reader, line)
    except HeaderLine:
        sys.exit("The line names the columns: it is no record.")
    except Exception:  # noqa: BLE001 - to show whatever it is that a record raises is what this is for
        traceback.print_exc()
        if sys.stdin.isatty() and sys.stderr.isatty():
            pdb.post_mortem()
        sys.exit(1)
    print(text.decode())  # noqa: T201 - this is the output


def _predict(model: Any, reader: Any, line: bytes) -> bytes:
    """Return the JSON text of a line's prediction; raises what its reader or the model raises."""
    record = _read(reader, bare(line))
    answer = model.predict_batch([record])[0] if isinstance(model, BatchModel) else model.predict(record)
    if isinstance(answer, Exception):
        raise answer
    (text,) = prediction_texts([answer])
    if isinstance(text, Failure):
        raise TypeError(f"{text.kind}: {text.message}")
    return text


def _read(reader: Any, line: bytes) -> Any:
    try:
        return reader.read(line)
    except HeaderLine:
        raise
    except Exception as error:
        if not hasattr(reader, "read_again"):
            raise
        return reader.read_again(line, error)


def _blocks(job: Job) -> Iterator[Block]:
    """Yield the blocks of a job's input, as its tasks would read them."""
    for name in list_inputs(job.options.args or [STDIN]):
        path = Path(name)
        if name == STDIN or not path.is_file():
            raise InputError(f"--debug_record can't look for a record in {name}. Give the input as files.")
        with whole_or_error(name), path.open("rb") as file:
            blocks = read_blocks(decompressed(name, file), job.options.max_record_bytes)
            yield from rearranged(blocks, job.column_orders.get(name))
