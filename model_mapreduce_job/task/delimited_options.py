"""What the options say of csv and tsv: the dialect, the columns, and how bytes become lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.rows import Dialect, check_columns, split_row
from model_mapreduce_job.formats.text_encodings import UTF_8, check_encoding
from model_mapreduce_job.formats.text_reading import TextReading

if TYPE_CHECKING:
    from model_mapreduce_job.task.task_options import TaskOptions

DELIMITERS = {"csv": ",", "tsv": "\t"}
_NO_DELIMITERS = frozenset('"\r\n\0')
_TAB = {"\\t": "\t", "tab": "\t"}


def dialect_of(protocol: str, options: TaskOptions) -> Dialect:
    """Return how rows of a protocol are written; raises InputError for a dialect that can't be read back."""
    delimiter = DELIMITERS[protocol]
    if options.delimiter is not None and protocol == "csv":
        delimiter = _TAB.get(options.delimiter, options.delimiter)
    if len(delimiter) != 1 or delimiter in _NO_DELIMITERS:
        raise InputError(
            f"--delimiter {options.delimiter!r} can't separate cells. Give one character, such as ';' or '|'."
        )
    if len(options.decimal) != 1 or options.decimal.isalnum() or options.decimal in {delimiter, *'"+- \r\n'}:
        raise InputError(
            f"--decimal {options.decimal!r} has another meaning in a row whose cells {delimiter!r} "
            "separates. Give another --delimiter, such as ';', with --decimal ','."
        )
    nulls = split_row(options.null_values, ",") if options.null_values else []
    return Dialect(
        delimiter,
        options.decimal,
        frozenset(nulls),
        options.quoted_newlines,
        check_encoding(options.encoding),
    )


def text_reading(options: TaskOptions) -> TextReading:
    """Return how the bytes of a run's input become lines; raises InputError."""
    # what a replay reads is an output, which is UTF-8
    protocol = options.source_protocol
    if protocol not in DELIMITERS:
        return TextReading(options.max_record_bytes)
    delimiter = dialect_of(protocol, options).delimiter if options.quoted_newlines else None
    encoding = UTF_8 if options.is_replay else check_encoding(options.encoding)
    return TextReading(options.max_record_bytes, encoding, delimiter, by_text_block=not options.is_replay)


def columns(options: TaskOptions) -> list[str]:
    """Return the input's columns; raises InputError when they are not named or can't be used."""
    if not options.columns:
        raise InputError(
            f"The columns of the {options.input_protocol} input are not known. Name them: --columns a,b,c."
        )
    return check_columns(split_row(options.columns, ","))
