"""What a validation found, and how many things it looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning"]

MESSAGE_LIMIT = 400
"""Characters of a message that are kept: an error of a schema may quote half the item."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is not as it should be.

    Parameters
    ----------
    severity : {"error", "warning"}
        Whether the catalog is wrong, or only not as good as it could be.
    kind : str
        A short, stable slug such as ``"link-title"``, for filters and counts.
    file : str
        The file it is about, relative to the catalog's folder, with ``/``.
    message : str
        What is wrong, for people.
    """

    severity: Severity
    kind: str
    file: str
    message: str

    def to_dict(self) -> dict[str, str]:
        """Return the finding as a JSON object."""
        return {
            "severity": self.severity,
            "kind": self.kind,
            "file": self.file,
            "message": self.message,
        }


def error(kind: str, file: str, message: str) -> Finding:
    """Return a finding of severity error."""
    return Finding("error", kind, file, message[:MESSAGE_LIMIT])


def warning(kind: str, file: str, message: str) -> Finding:
    """Return a finding of severity warning."""
    return Finding("warning", kind, file, message[:MESSAGE_LIMIT])


KEPT_PER_KIND = 1_000
"""Findings of one kind that are kept whole; the others are counted."""


@dataclass(slots=True)
class Findings:
    """Findings in bounded memory: all are counted, the first of each kind are kept."""

    kept: list[Finding] = field(default_factory=list)
    counts: dict[tuple[Severity, str], int] = field(default_factory=dict)

    def add(self, found: list[Finding]) -> None:
        """Add findings."""
        for one in found:
            key = (one.severity, one.kind)
            count = self.counts.get(key, 0)
            self.counts[key] = count + 1
            if count < KEPT_PER_KIND:
                self.kept.append(one)

    def total(self, severity: Severity) -> int:
        """Return how many findings of a severity there are, kept or not."""
        return sum(count for (of, _), count in self.counts.items() if of == severity)


@dataclass(slots=True)
class Counters:
    """How much was looked at.

    Parameters
    ----------
    catalogs, collections, items, assets : int
        Objects reached from the root.
    files, bytes : int
        Files that were hashed, and their bytes.
    cogs, decoded : int
        COGs whose layout was parsed, and whose pixels were decoded too.
    rows : int
        Rows of items.parquet compared with their items.
    links, external : int
        Links resolved inside the catalog, and links that lead elsewhere (not followed).
    pixels : int
        Pixel values compared with the raw data.
    """

    catalogs: int = 0
    collections: int = 0
    items: int = 0
    assets: int = 0
    files: int = 0
    bytes: int = 0
    cogs: int = 0
    decoded: int = 0
    rows: int = 0
    links: int = 0
    external: int = 0
    pixels: int = 0

    def add(self, other: Counters) -> None:
        """Add another count to this one."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def to_dict(self) -> dict[str, int]:
        """Return the counts as a JSON object."""
        return {name: getattr(self, name) for name in self.__slots__}
