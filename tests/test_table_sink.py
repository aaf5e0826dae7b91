"""What becomes of a part where a table's writer, or the disk, gives up."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field

import pyarrow as pa
import pytest

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.formats.registry import table_format
from model_mapreduce_job.task.table_sink import writing_rows

ROWS = pa.record_batch({"n": [pow(3, n, 2**61 - 1) for n in range(40_000)]})


@dataclass
class Disk:
    """Takes so many bytes, and then raises; after it was closed it keeps what is written in spite of that."""

    room: int = 1 << 30
    data: bytes = b""
    is_closed: bool = False
    late: list[bytes] = field(default_factory=list)

    def write(self, data: bytes) -> None:
        if self.is_closed:
            self.late.append(data)
        if len(self.data) + len(data) > self.room:
            raise InputError("The output can't be written: no room.")
        self.data += data


def write(disk: Disk, kind: str, *, give_up: bool = False) -> None:
    """Write rows several times, and with give_up end in the middle."""
    with writing_rows(disk, lambda sink: table_format(kind).writer(sink, ROWS.schema)) as write_rows:
        for _ in range(4):
            write_rows(ROWS)
        if give_up:
            raise KeyError


@pytest.mark.parametrize("kind", ["parquet", "orc"])
@pytest.mark.parametrize("room", [0, 10, 100_000])
def test_a_disk_without_room_raises_its_own_error(kind: str, room: int) -> None:
    with pytest.raises(InputError, match="no room"):
        write(Disk(room), kind)


@pytest.mark.parametrize("kind", ["parquet", "orc"])
def test_a_writer_that_is_given_up_writes_nothing_more(kind: str) -> None:
    disk = Disk()
    with pytest.raises(KeyError):
        write(disk, kind, give_up=True)
    disk.is_closed = True
    gc.collect()
    assert disk.late == []
