"""A rehearsal in a process that can be lost, so that no record of the sample can end the plan."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pipe
from typing import TYPE_CHECKING, Any

from model_mapreduce_job.child_processes import ForkedProcess, die_with_parent, how_it_ended, wait_or_kill
from model_mapreduce_job.exceptions import IncompleteRunError, ModelMapReduceError
from model_mapreduce_job.plan.rehearsal import Rehearsal, rehearse

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection

    from model_mapreduce_job.lines import Block

PATIENCE_SECONDS = 120.0
_GRACE_SECONDS = 5.0


class LostError(Exception):
    """Raised when the process ended with the sample unfinished; its message says how."""


@dataclass(frozen=True)
class Trial:
    """A rehearsal; lost says how the process of a first one ended, when a record ended it."""

    rehearsal: Rehearsal
    lost: str = ""


def try_out(options: Namespace, blocks: Sequence[Block], patience: float = PATIENCE_SECONDS) -> Trial:
    """Return what came of predicting a sample; isolated, as a run would go on, when that ends the process.

    patience is how many seconds a batch may take. Raises IncompleteRunError when one takes longer, or when a
    record ends the process and --isolate never forbids another; else what a task raises.
    """
    try:
        return Trial(_rehearse_apart(options, blocks, 0, patience))
    except LostError as lost:
        if options.isolate != "auto":
            raise IncompleteRunError(
                f"The sample's process ended ({lost}), and so would the run's. --isolate auto makes the "
                "record that does it a failure."
            ) from None
        try:
            return Trial(_rehearse_apart(options, blocks, 1, patience), str(lost))
        except LostError as again:
            raise IncompleteRunError(f"The sample can't be predicted: its process ended ({again}).") from None


def _rehearse_apart(options: Namespace, blocks: Sequence[Block], attempt: int, patience: float) -> Rehearsal:
    receiver, sender = Pipe(duplex=False)
    process = _fork(partial(_live, sender, options, blocks, attempt))
    sender.close()
    grace = 0.0
    try:
        answer = _answer(receiver, patience)
        grace = _GRACE_SECONDS
    except (EOFError, OSError):  # between messages, or in the middle of one
        raise LostError(how_it_ended(wait_or_kill(process, _GRACE_SECONDS))) from None
    finally:
        wait_or_kill(process, grace)
        receiver.close()
    return answer


def _answer(receiver: Connection, patience: float) -> Rehearsal:
    answer: Any = receiver.recv()  # loading the model takes what it takes
    while answer is None:
        if not receiver.poll(patience):
            raise IncompleteRunError(
                f"No batch of the sample was predicted within {patience:g} s. --predict_timeout makes a "
                "record that hangs a failure; --batch_size 1 suits a model that is as slow as that."
            )
        answer = receiver.recv()
    if isinstance(answer, ModelMapReduceError):
        raise answer
    rehearsal: Rehearsal = answer
    return rehearsal


def _live(sender: Connection, options: Namespace, blocks: Sequence[Block], attempt: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent as well, which ends this process
    os.dup2(2, 1)  # what a model prints is no part of the plan
    try:
        sender.send(rehearse(options, blocks, attempt, lambda: sender.send(None)))
    except ModelMapReduceError as error:
        sender.send(error)


def _fork(work: Callable[[], None]) -> ForkedProcess:
    """Start a copy of this process that does some work, and ends."""
    sys.stdout.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return ForkedProcess(pid)
    code = 1
    try:
        die_with_parent(parent)
        work()
        code = 0
    except BaseException:  # noqa: BLE001 - a forked child must never run on into its parent's code
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)
