"""One record alone, in the foreground: its prediction, or its whole traceback, and on a terminal a debugger.

The driver finds the record's line, and this process's image is then replaced by one that loads the model: the
driver itself imports no code of a model's.
"""

from __future__ import annotations

import os
import pdb  # noqa: T100 - opened on a terminal only
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.column_order import rearranged
from model_mapreduce_job.formats.encoding import prediction_texts
from model_mapreduce_job.formats.lines import strip_bom_and_cr
from model_mapreduce_job.formats.protocols import HeaderLine, json_name
from model_mapreduce_job.formats.records import Failure, OverlongLine
from model_mapreduce_job.formats.registry import TABLES
from model_mapreduce_job.models.contract import BatchModel
from model_mapreduce_job.storage.compression import decompressed, whole_or_error
from model_mapreduce_job.storage.inputs import STDIN, list_inputs
from model_mapreduce_job.task.debug_row import find_row, row_record
from model_mapreduce_job.task.delimited_options import text_reading
from model_mapreduce_job.task.lanes import lane_of, lists_are_quicker
from model_mapreduce_job.task.memory import flush_c
from model_mapreduce_job.task.mistakes import one_line_for_mistakes
from model_mapreduce_job.task.model_process import python_command, same_imports
from model_mapreduce_job.task.run_model import load_run_models
from model_mapreduce_job.task.task_options import TaskOptions
from model_mapreduce_job.task.text_protocols import reader_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model_mapreduce_job.driver.checks import Checked
    from model_mapreduce_job.formats.lines import Block
    from model_mapreduce_job.task.lanes import Lane

_MAIN = "from model_mapreduce_job.driver.debug_record import main; main()"


def find_line(checked: Checked, number: int) -> bytes:
    """Return the input's line of this number, from 1; raises InputError when there's none, or no record."""
    if checked.options.task.input_protocol in TABLES:
        return find_row(checked.surveyed, number)
    lines = 0
    for block in _blocks(checked):
        size = 1 if isinstance(block, OverlongLine) else len(block)
        if lines + size >= number:
            if isinstance(block, OverlongLine):
                raise InputError(f"Line {number:,} is longer than --max_record_bytes. Name another.")
            line = bytes(block[number - lines - 1])
            if not strip_bom_and_cr(line).strip():
                raise InputError(f"Line {number:,} is blank: it is no record. Name another.")
            return line
        lines += size
    raise InputError(f"--debug_record {number:,} is no line of the input, which has {lines:,}.")


def become_debugger(options: TaskOptions, line: bytes) -> NoReturn:
    """Replace this process by one that predicts a line in the foreground."""
    with tempfile.TemporaryFile() as file:
        file.write(options.to_json() + b"\n" + line)
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
        text, _, line = file.read().partition(b"\n")
    options = TaskOptions.from_json(text)
    with one_line_for_mistakes():
        models = [_Debugged.of(model, options) for model in load_run_models(options)]
    texts: list[bytes] = []
    try:
        for model in models:
            texts.append(model.predicted(line))  # noqa: PERF401 - what a generator raises may change on its way
    except HeaderLine:
        sys.exit("The line names the columns: it is no record.")
    except Exception as error:  # noqa: BLE001 - to show whatever it is that a record raises is what this is for
        if options.several:
            error.add_note(f"It is the model {options.names[len(texts)]} that raised this.")
        traceback.print_exc()
        if sys.stdin.isatty() and sys.stderr.isatty():
            pdb.post_mortem()
        sys.exit(1)
    text = _object(options.names, texts) if options.several else texts[0]
    flush_c()  # what a model has said comes before its answer
    print(text.decode())  # noqa: T201 - this is the output


@dataclass(frozen=True)
class _Debugged:
    """A model, and how its record is read from the line or the row."""

    model: Any
    lane: Lane
    options: TaskOptions
    reader: Any

    @classmethod
    def of(cls, model: Any, options: TaskOptions) -> _Debugged:
        lane = lane_of(model, lists=lists_are_quicker(model, options.input_protocol))
        is_row = options.input_protocol in TABLES
        return cls(model, lane, options, None if is_row else reader_for(model, options, lane))

    def predicted(self, line: bytes) -> bytes:
        """Return the JSON text of the prediction; raises what reading and the model raise."""
        if self.reader is None:
            return _predict(self.model, self.lane, row_record(line, self.model, self.options, self.lane))
        return _predict(self.model, self.lane, _read(self.reader, strip_bom_and_cr(line)))


def _object(names: Sequence[str], texts: Sequence[bytes]) -> bytes:
    return b"{%b}" % b", ".join(
        b"%b: %b" % (json_name(name), text) for name, text in zip(names, texts, strict=True)
    )


def _predict(model: Any, lane: Lane, record: Any) -> bytes:
    """Return the JSON text of a record's prediction; raises what the model raises."""
    answer = _answer(model, lane, record)
    if isinstance(answer, Exception):
        raise answer
    (text,) = prediction_texts([answer])
    if isinstance(text, Failure):
        raise TypeError(f"{text.kind}: {text.message}")
    return text


def _answer(model: Any, lane: Lane, record: Any) -> Any:
    if lane.to_columns is not None:
        from model_mapreduce_job.formats.column_answers import ColumnAnswer  # noqa: PLC0415 - it needs Arrow

        answer = ColumnAnswer.of(model.predict_columns(lane.to_columns([record])))
        return answer and answer.rows()[0]
    return model.predict_batch([record])[0] if isinstance(model, BatchModel) else model.predict(record)


def _read(reader: Any, line: bytes) -> Any:
    try:
        return reader.read(line)
    except HeaderLine:
        raise
    except Exception as error:
        if not hasattr(reader, "read_again"):
            raise
        return reader.read_again(line, error)


def _blocks(checked: Checked) -> Iterator[Block]:
    """Yield the blocks of a run's input, as its tasks would read them."""
    options = checked.options
    for name in list_inputs(options.inputs):
        path = Path(name)
        if name == STDIN or not path.is_file():
            raise InputError(f"--debug_record can't look for a record in {name}. Give the input as files.")
        with whole_or_error(name), path.open("rb") as file:
            blocks = text_reading(options.task).blocks(decompressed(name, file))
            yield from rearranged(blocks, checked.column_orders.get(name))
