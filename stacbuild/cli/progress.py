"""Progress of long work: bars on a terminal, a plain line now and then elsewhere.

Both write to stderr; stdout is for results.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from stacbuild.engine.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import TaskID

    from stacbuild.engine.progress import Progress

INTERVAL = 5.0
"""Seconds between two plain lines."""


@contextmanager
def progress(*, quiet: bool) -> Iterator[Progress]:
    """Show the progress of a run on stderr; the terminal is left as it was, whatever happens."""
    if quiet:
        yield Silent()
    elif sys.stderr.isatty():
        bars = Bars()
        try:
            yield bars
        finally:
            bars.close()
    else:
        yield Lines(sys.stderr)


class Lines:
    """Plain lines without carriage returns, for logs.

    Parameters
    ----------
    stream : text file
        Where the lines go.
    interval : float
        Seconds between two lines of a stage.
    """

    def __init__(self, stream: TextIO, interval: float = INTERVAL) -> None:
        self._stream = stream
        self._interval = interval
        self._stage = ""
        self._total: int | None = None
        self._done = 0
        self._rejects = 0
        self._began = self._said = 0.0

    def start(self, stage: str, total: int | None) -> None:
        """Begin a stage."""
        self._stage, self._total, self._done, self._rejects = stage, total, 0, 0
        self._began = self._said = time.monotonic()

    def advance(self, count: int = 1) -> None:
        """Count samples as done; write a line if the last one is old."""
        self._done += count
        now = time.monotonic()
        if now - self._said < self._interval:
            return
        self._said = now
        rate = self._done / (now - self._began)
        text = f"{self._stage}: {self._done:,}"
        if self._total:
            text += f" of {self._total:,} ({self._done / self._total:.0%})"
        text += f", {rate:,.0f} a second"
        if self._total and rate:
            text += f", {seconds((self._total - self._done) / rate)} left"
        self.note(text + self._rejected())

    def finish(self) -> None:
        """End the stage with a line of its own."""
        spent = seconds(time.monotonic() - self._began)
        done = f"{self._done:,} in " if self._done else ""
        self.note(f"{self._stage}: {done}{spent}{self._rejected()}")

    def note(self, text: str) -> None:
        """Write a line."""
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def reject(self, sample: str, kind: str, reason: str) -> None:
        """Count a reject; the first is shown at once, all are in the report."""
        if not self._rejects:
            self.note(f"rejected {sample}: {kind}: {reason}")
        self._rejects += 1

    def _rejected(self) -> str:
        return f", {self._rejects:,} rejected" if self._rejects else ""


class Bars:
    """A bar a stage, drawn by rich on stderr."""

    def __init__(self) -> None:
        # Only here: a log needs no rich, and start-up neither.
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import (  # noqa: PLC0415
            BarColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._bars = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[count]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[rejected]}", style="yellow"),
            console=Console(stderr=True, highlight=False),
        )
        self._task: TaskID | None = None
        self._total: int | None = None
        self._done = self._rejects = 0

    def close(self) -> None:
        """Leave the terminal as it was; the bars stay as they are."""
        self._bars.stop()

    def start(self, stage: str, total: int | None) -> None:
        """Begin a stage with a bar of its own."""
        self._total, self._done, self._rejects = total, 0, 0
        self._task = self._bars.add_task(stage, total=total, count="", rejected="")
        self._bars.start()

    def advance(self, count: int = 1) -> None:
        """Lengthen the bar."""
        if self._task is None:
            return
        self._done += count
        of = f"/{self._total:,}" if self._total else ""
        self._bars.update(self._task, advance=count, count=f"{self._done:,}{of}")

    def finish(self) -> None:
        """End the stage; its bar stays on the screen."""
        if self._task is not None:
            # A bar of nothing at all, such as a quick scan, is full as well.
            self._bars.update(self._task, total=self._done or 1, completed=self._done or 1)

    def note(self, text: str) -> None:
        """Show a line above the bars."""
        self._bars.console.print(text, markup=False, soft_wrap=True)

    def reject(self, sample: str, kind: str, reason: str) -> None:
        """Count a reject beside the bar; the first is shown at once, all are in the report."""
        if not self._rejects:
            self.note(f"rejected {sample}: {kind}: {reason}")
        self._rejects += 1
        if self._task is not None:
            self._bars.update(self._task, rejected=f"{self._rejects:,} rejected")


def seconds(value: float) -> str:
    """Return a duration for people: ``0.4 s``, ``12 s``, ``3 min 20 s``, ``5 h 12 min``."""
    if value < 0.05:  # noqa: PLR2004 - what one decimal can show
        return "less than 0.1 s"
    if value < 9.95:  # noqa: PLR2004 - one decimal below ten
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:  # noqa: PLR2004 - seconds in a minute
        return f"{whole} s"
    if whole < 3600:  # noqa: PLR2004 - seconds in an hour
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
