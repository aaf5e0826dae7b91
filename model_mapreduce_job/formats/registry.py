"""The formats that a run reads and writes: their names, and the endings of file names that stand for them.

A new table is an entry here, and a module of its name whose FORMAT reads and writes its files; a new text
format is an entry here, and its classes one in task/text_protocols.py. Nothing is imported for a format that
a run doesn't have.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

import msgspec

from model_mapreduce_job.exceptions import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from model_mapreduce_job.formats.table_format import TableFormat

# Text may be compressed as a whole; a table compresses what is in it.
COMPRESSIONS: Final = (".gz", ".bz2", ".xz", ".zst")


class Format(msgspec.Struct, frozen=True):
    """A format: its name as an option has it, the endings of its files, and whether it's read and written.

    is_table says that its files hold typed columns, and not lines of text. has_footer says that a table's end
    describes it, library names what it needs that the job itself does not require.
    """

    name: str
    suffixes: tuple[str, ...] = ()
    is_table: bool = False
    is_read: bool = True
    is_written: bool = True
    has_footer: bool = True
    library: str = ""


FORMATS: Final = {
    entry.name: entry
    for entry in (
        Format("json", is_read=False),
        Format("ldjson"),
        Format("csv", (".csv",)),
        Format("tsv", (".tsv",)),
        Format("parquet", (".parquet",), is_table=True),
        Format("orc", (".orc",), is_table=True),
        Format("avro", (".avro",), is_table=True, is_written=False, has_footer=False, library="fastavro"),
    )
}
INPUTS: Final = tuple(entry.name for entry in FORMATS.values() if entry.is_read)
OUTPUTS: Final = tuple(entry.name for entry in FORMATS.values() if entry.is_written)
TABLES: Final = frozenset(entry.name for entry in FORMATS.values() if entry.is_table)
_PLAIN: Final = "ldjson"


def table_format(name: str) -> TableFormat:
    """Return what reads and writes the files of a table; raises InputError where its library is missing."""
    try:
        found: TableFormat = import_module(f"{__package__}.{name}").FORMAT
    except ImportError as error:
        library = (error.name or "pyarrow").partition(".")[0]
        package = f"'model_mapreduce_job[{name}]'" if library == FORMATS[name].library else library
        raise InputError(
            f"{name} needs the package {library}, which is not installed. Install it: pip install {package}."
        ) from error
    return found


def format_of(path: str) -> str:
    """Return the name of the format that a file's name stands for: ldjson, unless its ending says other."""
    name = path.lower()
    text = next((name.removesuffix(ending) for ending in COMPRESSIONS if name.endswith(ending)), name)
    for entry in FORMATS.values():
        if (name if entry.is_table else text).endswith(entry.suffixes or ("\0",)):
            return entry.name
    return _PLAIN


def format_of_all(paths: Iterable[str]) -> str:
    """Return the one format that files' names stand for; raises InputError where they stand for several."""
    first: dict[str, str] = {}
    for path in paths:
        first.setdefault(format_of(path), path)
        if len(first) > 1:
            (one, path_of_one), (other, path_of_other) = first.items()
            raise InputError(
                f"{path_of_one} is {one} by its name, and {path_of_other} {other}. Run them apart, "
                "or say with --input_protocol what all of them are."
            )
    return next(iter(first), _PLAIN)
