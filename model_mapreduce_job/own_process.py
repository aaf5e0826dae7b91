"""Ends copies of this process: a model's code may fork, and the copy must not continue as a second task."""

from __future__ import annotations

import os

# Taken before a model is loaded, whose code may replace it.
_exit = os._exit


def still_ourselves(pid: int, error: BaseException | None = None) -> None:
    """Return in the process of this id; end any other at once, without flushing or cleaning up.

    Call it after each call into a model's code, with the error that this raised: a forked copy ends with the
    code of its sys.exit(), with 1 if it raised anything else, and with 0 if it returned.
    """
    if os.getpid() != pid:
        _exit(_exit_code(error))


def _exit_code(error: BaseException | None) -> int:
    if error is None:
        return 0
    code = error.code if isinstance(error, SystemExit) else 1
    if code is None:
        return 0
    return code & 0xFF if isinstance(code, int) else 1
