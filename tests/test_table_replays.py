"""--replay of Parquet and ORC: kept rows come back as they were, and failed ones as a first run has them."""

from __future__ import annotations

import datetime as dt
import math
import struct
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from local_jobs import PROJECT, LocalJob
from models.mending import BROKEN
from pyarrow import csv, orc

from model_mapreduce_job.formats.earlier_tables import KeptRows

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 600
MENDING = ("--model_qualified_name", "mending")
PARQUET = ("--output_protocol", "parquet", "--input_protocol", "parquet")
STAMP = ["model_name", "model_version", "model_sha256", "run_id", "run_time"]
DAY = dt.datetime.fromisoformat("2024-02-29T12:30")
A_NAN = struct.unpack("d", struct.pack("Q", 0x7FF8_0000_0000_BEEF))[0]


def every_type() -> dict[str, pa.Array]:
    """Return a column of each type that Parquet has, with nulls, and NaNs of many bits."""
    numbers = range(ROWS)

    def some(value: Any, kind: pa.DataType) -> pa.Array:
        return pa.array([value(n) if n % 4 else None for n in numbers], kind)

    reals = np.full(ROWS, A_NAN)
    reals[::2] = -0.0
    return {
        "bits": pa.array(reals, from_pandas=False),
        "half": some(lambda n: np.float16(n / 8), pa.float16()),
        "single": some(lambda n: math.inf if n % 2 else 0.1, pa.float32()),
        **{
            str(kind): some(lambda n: n % 128, kind)
            for kind in (pa.int8(), pa.uint8(), pa.uint16(), pa.uint32())
        },
        "uint64": some(lambda n: 2**64 - 1 - n, pa.uint64()),
        "truth": some(lambda n: n % 3 == 0, pa.bool_()),
        "nothing": pa.nulls(ROWS),
        "when": some(lambda n: n, pa.timestamp("ms", "+05:30")),
        "exact": some(lambda n: n * 1000 + 1, pa.timestamp("ns")),
        "day": some(lambda n: DAY.date() + dt.timedelta(n), pa.date32()),
        "hour": some(lambda n: n, pa.time64("us")),
        "lasts": some(lambda n: n, pa.duration("s")),
        "price": some(lambda n: Decimal(n).scaleb(-2), pa.decimal128(12, 2)),
        "large": some(lambda n: "é\n\0" * (n % 3), pa.large_string()),
        "raw": some(lambda n: b"\xff%d" % n, pa.binary()),
        "fixed": some(lambda n: b"%04d" % n, pa.binary(4)),
        "kind": some(lambda n: "ab"[n % 2], pa.string()).dictionary_encode(),
        "list": some(lambda n: [n, None] * (n % 3), pa.large_list(pa.int16())),
        "pairs": some(lambda n: [("k", n)], pa.map_(pa.string(), pa.float64())),
        "nested": some(
            lambda n: {"x": [{"y": str(n)}], "z": None},
            pa.struct([("x", pa.list_(pa.struct([("y", pa.string())]))), ("z", pa.int8())]),
        ),
    }


def source(**more: pa.Array) -> pa.Table:
    """Return rows for the model that can be broken; its null for a negative n is none of the columns'."""
    numbers = [-n if n % 50 == 49 else n for n in range(ROWS)]
    return pa.table({"n": pa.array(numbers, pa.int64()), "text": [f"t{n}" for n in range(ROWS)], **more})


class Jobs:
    """Runs in one directory, of a model that is broken and of the mended one."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.mended = LocalJob(directory)
        self.broken = LocalJob(directory, environment={BROKEN: "1"})

    def run(self, *arguments: object, broken: bool = False) -> str:
        """Return what a run says that comes to a good end."""
        ran = (self.broken if broken else self.mended).run(*arguments)
        assert ran.code == 0, ran.errors
        return ran.errors

    def table(self, name: str, kind: str = "parquet") -> pa.Table:
        """Return the parts of an output as one table, in order."""
        read = pq.read_table if kind == "parquet" else orc.read_table
        return pa.concat_tables(map(read, sorted((self.directory / name).glob("part-*"))))


def exact(table: pa.Table) -> list[Any]:
    """Return columns whose values can be compared to the bit."""
    columns = {name: table[name].combine_chunks() for name in table.column_names}
    return [str(table.schema), *(_bits(column) for column in columns.values())]


def _bits(column: pa.Array) -> Any:
    if pa.types.is_floating(column.type):
        return column.view(f"uint{column.type.bit_width}").to_pylist()
    return column.cast(column.type.value_type).to_pylist() if pa.types.is_dictionary(column.type) else column


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    return Jobs(tmp_path_factory.mktemp("replays"))


@pytest.fixture(scope="module")
def scored(jobs: Jobs) -> str:
    """Write an output of the broken model: several parts of several row groups, explained and stamped."""
    (jobs.directory / "in").mkdir()
    table = source(**every_type())
    for name, start in (("a", 0), ("b", 200), ("c", 400)):
        pq.write_table(table.slice(start, 200), jobs.directory / "in" / f"{name}.parquet", row_group_size=70)
    options = (*MENDING, *PARQUET, "--on_error", "explain", "--stamp", "--quiet")
    jobs.run(*options, "-r", "local", "--output-dir", "scored", "in", broken=True)
    return "scored"


def test_rows_with_a_prediction_stay_bit_for_bit_and_others_are_those_of_a_first_run(
    jobs: Jobs, scored: str
) -> None:
    """With the stamp that each had, in the old order, and with all of the columns, whose names were taken."""
    options = (*MENDING, *PARQUET, "--on_error", "explain", "--stamp")
    shown = jobs.run(*options, "-r", "local", "--output-dir", "again", "--replay", scored)
    assert "complete: 600 lines = 392 kept + 196 predicted + 12 failed + 0 blank" in shown
    earlier, again = jobs.table(scored), jobs.table("again")
    assert again.schema.names[-9:] == ["twice", "mending_text", "error_type", "error_message", *STAMP]
    kept = [place for place, twice in enumerate(earlier["twice"].to_pylist()) if twice is not None]
    assert len(kept) == 392
    assert exact(again.take(kept)) == exact(earlier.take(kept))
    jobs.run(*options, "--quiet", "--output-dir", "whole", "in")
    whole = jobs.table("whole")
    assert exact(again.drop_columns(STAMP[3:])) == exact(whole.drop_columns(STAMP[3:]))
    assert len(set(again["run_id"].to_pylist())) == 2


@pytest.mark.measured
def test_a_replay_that_mends_nothing_gives_the_same_rows_and_goes_on_where_it_was_stopped(
    jobs: Jobs, scored: str
) -> None:
    """In a process of its own, and to another name; all records count for the rate."""
    options = (*MENDING, *PARQUET, "--on_error", "explain", "--stamp", "--isolate", "always")
    limited = (*options, "--max_error_rate", "0.3", "--output-dir", "same", "--replay", scored)
    assert jobs.broken.run(*limited).code == 3
    shown = jobs.run(*options, "--output-dir", "same", "--resume", "--replay", scored, broken=True)
    assert "392 kept + 0 predicted + 208 failed" in shown
    assert exact(jobs.table("same").drop_columns(STAMP[3:])) == exact(
        jobs.table(scored).drop_columns(STAMP[3:])
    )


@pytest.mark.measured
def test_several_models_are_asked_again_where_one_has_failed_and_a_row_that_kills_costs_itself(
    jobs: Jobs,
) -> None:
    """In ORC, which has other types, of Parquet."""
    models = (*MENDING, "--model_qualified_name", "by_columns")
    does = pa.array(["segfault" if n == 40 else None for n in range(ROWS)], pa.string())
    rows = source(do=does, small=pa.array([n % 9 for n in range(ROWS)], pa.uint8()))
    pq.write_table(rows.slice(0, 60), jobs.directory / "s.parquet")
    options = (*models, "--output_protocol", "orc", "--on_error", "explain")
    jobs.run(*options, "--quiet", "--output-dir", "several", "s.parquet", broken=True)
    given = (*options, "--input_protocol", "parquet")
    shown = jobs.run(*given, "--output-dir", "mended", "--replay", "several")
    assert "complete: 60 lines = 38 kept + 20 predicted + 2 failed + 0 blank" in shown
    jobs.run(*options, "--quiet", "--output-dir", "fresh", "s.parquet")
    assert jobs.table("mended", "orc").equals(jobs.table("fresh", "orc"))
    assert jobs.table("mended", "orc")["by_columns.error_type"].to_pylist()[40] == "ProcessDied"


@pytest.mark.measured
@pytest.mark.parametrize("on_error", ["null", "explain"])
def test_rows_of_csv_are_read_again_as_the_lines_that_they_were(jobs: Jobs, on_error: str) -> None:
    """A line that was no row stays a failure, and stands where it stood."""
    lines = [f'{n};"a;{n}"' for n in range(30)] + ["x;1", "only one cell", ";", '"";"""q"""', "30;"]
    (jobs.directory / "in.csv").write_text("n;text\n" + "\n".join(lines) + "\n")
    options = (*MENDING, "--output_protocol", "parquet", "--on_error", on_error, "--delimiter", ";")
    broken, again, whole = (f"{name}-{on_error}" for name in ("csv", "csv-again", "csv-whole"))
    jobs.run(*options, "--quiet", "--output-dir", broken, "in.csv", broken=True)
    shown = jobs.run(*options, "--input_protocol", "csv", "--output-dir", again, "--replay", broken)
    assert "complete: 35 lines = 20 kept + 11 predicted + 4 failed + 0 blank" in shown
    assert ("NoRecord" in shown) == (on_error == "null")
    jobs.run(*options, "--quiet", "--output-dir", whole, "in.csv")
    assert jobs.table(again).equals(jobs.table(whole))


@pytest.mark.parametrize("read", ["csv", "parquet"])
def test_a_model_file_is_bound_to_the_columns_of_the_first_input(jobs: Jobs, read: str) -> None:
    """Of rows of text, and of a table."""
    examples = PROJECT / "examples" / "model_files"
    customers = examples / "customers.csv"
    if read == "parquet":
        pq.write_table(csv.read_csv(customers), jobs.directory / "customers.parquet")
    given = ("--model_file", examples / "churn.onnx", "--output_protocol", "parquet")
    first, again = f"churn-{read}", f"churn-{read}-again"
    source = customers if read == "csv" else "customers.parquet"
    jobs.run(*given, "--quiet", "--output-dir", first, source)
    shown = jobs.run(*given, "--input_protocol", read, "--output-dir", again, "--replay", first)
    assert " kept + " in shown
    assert jobs.table(again).equals(jobs.table(first))


NULLS = """
from typing import TypedDict
from model_mapreduce_job import Config

class Row(TypedDict):
    n: int

class Nulls:
    display_name = qualified_name = description = "nulls"
    version, input_schema, output_schema = "1", Row, {"type": ["number", "null"]}

    def predict(self, data):
        return None if data["n"] % 2 else data["n"] / 2

class Settings(Config):
    models = ({"qualified_name": "nulls", "module_name": "nulls", "class_name": "Nulls"},)
"""


def test_a_null_that_is_a_prediction_is_asked_for_again_as_in_text(jobs: Jobs) -> None:
    """It can't be told from a failure, and stays a prediction."""
    (jobs.directory / "nulls.py").write_text(NULLS)
    pq.write_table(pa.table({"n": list(range(6))}), jobs.directory / "n.parquet")
    job = LocalJob(jobs.directory, ("--model_qualified_name", "nulls", *PARQUET))
    job.environment["APP_SETTINGS"] = "nulls.Settings"
    assert job.run("--quiet", "--output-dir", "nulls", "n.parquet").errors == ""
    ran = job.run("--output-dir", "nulls-again", "--replay", "nulls")
    assert "complete: 6 lines = 3 kept + 3 predicted + 0 failed + 0 blank" in ran.errors
    assert jobs.table("nulls-again").equals(jobs.table("nulls"))


REFUSED = (
    ((), "say with --input_protocol what the run that made this parquet read"),
    (("--input_protocol", "ldjson"), "parquet has not all of a record of ldjson"),
    (PARQUET, "error_message, model_name, model_version, model_sha256, run_id, run_time, which is none with"),
    ((*PARQUET, "--stamp"), "which is none with these options. Give it with the options of the run that"),
    ((*PARQUET, "--key", "n"), "an output made with --key has not all of its input"),
    (("--input_protocol", "csv", "--on_error", "explain", "--stamp"), "the column n as int64, and of csv"),
)


@pytest.mark.measured
@pytest.mark.parametrize(("options", "words"), REFUSED)
def test_options_that_are_not_those_of_the_output_are_refused_in_one_line(
    jobs: Jobs, scored: str, options: tuple[str, ...], words: str
) -> None:
    given = (*MENDING, "--output_protocol", "parquet", *options, "--output-dir", "o", "--replay", scored)
    assert words in refusal(jobs, *given)


@pytest.mark.measured
def test_what_is_no_output_of_this_model_is_refused_in_one_line(jobs: Jobs) -> None:
    """Other columns, other types, too few columns, a field that --key left out, no output_schema."""
    others: dict[str, tuple[dict[str, list[Any]], str]] = {
        "types": (
            {"n": [1], "twice": [2.5], "text": ["x"]},
            "has the column twice as double, and with this model it would be int64",
        ),
        "names": (
            {"n": [1], "double": [2], "text": ["x"]},
            "has the columns n, double, text, and with these",
        ),
        "few": ({"twice": [2], "text": ["x"]}, "2 of them are not the input's"),
        "key": (
            {"text": ["a"], "twice": [2], "mending_text": ["x"]},
            "The model needs n, and the input's columns are text.",
        ),
    }
    for name, (columns, words) in others.items():
        pq.write_table(pa.table(columns), jobs.directory / f"{name}.parquet")
        assert words in refusal(jobs, *MENDING, *PARQUET, "--output-dir", "o", "--replay", f"{name}.parquet")
    orc.write_table(pa.table({"n": [1]}), jobs.directory / "other.orc")
    found = refusal(jobs, *MENDING, *PARQUET, "--output-dir", "o", "--replay", "other.orc")
    assert "it looks like an ORC file. Say" in found
    given = ("--model_qualified_name", "tabular", *PARQUET, "--output-dir", "o", "--replay", "few.parquet")
    assert "The model tabular has no output_schema that says" in refusal(jobs, *given)


def refusal(jobs: Jobs, *arguments: object) -> str:
    """Return the one line by which a run ends before it starts."""
    ran = jobs.mended.run(*arguments)
    assert (ran.code, ran.output, ran.errors.count("\n")) == (1, b"", 1), ran.errors
    assert not (jobs.directory / "o").exists()
    return ran.errors


def test_any_rows_are_put_among_those_that_are_kept() -> None:
    """None, all, and some of a slice, whose input's columns are not even looked at."""
    table = {
        "view": pa.array(["a", None, "c"], pa.string_view()),
        "answer": pa.array([1, None, None], pa.int8()),
    }
    rows = pa.record_batch(table).slice(1)
    now = pa.record_batch({"view": table["view"].slice(1, 1), "answer": pa.array([7], pa.int8())})
    assert KeptRows(rows, [], 1).with_lines(now.slice(1)) is rows
    assert KeptRows(rows, [1], 1).with_lines(now).to_pylist() == [
        {"view": None, "answer": None},
        {"view": "c", "answer": 7},
    ]
    assert KeptRows(rows, [1], 1).count == 1
