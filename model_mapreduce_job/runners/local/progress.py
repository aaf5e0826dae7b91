"""How far a run is: a bar on a terminal, a line every 30 seconds elsewhere."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from model_mapreduce_job.printable import counted

if TYPE_CHECKING:
    from tqdm import tqdm

_LINE_SECONDS = 30.0


class Progress(Protocol):
    """What is shown of a run while it goes on."""

    def update(self, done: int, records: int, failed: int) -> None:
        """Show the bytes read, and the records predicted and failed, since the run began."""
        ...

    def close(self) -> None:
        """Remove the bar."""
        ...


class Silence:
    """Shows nothing."""

    def update(self, done: int, records: int, failed: int) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Remove nothing."""


class Lines:
    """Reports in a line every 30 seconds; total is the bytes of the input, 0 when that is not known."""

    def __init__(self, stream: TextIO, total: int, seconds: float = _LINE_SECONDS) -> None:
        self._stream = stream
        self._total = total
        self._every = seconds
        self._started = self._shown_at = monotonic()

    def update(self, done: int, records: int, failed: int) -> None:
        """Write a line when it's time for one."""
        now = monotonic()
        if now - self._shown_at < self._every:
            return
        self._shown_at = now
        rate = records / (now - self._started)
        share = f"{done / self._total:.0%}, " if self._total else ""
        left = (
            f", {(self._total - done) * (now - self._started) / done:,.0f} s left"
            if self._total and done
            else ""
        )
        self._stream.write(
            f"{share}{counted(records, 'record')}, {failed:,} failed, {rate:,.0f} records/s{left}\n"
        )
        self._stream.flush()

    def close(self) -> None:
        """Take nothing away: lines stay."""


class Bar:
    """Shows a bar of bytes, with records a second, failures and the time left."""

    def __init__(self, stream: TextIO, total: int) -> None:
        self._started = monotonic()
        self._bar: tqdm[Any] = _make_bar(stream, total)

    def update(self, done: int, records: int, failed: int) -> None:
        """Redraw the bar."""
        rate = records / max(monotonic() - self._started, 1e-9)
        self._bar.set_postfix_str(f"{rate:,.0f} records/s, {failed:,} failed", refresh=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()


def make_progress(stream: TextIO, total: int, *, quiet: bool) -> Progress:
    """Return what reports a run's progress as it suits the stream."""
    if quiet:
        return Silence()
    return Bar(stream, total) if stream.isatty() else Lines(stream, total)


def _make_bar(stream: TextIO, total: int) -> tqdm[Any]:
    from tqdm import tqdm  # noqa: PLC0415 - only a terminal needs it

    tqdm.monitor_interval = 0  # its thread would be in the way of forking workers
    return tqdm(total=total or None, unit="B", unit_scale=True, unit_divisor=1024, file=stream, leave=False)
