"""Descriptions in Markdown: the texts in ``data/`` with their tables and figures filled in."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from stacbuild.summary import SPLITS, BandSums
from stactools.bigearthnet import constants as c

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stacbuild.summary import CollectionSummary, Summary

OFFICIAL: Final = {"train": "train", "validate": "val", "test": "test"}
"""``ml-aoi:split`` to the name of the publisher's list."""
LINEAGE: Final = {
    "imagery": (
        "Changed from BigEarthNet-S2 v1.0: single-band GeoTIFFs re-encoded without loss as three "
        "Cloud Optimized GeoTIFFs per patch, nodata tag added, picture and thumbnail added, JSON "
        "metadata carried over into STAC items."
    ),
    "labels": (
        "Changed from BigEarthNet-S2 v1.0: labels carried over from JSON into STAC items and "
        "GeoJSON, 19-class labels and 0/1 vectors derived, footprints made from the rasters."
    ),
}


@cache
def _template(name: str) -> str:
    return (c.DATA / name).read_text("utf-8").rstrip("\n")


def dataset() -> str:
    """Return the description of the dataset's catalog."""
    return _template("dataset.md")


def software_version() -> str:
    """Return the version of stacbuild, for the collections' provenance."""
    return version("stacbuild")


def imagery(summary: Summary, counted: CollectionSummary) -> str:
    """Return the description of the imagery collection."""
    return _template("imagery.md").format(
        extent_of_catalog=_extent(summary, counted),
        bytes_per_patch=_per_patch(summary),
        stretch=c.STRETCH_TEXT,
        bands_table=_bands_table(summary),
        splits_table=_rows(
            (
                f"`{OFFICIAL[split]}`",
                f"`{split}`",
                c.SPLIT_COUNTS[split],
                _here(counted, counted.splits.get(split, 0)),
            )
            for split in SPLITS
        ),
    )


def labels(summary: Summary, counted: CollectionSummary) -> str:
    """Return the description of the labels collection."""
    return _template("labels.md").format(
        extent_of_catalog=_extent(summary, counted),
        partial=" (this catalog is a part of the dataset)" if summary.partial else "",
        table_19=_table_19(counted),
        table_43=_table_43(counted),
    )


def patches(counted: CollectionSummary, nomenclature: str, name: str) -> dict[str, int]:
    """Return the patches of a class by split; ``none`` counts those without a split."""
    by_split = counted.classes.get(nomenclature, {})
    return {split or "none": by_split.get(split, {}).get(name, 0) for split in (*SPLITS, "")}


def total_sums(summary: Summary) -> list[BandSums]:
    """Return the sums of each band over all splits."""
    totals = [BandSums() for _ in c.BAND_NAMES]
    for split in sorted(summary.bands):
        for total, sums in zip(totals, summary.bands[split], strict=True):
            total.add(sums)
    return totals


def _extent(summary: Summary, counted: CollectionSummary) -> str:
    if not counted.items:
        return "This description is of the dataset as published."
    text = f"This catalog holds {counted.items:,} of them."
    if summary.partial:
        text = f"**A part of the dataset** ({summary.partial}). {text}"
    if summary.rejected:
        text += f" {summary.rejected:,} could not be used and are left out."
    return text


def _per_patch(summary: Summary) -> str:
    items = summary.samples or 1
    total = sum(each.bytes for each in summary.collections.values())
    return f", {total / items / 1000:.0f} kB together" if total else ""


def _bands_table(summary: Summary) -> str:
    train = summary.bands.get("train")
    lines = [
        "| Band | | Pixel | Centre, S2A / S2B | Mean, deviation: published | train, here |",
        "|---|---|---|---|---|---|",
    ]
    for index, each in enumerate(c.BANDS):
        (first, _), (second, _) = each.wavelengths.values()
        here = train[index] if train and train[index].count else None
        lines.append(
            f"| {each.name} | {each.title} | {each.resolution} m "
            f"| {first * 1000:.1f} / {second * 1000:.1f} nm "
            f"| {each.published_mean:.1f}, {each.published_std:.1f} "
            f"| {f'{here.mean:.1f}, {here.stddev:.1f}' if here else ''} |"
        )
    return "\n".join(lines)


def _table_19(counted: CollectionSummary) -> str:
    head = (
        "| Index | Class | Members (43) | Colour | Train | Validate | Test | No split "
        "| Published: train | validate | test |\n|---|---|---|---|---|---|---|---|---|---|---|\n"
    )
    return head + _rows(
        (
            str(index),
            name,
            ", ".join(map(str, c.FROM_19[index])),
            f"`{c.COLORS_19[index]}`",
            *(_here(counted, n) for n in patches(counted, "labels_19", name).values()),
            *(c.PUBLISHED_19[split][index] for split in SPLITS),
        )
        for index, name in enumerate(c.LABELS_19)
    )


def _table_43(counted: CollectionSummary) -> str:
    head = (
        "| Index | CORINE | Class | 19-class index | Colour | Here | Published: all | clean |\n"
        "|---|---|---|---|---|---|---|---|\n"
    )
    return head + _rows(
        (
            str(index),
            str(c.CLC_CODES[index]),
            name,
            "none" if (target := c.TO_19[index]) is None else str(target),
            f"`{c.COLORS_43[index]}`",
            _here(counted, sum(patches(counted, "labels_43", name).values())),
            *c.PUBLISHED_43[index],
        )
        for index, name in enumerate(c.LABELS_43)
    )


def _here(counted: CollectionSummary, count: int) -> int | str:
    """Return a count of what was built, or nothing where nothing was."""
    return count if counted.items else ""


def _rows(rows: Iterable[Sequence[str | int]]) -> str:
    return "\n".join(
        f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else cell for cell in row)} |"
        for row in rows
    )
