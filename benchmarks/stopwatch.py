"""CPU time by part of a loop: what the baselines print about themselves."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Stopwatch:
    """Adds up the CPU time of this process by part.

    Reading the clock costs about a microsecond, against parts of a tenth of a millisecond and up.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Add the CPU time of a block to a part."""
        start = time.process_time()
        try:
            yield
        finally:
            spent = time.process_time() - start
            self.seconds[part] = self.seconds.get(part, 0.0) + spent

    def report(self, samples: int) -> str:
        """Return one line of JSON: samples, and milliseconds of CPU a sample by part."""
        parts = {part: 1000 * spent / samples for part, spent in self.seconds.items()}
        return json.dumps({"samples": samples, "parts_ms": parts})
