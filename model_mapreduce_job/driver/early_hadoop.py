"""Hadoop's Java machine, started before the options are known: it takes as long to start as this process."""

from __future__ import annotations

import os
import shutil
from contextlib import closing, nullcontext, suppress
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from model_mapreduce_job.storage.java_server import JAR, JavaServer
from model_mapreduce_job.task.child_processes import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

# Where mrjob looks, before PATH
_HOMES: Final = ("HADOOP_PREFIX", "HADOOP_HOME", "HADOOP_INSTALL")
_OTHER_PROGRAM: Final = "--hadoop-b"  # --hadoop-bin, which may be cut short
_RUNNER: Final = frozenset({"-r", "--runner"})
_ON_HADOOP: Final = frozenset({"-rhadoop", "--runner=hadoop"})


def early_hadoop(arguments: Sequence[str]) -> AbstractContextManager[JavaServer | None]:
    """Return the Java machine for a run on Hadoop that a command line asks for; None for other runs.

    The with statement ends it, if nobody has before.
    """
    if is_on_hadoop(arguments) and JAR.exists() and (program := find_hadoop(os.environ)):
        with suppress(OSError):  # the run's first command will say so
            return closing(JavaServer([program], JAR, partial(die_with_parent, os.getpid())))
    return nullcontext()


def is_on_hadoop(arguments: Sequence[str]) -> bool:
    """Return whether a command line names the runner hadoop, and no other program than the usual one."""
    pairs = pairwise(arguments)
    named = any(option in _RUNNER and value == "hadoop" for option, value in pairs)
    other = any(argument.startswith(_OTHER_PROGRAM) for argument in arguments)
    return bool(named or _ON_HADOOP.intersection(arguments)) and not other


def find_hadoop(environment: Mapping[str, str]) -> str | None:
    """Return the `hadoop` that mrjob would find first; None when it would look further."""
    return next(filter(None, (shutil.which("hadoop", path=path) for path in _places(environment))), None)


def _places(environment: Mapping[str, str]) -> Iterator[str | None]:
    yield from (os.path.join(environment[home], "bin") for home in _HOMES if environment.get(home))  # noqa: PTH118 - as mrjob
    yield environment.get("PATH")
