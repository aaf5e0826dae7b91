"""What reads bytes that anybody may have written ends with an answer or with an error of its own."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import socket
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.storage.compression import decompressed, whole_or_error
from model_mapreduce_job.task.channel import Channel, EndOfChannel, ForeignBytesError
from model_mapreduce_job.task.messages import Progress
from model_mapreduce_job.task.task_options import TaskOptions

COMPRESS = {"in.gz": gzip.compress, "in.bz2": bz2.compress, "in.xz": lzma.compress}


def frame() -> bytes:
    mine, other = socket.socketpair()
    with mine, other:
        Channel(mine).send(Progress(1), b"body")
        return other.recv(1000)


@given(st.binary(max_size=200) | st.binary(max_size=30).map(lambda data: frame() + data))
@settings(deadline=None)
def test_foreign_bytes_in_a_channel_are_an_error_or_its_end(data: bytes) -> None:
    mine, other = socket.socketpair()
    with mine, other:
        other.sendall(data)
        other.close()
        with suppress(EndOfChannel, ForeignBytesError):
            while True:
                Channel(mine).receive(0)


@given(st.binary(max_size=100) | st.text('{}[]":,model_x1\\').map(str.encode))
@settings(deadline=None)
def test_an_options_file_holds_options_or_is_an_input_error(data: bytes) -> None:
    with suppress(InputError, ValueError):  # the reader of the file makes one of the other
        assert isinstance(TaskOptions.from_json(data), TaskOptions)


@given(st.sampled_from(sorted(COMPRESS)), st.binary(max_size=60), st.integers(0, 80), st.binary(max_size=3))
@settings(deadline=None)
def test_a_damaged_file_gives_what_was_compressed_or_an_error(
    name: str, content: bytes, place: int, damage: bytes
) -> None:
    """Whatever stands at whichever place of it; a header's own fields may differ and harm nothing."""
    whole = COMPRESS[name](content)
    damaged = whole[:place] + damage + whole[place + len(damage) :]
    with suppress(InputError), whole_or_error(name):
        assert decompressed(name, io.BytesIO(damaged)).read() in {content, b"" if not damaged else content}
