"""Counts over items, for summaries: which values, how many, from where to where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stacbuild.raster.statistics import merged
from stacbuild.summary import CollectionSummary, Summary

if TYPE_CHECKING:
    from stacbuild.dataset import Dataset, Item
    from stacbuild.engine.tasks import Row

# Beyond this a list of values says less than a range would, and the collection grows.
MOST_VALUES = 1000


def tally(dataset: Dataset, items: list[Item], into: Summary) -> None:
    """Count one sample and its items into a summary.

    Parameters
    ----------
    dataset : Dataset
        Names the properties whose values are listed.
    items : list of dict
        Its items; the first one is the imagery item.
    into : Summary
        Counts so far.
    """
    into.samples += 1
    for item in items:
        _tally_item(dataset, item, into.collections[item["collection"]])


def tally_bands(samples: list[tuple[Row, list[Item]]], into: Summary) -> None:
    """Add the band sums in the facts of samples to a summary, by split."""
    by_split: dict[str, list[list[dict[str, int]]]] = {}
    for row, items in samples:
        sums = row["facts"].get("band_sums")
        if sums:
            by_split.setdefault(items[0]["properties"].get("ml-aoi:split", ""), []).append(sums)
    for split, rows in by_split.items():
        into.add(Summary(bands={split: merged(rows)}))


def _tally_item(dataset: Dataset, item: Item, into: CollectionSummary) -> None:
    properties = item["properties"]
    into.items += 1
    split = properties.get("ml-aoi:split", "")
    into.splits[split] = into.splits.get(split, 0) + 1
    bbox = item.get("bbox")
    if bbox is not None:
        if into.bbox is None:
            into.bbox = list(bbox)
        else:
            west, south, east, north = into.bbox
            into.bbox = [
                min(west, bbox[0]),
                min(south, bbox[1]),
                max(east, bbox[2]),
                max(north, bbox[3]),
            ]
    start = properties.get("datetime") or properties["start_datetime"]
    end = properties.get("datetime") or properties["end_datetime"]
    if into.start is None or start < into.start:
        into.start = start
    if into.end is None or end > into.end:
        into.end = end
    _tally_values(dataset, properties, into)
    for overview in properties.get("label:overviews", ()):
        counts = into.classes.setdefault(overview["property_key"], {}).setdefault(split, {})
        for count in overview.get("counts", ()):
            counts[count["name"]] = counts.get(count["name"], 0) + count["count"]


def _tally_values(dataset: Dataset, properties: Item, into: CollectionSummary) -> None:
    for name in dataset.summary_fields:
        if name in properties:
            values = into.values.setdefault(name, [])
            value = properties[name]
            for one in value if isinstance(value, list) else (value,):
                if one is not None and one not in values and len(values) < MOST_VALUES:
                    values.append(one)


def empty(dataset: Dataset) -> Summary:
    """Return a summary of nothing."""
    return Summary(collections={name: CollectionSummary() for name in dataset.collection_ids})
