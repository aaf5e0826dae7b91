"""The signals that end a run, and the line that says which one did."""

from __future__ import annotations

import signal

TYPE_CHECKING = False  # this comes before all other imports of a run, which a signal may end
if TYPE_CHECKING:
    from typing import Final

# Ctrl-C, an operator's kill, and a terminal or connection that has gone away
ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What a shell's exit code adds to a signal's number.
SIGNAL_CODES: Final = 128


def stopped_by(number: int) -> str:
    """Return the line for a run that a signal has ended."""
    name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
    return f"Stopped by {name}."
