"""What a build knows about a whole dataset, for its collections.

Made by the engine from the items, in one pass in partition order; integer sums throughout, so
that the result does not depend on who added what first.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Self, TypeVar

Value = TypeVar("Value")

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
        return float((max(self.count * self.squares - self.total**2, 0) / self.count**2) ** 0.5)


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

    def add(self, other: CollectionSummary) -> None:
        """Add the summary of other items of the same collection."""
        self.items += other.items
        self.objects += other.objects
        self.bytes += other.bytes
        if other.bbox is not None:
            self.bbox = other.bbox if self.bbox is None else _union(self.bbox, other.bbox)
        self.start = min(filter(None, (self.start, other.start)), default=None)
        self.end = max(filter(None, (self.end, other.end)), default=None)
        add_counts(self.splits, other.splits)
        for name, values in other.values.items():
            merged = {*self.values.get(name, ()), *values}
            self.values[name] = sorted(merged)
        for label, by_split in other.classes.items():
            for split, counts in by_split.items():
                add_counts(self.classes.setdefault(label, {}).setdefault(split, {}), counts)


def by_split(values: dict[str, Value]) -> dict[str, Value]:
    """Return values in the order of the splits; last, under ``""``, what has none."""
    return {split: values[split] for split in (*SPLITS, "") if split in values}


def add_counts(counts: dict[str, int], more: dict[str, int]) -> None:
    """Add counts to counts, by name."""
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count


def _union(one: list[float], two: list[float]) -> list[float]:
    return [
        min(one[0], two[0]),
        min(one[1], two[1]),
        max(one[2], two[2]),
        max(one[3], two[3]),
    ]


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
    leakage : dict
        Figures of the leakage report (see `stacbuild.index.leakage`).
    """

    collections: dict[str, CollectionSummary] = field(default_factory=dict)
    bands: dict[str, list[BandSums]] = field(default_factory=dict)
    samples: int = 0
    rejected: int = 0
    partial: str | None = None
    leakage: dict[str, Any] = field(default_factory=dict)

    def add(self, other: Summary) -> None:
        """Add the summary of other samples of the same dataset."""
        self.samples += other.samples
        self.rejected += other.rejected
        for name, collection in other.collections.items():
            self.collections.setdefault(name, CollectionSummary()).add(collection)
        for split, bands in other.bands.items():
            mine = self.bands.setdefault(split, [BandSums() for _ in bands])
            for one, two in zip(mine, bands, strict=True):
                one.add(two)

    def settle(self) -> None:
        """Put everything into an order that does not tell who was added first."""
        self.bands = by_split(self.bands)
        for one in self.collections.values():
            one.splits = by_split(one.splits)
            one.values = dict(sorted(one.values.items()))
            one.classes = {
                label: {
                    split: dict(sorted(counts.items())) for split, counts in by_split(found).items()
                }
                for label, found in sorted(one.classes.items())
            }

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as JSON values, in a fixed order."""
        return {
            "samples": self.samples,
            "rejected": self.rejected,
            "partial": self.partial,
            "collections": {name: asdict(one) for name, one in self.collections.items()},
            "bands": {
                split: [[str(getattr(band, name)) for name in BandSums.__slots__] for band in bands]
                for split, bands in self.bands.items()
            },
            "leakage": self.leakage,
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Self:
        """Return the summary that `to_dict` made these values from."""
        return cls(
            collections={
                name: CollectionSummary(**one) for name, one in value["collections"].items()
            },
            bands={
                split: [BandSums(*map(int, band)) for band in bands]
                for split, bands in value["bands"].items()
            },
            samples=value["samples"],
            rejected=value["rejected"],
            partial=value["partial"],
            leakage=value["leakage"],
        )
