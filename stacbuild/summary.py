"""What a build knows about a whole dataset, for its collections.

Made by the engine from the items, in one pass in partition order; integer sums throughout, so
that the result does not depend on who added what first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SPLITS = ("train", "validate", "test")
"""The values of ``ml-aoi:split``, in the order that people list them."""


@dataclass(slots=True)
class BandSums:
    """Integer sums over the valid pixels of one band.

    Parameters
    ----------
    count : int
        Valid pixels.
    nodata : int
        Pixels that equal nodata.
    minimum, maximum : int
        Over the valid pixels; 0 where there are none.
    total, squares : int
        Sum of the values and of their squares (unbounded Python integers).
    """

    count: int = 0
    nodata: int = 0
    minimum: int = 0
    maximum: int = 0
    total: int = 0
    squares: int = 0

    def add(self, other: BandSums) -> None:
        """Add another band's sums to these."""
        if other.count:
            if self.count:
                self.minimum = min(self.minimum, other.minimum)
                self.maximum = max(self.maximum, other.maximum)
            else:
                self.minimum, self.maximum = other.minimum, other.maximum
        self.count += other.count
        self.nodata += other.nodata
        self.total += other.total
        self.squares += other.squares

    @property
    def mean(self) -> float:
        """Mean of the valid pixels; 0 where there are none."""
        return self.total / self.count if self.count else 0.0

    @property
    def stddev(self) -> float:
        """Population standard deviation of the valid pixels; 0 where there are none."""
        if not self.count:
            return 0.0
        # Exact in integers before the one division and root.
        return float(
            (max(self.count * self.squares - self.total**2, 0) / self.count**2) ** 0.5
        )


@dataclass(slots=True)
class CollectionSummary:
    """What the items of one collection have in common, and how many there are.

    Parameters
    ----------
    items : int
        Number of items.
    bbox : list of float or None
        West, south, east, north in degrees; None if no item has a geometry.
    start, end : str or None
        First and last instant, RFC 3339 in UTC.
    splits : dict of str to int
        Items per ``ml-aoi:split``; the key ``""`` counts items without split.
    values : dict of str to list
        Distinct values of the dataset's ``summary_fields``, sorted.
    classes : dict of str to dict of str to dict of str to int
        Counts by label property, split (``""``: none) and class name, from ``label:overviews``.
    objects, bytes : int
        Assets and items of the collection, as files.
    """

    items: int = 0
    bbox: list[float] | None = None
    start: str | None = None
    end: str | None = None
    splits: dict[str, int] = field(default_factory=dict)
    values: dict[str, list[Any]] = field(default_factory=dict)
    classes: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    objects: int = 0
    bytes: int = 0


@dataclass(slots=True)
class Summary:
    """What the dataset package's `collections` is given.

    Parameters
    ----------
    collections : dict of str to CollectionSummary
        By collection id.
    bands : dict of str to list of BandSums
        By split (``""``: samples without one), in the order of the dataset's ``band_names``.
    samples, rejected : int
        Samples converted, and rejected.
    partial : str or None
        Why the catalog is a part of the dataset (``--limit``, ``--only``), or None.
    """

    collections: dict[str, CollectionSummary] = field(default_factory=dict)
    bands: dict[str, list[BandSums]] = field(default_factory=dict)
    samples: int = 0
    rejected: int = 0
    partial: str | None = None
