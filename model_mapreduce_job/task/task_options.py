"""The options that a task is given, as one value that can travel in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.task.options import OPTIONS

if TYPE_CHECKING:
    from argparse import Namespace


class TaskOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of options.OPTIONS that are passed on to tasks, under their names.

    They reach a task in a file, never on its command line: a column's name may hold any character, a header
    may be longer than a command, and Hadoop and shells read command lines each in their own way.
    """

    model_qualified_name: str | None
    input_protocol: str
    output_protocol: str
    columns: str | None
    key: list[str] | None
    on_error: str
    no_fail_fast: bool
    max_record_bytes: int
    allow_nan: bool
    quoted_newlines: bool
    batch_size: int | None
    isolate: str
    predict_timeout: float | None
    fingerprint: bool

    @classmethod
    def from_namespace(cls, options: Namespace) -> TaskOptions:
        """Return the passed-on options of a parsed command line."""
        return cls(**{option.name: getattr(options, option.name) for option in OPTIONS if option.passed_on})

    @classmethod
    def from_json(cls, text: bytes) -> TaskOptions:
        """Return the options that to_json() wrote; raises ValueError for other text."""
        return msgspec.convert(json.loads(text), cls)

    @classmethod
    def read(cls, path: str) -> TaskOptions:
        """Return the options in a file; raises InputError when it can't be read."""
        try:
            return cls.from_json(Path(path).read_bytes())
        except (OSError, ValueError) as error:
            raise InputError(
                f"The task's options in {path} can't be read: {error}. Start it again."
            ) from error

    def put_into(self, namespace: Namespace) -> None:
        """Set the options in a namespace, in the place of what it has."""
        for name, value in msgspec.structs.asdict(self).items():
            setattr(namespace, name, value)

    def to_json(self) -> bytes:
        """Return the options as JSON, in ASCII: names may hold bytes that are no UTF-8."""
        return json.dumps(msgspec.structs.asdict(self)).encode("ascii")
