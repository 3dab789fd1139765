"""What a long run tells about itself while it goes on."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the stages of a run; the command line draws them."""

    def start(self, stage: str, total: int | None) -> None:
        """Begin a stage of ``total`` samples (None where the number is not known)."""

    def advance(self, count: int = 1) -> None:
        """Count ``count`` more samples as done."""

    def finish(self) -> None:
        """End the stage."""

    def note(self, text: str) -> None:
        """Show a line of its own."""

    def reject(self, sample: str, kind: str, reason: str) -> None:
        """Show that a sample is rejected."""


class Silent:
    """Shows nothing."""

    def start(self, stage: str, total: int | None) -> None:
        """Ignore the stage."""

    def advance(self, count: int = 1) -> None:
        """Ignore the count."""

    def finish(self) -> None:
        """Ignore the end."""

    def note(self, text: str) -> None:
        """Ignore the line."""

    def reject(self, sample: str, kind: str, reason: str) -> None:
        """Ignore the reject."""
