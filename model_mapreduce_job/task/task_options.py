"""The options that a task is given, as one value that can travel in a file or a message."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.lines import DEFAULT_MAX_RECORD_BYTES
from model_mapreduce_job.formats.table_format import TableRun
from model_mapreduce_job.models.files import path_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

# A cluster's counters, of which a job has a limited number, have room for these.
MOST_MODELS: Final = 20


class RunModel(msgspec.Struct, frozen=True):
    """A model of a run: its name, and the path and the digest of its file, where it is a model file."""

    name: str
    file: str | None = None
    digest: str | None = None

    @classmethod
    def of_file(cls, text: str) -> RunModel:
        """Return the model that --model_file names: PATH, whose stem is the name, or NAME=PATH.

        Raises InputError when the file can't be read.
        """
        name, equals, named = text.partition("=")
        is_named = equals and name and not Path(text).expanduser().exists()
        path = Path(named if is_named else text).expanduser().absolute()
        try:
            digest = path_digest(path)
        except OSError as error:
            raise InputError(
                f"The model file {text} can't be read: {error.strerror}. Check --model_file."
            ) from error
        return cls(name if is_named else path.stem, str(path), digest)


class TaskOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a task is given of the command line, with the defaults; options.OPTIONS has an entry for each.

    They reach a task in a file, never on its command line: a column's name may hold any character, a header
    may be longer than a command, and Hadoop and shells read command lines each in their own way.
    """

    model_qualified_name: str | None = None
    model_file: str | None = None
    model_type: str | None = None
    model_output: tuple[str, ...] | None = None
    features: str | None = None
    # found by the driver: the digest of the model file, and the fields of ldjson's first records
    model_digest: str | None = None
    input_fields: tuple[str, ...] = ()
    # the models of a run of more than one, of which the three above then say nothing
    several: tuple[RunModel, ...] = ()
    # found by the driver, for a cluster: the place of each of the run's columns in files of another order
    column_orders: dict[str, tuple[int, ...]] = {}
    trust_model_file: tuple[str, ...] | None = None
    trust_types: str | None = None
    input_protocol: str = "ldjson"
    output_protocol: str = "json"
    columns: str | None = None
    key: tuple[str, ...] | None = None
    on_error: str = "null"
    no_fail_fast: bool = False
    max_record_bytes: int = DEFAULT_MAX_RECORD_BYTES
    allow_nan: bool = False
    delimiter: str | None = None
    decimal: str = "."
    encoding: str = "utf-8"
    null_values: str | None = None
    quoted_newlines: bool = False
    header: bool = False
    batch_size: int | None = None
    isolate: str = "auto"
    # No honest model takes this long for a record; Hadoop ends a silent task after the same time.
    predict_timeout: float = 600.0
    fingerprint: bool = False
    stamp: bool = False
    # found by the driver, for a cluster: the columns of the run's tables, and what files' directories name
    tables: TableRun = TableRun()
    partitions: dict[str, tuple[tuple[str, str | None], ...]] = {}
    check_duplicates: bool = False
    # fixed by the driver where there is a stamp, so that all tasks and attempts say the same
    run_id: str = ""
    run_time: str = ""
    # found by the driver: whether tasks keep a profile, and how they compress their parts themselves
    is_profiled: bool = False
    part_compression: str | None = None
    # found by the driver: whether the input is an earlier output, and the line that names its columns
    is_replay: bool = False
    earlier_header: str | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> TaskOptions:
        """Return those of a parsed command line, by their names; what is missing or None has its default."""
        return msgspec.convert({**given_fields(cls, given), **_models_of(given)}, cls)

    def alone(self) -> tuple[TaskOptions, ...]:
        """Return the options of a run of each of the models alone; these, where there is one."""
        if not self.several:
            return (self,)
        return tuple(
            msgspec.structs.replace(
                self,
                several=(),
                model_qualified_name=model.name,
                model_file=model.file,
                model_digest=model.digest,
                trust_model_file=tuple(
                    digest for digest in self.trust_model_file or () if digest.lower() == model.digest
                ),
            )
            for model in self.several
        )

    @property
    def source_protocol(self) -> str:
        """What the run reads: a replay an output."""
        return self.output_protocol if self.is_replay else self.input_protocol

    @property
    def explains(self) -> bool:
        """Whether failures come out with their reason."""
        return self.on_error == "explain"

    @property
    def names(self) -> tuple[str, ...]:
        """The models' names, in their order; none where no model is named."""
        return tuple(str(each.model_qualified_name) for each in self.alone() if each.model_qualified_name)

    @property
    def model_files(self) -> tuple[str, ...]:
        """The paths of the model files."""
        return tuple(each.model_file for each in self.alone() if each.model_file is not None)

    @classmethod
    def from_json(cls, text: bytes) -> TaskOptions:
        """Return the options that to_json() wrote; raises ValueError for other text."""
        given = json.loads(text)
        options = msgspec.convert(given, cls)
        if missing := [name for name in cls.__struct_fields__ if name not in given]:
            raise ValueError(f"{missing[0]} is missing")
        return options

    @classmethod
    def read(cls, path: str) -> TaskOptions:
        """Return the options in a file; raises InputError when it can't be read."""
        try:
            return cls.from_json(Path(path).read_bytes()).beside(Path(path).parent)
        except (OSError, ValueError) as error:
            raise InputError(
                f"The task's options in {path} can't be read: {error}. Start it again."
            ) from error

    def beside(self, directory: Path) -> TaskOptions:
        """Return the options with the model files that came along with them, where some did."""
        if self.model_file is not None:
            return msgspec.structs.replace(self, model_file=_beside(self.model_file, directory, 0))
        several = tuple(
            msgspec.structs.replace(model, file=model.file and _beside(model.file, directory, place))
            for place, model in enumerate(self.several)
        )
        return msgspec.structs.replace(self, several=several)

    def as_dict(self) -> dict[str, Any]:
        """Return the options by name."""
        return msgspec.structs.asdict(self)

    def to_json(self) -> bytes:
        """Return the options as JSON, in ASCII: names may hold bytes that are no UTF-8."""
        return json.dumps(msgspec.to_builtins(self)).encode("ascii")


def shipped_name(model_file: str, place: int = 0) -> str:
    """Return what the model file of the model at this place is called in a task's working directory."""
    return f"model-file{place or ''}{Path(model_file).suffix}"


def _beside(model_file: str, directory: Path, place: int) -> str:
    shipped = directory.absolute() / shipped_name(model_file, place)
    return str(shipped) if shipped.exists() else model_file


def given_fields(struct: type[msgspec.Struct], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a parsed command line a struct has fields for, less what was not given."""
    return {name: given[name] for name in struct.__struct_fields__ if given.get(name) is not None}


def _models_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the models that a parsed command line names, in the order that it has them in."""
    named = {name: _as_list(given.get(name)) for name in ("model_qualified_name", "model_file")}
    order = given.get("models_in_order") or [name for name, texts in named.items() for _ in texts]
    models = [
        RunModel.of_file(named[option].pop(0)) if option == "model_file" else RunModel(named[option].pop(0))
        for option in order
    ]
    if len(models) > 1:
        _check_models([model.name for model in models])
        return {"model_qualified_name": None, "model_file": None, "several": models}
    return {
        field: value
        for model in models
        for field, value in (
            ("model_qualified_name", model.name),
            ("model_file", model.file),
            ("model_digest", model.digest),
        )
    }


def _as_list(given: Any) -> list[str]:
    return [given] if isinstance(given, str) else list(given or ())


def _check_models(names: list[str]) -> None:
    if len(names) > MOST_MODELS:
        raise InputError(f"{len(names)} models are too many for one pass: name {MOST_MODELS} at most.")
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(
            f"Two of the models are called {twice[0]}. Name each once; a model file gets another name with "
            "--model_file NAME=PATH."
        )
