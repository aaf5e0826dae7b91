"""Which process this is: a model's code may fork, and its copy of this process must never go on as a twin."""

from __future__ import annotations

import os

# As it is before a model is loaded, whose code may put another in its place.
_exit = os._exit


def still_ourselves(pid: int, error: BaseException | None = None) -> None:
    """Return in the process of this id; end any other at once, without flushing or cleaning up.

    Call it after each call into a model's code, with what that raised: a forked copy that leaves by
    sys.exit() ends with the code that it asked for, one that raised anything else with 1, one that came back
    as if it were this process with 0.
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
