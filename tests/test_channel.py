"""Messages over a channel."""

from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from model_mapreduce_job.exceptions import InputError, ModelMapReduceError
from model_mapreduce_job.pipeline.counters import Counters
from model_mapreduce_job.pipeline.task_report import TaskReport
from model_mapreduce_job.storage.parts import PartRecord
from model_mapreduce_job.task.channel import Channel, EndOfChannel, ForeignBytesError
from model_mapreduce_job.task.messages import (
    Begin,
    Done,
    Message,
    Predict,
    Progress,
    Refused,
    raise_refused,
    refused,
)
from model_mapreduce_job.task.model_output import ModelOutput
from model_mapreduce_job.task.task_options import TaskOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

REPORT = TaskReport(Counters(fingerprint=1 << 130, reasons={"E": 1}))
MESSAGES: list[tuple[Message, bytes]] = [
    (Begin(TaskOptions(columns="ü,\ud800")), b""),
    (Done(PartRecord(1, "d", REPORT, (("in", 0, 1),))), b""),
    (Predict(alone=True), b"\0\n\xff" * 10),
]


@pytest.fixture
def ends() -> Iterator[tuple[Channel, socket.socket]]:
    mine, other = socket.socketpair()
    yield Channel(mine), other
    mine.close()
    other.close()


def test_messages_and_bodies_arrive_as_they_were_sent(ends: tuple[Channel, socket.socket]) -> None:
    receiver, other = ends
    sender = Channel(other)
    for message, body in MESSAGES:
        sender.send(message, body)
    assert [receiver.receive() for _ in MESSAGES] == MESSAGES
    assert receiver.receive(0) is None


def test_those_that_are_here_are_received_without_waiting(ends: tuple[Channel, socket.socket]) -> None:
    receiver, other = ends
    assert receiver.receive_available() == []
    sender = Channel(other)
    for message, body in MESSAGES:
        sender.send(message, body)
    sender.close()
    assert receiver.receive_available() == MESSAGES
    with pytest.raises(EndOfChannel):
        receiver.receive_available()


def test_a_message_that_came_with_another_is_not_waited_for(ends: tuple[Channel, socket.socket]) -> None:
    """Also by a process that is listened to meanwhile."""
    receiver, other = ends
    sender = Channel(other)
    for _ in range(3):
        sender.send(Progress())
    model_output = ModelOutput()
    assert [model_output.while_waiting(receiver, 0.05) for _ in range(4)] == [*[(Progress(), b"")] * 3, None]
    model_output.close_write_end()
    model_output.finish()


def test_a_message_may_be_larger_than_a_socket_holds(ends: tuple[Channel, socket.socket]) -> None:
    receiver, other = ends
    body = os.urandom(5_000_000)
    sender = threading.Thread(target=Channel(other).send, args=(Predict(), body))
    sender.start()
    assert receiver.receive() == (Predict(), body)
    sender.join()


def test_a_channel_that_ends_anywhere_in_a_message_has_ended(ends: tuple[Channel, socket.socket]) -> None:
    """A sender that is killed leaves half a message."""
    receiver, other = ends
    Channel(other).send(Progress(1), b"body")
    whole = receiver._socket.recv(1000)
    for length in range(len(whole)):
        reading, writing = socket.socketpair()
        writing.sendall(whole[:length])
        writing.close()
        with pytest.raises(EndOfChannel):
            Channel(reading).receive()
        reading.close()


@pytest.mark.parametrize(
    "foreign",
    [
        b"hello from a library that prints\n",
        b"\x8aMMJ" + b"\xff" * 12,
        b"\x8aMMJ" + bytes(3) + b"\x02" + bytes(8) + b"{}",
    ],
)
def test_what_is_no_message_is_noticed(ends: tuple[Channel, socket.socket], foreign: bytes) -> None:
    """Stray bytes hold nobody up, whatever length they seem to announce."""
    receiver, other = ends
    other.sendall(foreign)
    with pytest.raises(ForeignBytesError):
        receiver.receive(5)


def test_a_side_that_does_not_read_is_given_up_after_a_while() -> None:
    mine, other = socket.socketpair()
    with mine, other, pytest.raises(EndOfChannel):
        Channel(mine, patience=0.05).send(Predict(), bytes(10_000_000))


def test_a_copy_of_the_process_has_no_say(ends: tuple[Channel, socket.socket]) -> None:
    """A model may fork, and the copy return into the job's own code."""
    receiver, other = ends
    sender = Channel(other)
    pid = os.fork()
    if pid == 0:
        sender.send(Progress(7))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    assert receiver.receive(0) is None


def test_an_error_of_this_package_is_raised_as_itself() -> None:
    with pytest.raises(InputError, match=r"^no such file$"):
        raise_refused(refused(InputError("no such file")))


def test_one_of_a_users_own_is_raised_as_its_base_here() -> None:
    class OwnError(InputError):
        """A subclass that the other side need not have."""

    assert refused(OwnError("own")) == Refused("InputError", "own")
    with pytest.raises(ModelMapReduceError):
        raise_refused(Refused("NotHereError", "x"))
