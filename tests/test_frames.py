"""Messages over a pipe."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from model_mapreduce_job.exceptions import InputError, ModelMapReduceError
from model_mapreduce_job.frames import EndOfFrames, describe_error, raise_described, receive, send

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    out, in_ = os.pipe()
    yield out, in_
    for end in (out, in_):
        os.close(end)


def test_header_and_body_arrive_as_they_were_sent(pipe: tuple[int, int]) -> None:
    out, in_ = pipe
    for header, body in (({"a": [1, None]}, b"\0\n\xff"), ({}, b""), ({"ü": "\ud800"}, b"x")):
        send(in_, header, body)
        assert receive(out) == (header, body)


def test_a_message_may_be_larger_than_a_pipe(pipe: tuple[int, int]) -> None:
    out, in_ = pipe
    body = os.urandom(5_000_000)
    sender = threading.Thread(target=send, args=(in_, {"n": 1}, body))
    sender.start()
    assert receive(out) == ({"n": 1}, body)
    sender.join()


def test_a_pipe_that_ends_anywhere_in_a_message_has_ended(pipe: tuple[int, int]) -> None:
    """A sender that is killed leaves half a message."""
    out, in_ = pipe
    send(in_, {"a": 1}, b"body")
    whole = os.read(out, 1000)
    for length in range(len(whole)):
        reading, writing = os.pipe()
        os.write(writing, whole[:length])
        os.close(writing)
        with pytest.raises(EndOfFrames):
            receive(reading)
        os.close(reading)


def test_an_error_of_this_package_is_raised_as_itself() -> None:
    with pytest.raises(InputError, match=r"^no such file$"):
        raise_described(describe_error(InputError("no such file")))


def test_one_of_a_users_own_is_raised_as_its_base_here() -> None:
    class OwnError(InputError):
        """A subclass that the other side need not have."""

    assert describe_error(OwnError("own")) == ["InputError", "own"]


def test_others_are_raised_with_their_names() -> None:
    with pytest.raises(RuntimeError, match=r"^KeyError: 'a'$"):
        raise_described(describe_error(KeyError("a")))
    with pytest.raises(ModelMapReduceError):
        raise_described(["ModelMapReduceError", ""])
