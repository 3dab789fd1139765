"""The leakage report: samples of different splits that show the same ground.

Many samples share one location (the same chip on several dates), so pairs are pairs of
locations, with the number of samples at each. Overlaps between splits are listed one by one;
locations that only share an edge are counted, not listed: neighbouring chips of a mosaic all
do, and a shared edge is no shared pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely

from stacbuild.index.geoparquet import ROW_GROUP, Extent, TableFile, Writer
from stacbuild.index.overlaps import Pairs, Sheet, between, joined, outlines, within
from stacbuild.summary import SPLITS

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

SIDES = ("left", "bottom", "right", "top")
COLUMNS = ("id", "split", "crs", *SIDES)
_PLACE = ["crs", *SIDES]

_SIDE = [
    ("crs", pa.string()),
    *((name, pa.float64()) for name in SIDES),
    ("split", pa.string()),
    ("samples", pa.int64()),
    ("items", pa.list_(pa.string())),
]
SCHEMA = pa.schema(
    [
        *(pa.field(f"{name}_a", kind) for name, kind in _SIDE),
        *(pa.field(f"{name}_b", kind) for name, kind in _SIDE),
        pa.field("overlap_area", pa.float64()),
        pa.field("overlap_share", pa.float64()),
        pa.field("sample_pairs", pa.int64()),
        pa.field("geometry", pa.binary()),
        pa.field(
            "bbox",
            pa.struct([(name, pa.float64()) for name in ("xmin", "ymin", "xmax", "ymax")]),
        ),
    ]
)
"""Columns of the pairs: location ``a`` (of the split that stands first in train, validate,
test) and ``b``: CRS, bounds in it, split, samples and their ids; the area that both cover in
square metres and as a share of the smaller one; pairs of samples; the common ground in
longitude and latitude."""


@dataclass(frozen=True, slots=True)
class LeakageReport:
    """What `leakage` found.

    Parameters
    ----------
    pairs : pyarrow.Table
        One row per pair of locations of different splits that overlap, in `SCHEMA`.
    summary : dict
        Counts, for JSON.
    """

    pairs: pa.Table
    summary: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Nodes:
    """Locations by split, ordered by CRS, bounds and split."""

    table: pd.DataFrame
    bounds: NDArray[np.float64]
    split: NDArray[np.int64]
    samples: NDArray[np.int64]
    location: NDArray[np.int64]
    splits: list[str]
    member: NDArray[np.int64]
    ids: pd.Series[str]


def leakage(frame: pd.DataFrame) -> LeakageReport:
    """Return the overlaps between splits.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per sample: ``id``, ``split`` (None: in no split, not looked at), ``crs`` (such as
        ``"EPSG:32633"``; None: no location) and ``left``, ``bottom``, ``right``, ``top`` in it,
        from ``proj:code`` and ``proj:bbox``. The order of rows does not matter.

    Raises
    ------
    StacbuildError
        If a CRS is unknown.
    """
    known = frame[frame["split"].notna()]
    placed = known.dropna(subset=_PLACE)
    nodes = _nodes(placed)
    listed: dict[str, list[Pairs]] = {"same": [], "other": []}
    inside = {"pairs": 0}
    touching: list[Pairs] = []
    sheets = []
    for code, rows in nodes.table.groupby("crs", sort=True, observed=True).indices.items():
        places = np.asarray(rows, np.int64)
        for found in within(str(code), nodes.bounds[places], places):
            apart = nodes.split[found.first] != nodes.split[found.second]
            overlap = found.area > 0
            inside["pairs"] += int((overlap & ~apart).sum())
            listed["same"].append(found.where(overlap & apart))
            touching.append(found.where(~overlap & apart))
        sheets.append(Sheet.of(str(code), nodes.bounds[places], places))
    for one, other in combinations(sheets, 2):
        found = between(one, other)
        apart = nodes.split[found.first] != nodes.split[found.second]
        listed["other"].append(found.where(apart))
    same, mixed, touch = joined(listed["same"]), joined(listed["other"]), joined(touching)
    summary = {
        "samples": len(known),
        "samples_without_location": len(known) - len(placed),
        "locations": int(nodes.location[-1]) + 1 if len(nodes.location) else 0,
        "locations_in_several_splits": _shared(nodes),
        "overlapping": _count(nodes, same),
        "overlapping_within_a_split": inside,
        "overlapping_between_crs": _count(nodes, mixed),
        "touching": _count(nodes, touch),
    }
    return LeakageReport(_table(nodes, joined([same, mixed])), summary)


def _nodes(frame: pd.DataFrame) -> _Nodes:
    present = set(frame["split"].unique())
    splits = [name for name in SPLITS if name in present] + sorted(present - set(SPLITS))
    rank = {name: place for place, name in enumerate(splits)}
    table = frame[_PLACE].assign(split=frame["split"].map(rank).astype(np.int64))
    groups = table.groupby([*_PLACE, "split"], sort=True, observed=True)
    member = np.asarray(groups.ngroup(), np.int64)
    nodes = groups.size().rename("samples").reset_index()
    fresh = (nodes[_PLACE] != nodes[_PLACE].shift()).any(axis=1).to_numpy()
    return _Nodes(
        table=nodes,
        bounds=nodes[list(SIDES)].to_numpy(np.float64),
        split=nodes["split"].to_numpy(np.int64),
        samples=nodes["samples"].to_numpy(np.int64),
        location=np.cumsum(fresh).astype(np.int64) - 1,
        splits=splits,
        member=member,
        ids=frame["id"],
    )


def _shared(nodes: _Nodes) -> int:
    """Return how many locations have samples in more than one split."""
    return int((np.bincount(nodes.location) > 1).sum()) if len(nodes.location) else 0


def _count(nodes: _Nodes, pairs: Pairs) -> dict[str, Any]:
    """Return pairs of locations, locations and samples that a set of pairs touches."""
    first = np.minimum(nodes.split[pairs.first], nodes.split[pairs.second])
    second = np.maximum(nodes.split[pairs.first], nodes.split[pairs.second])
    by_split = {}
    for one, other in combinations(range(len(nodes.splits)), 2):
        chosen = (first == one) & (second == other)
        if chosen.any():
            name = f"{nodes.splits[one]}/{nodes.splits[other]}"
            by_split[name] = _totals(nodes, pairs.where(chosen))
    return {**_totals(nodes, pairs), "by_split": by_split}


def _totals(nodes: _Nodes, pairs: Pairs) -> dict[str, int]:
    touched = np.unique(np.concatenate([pairs.first, pairs.second]))
    return {
        "pairs": len(pairs),
        "locations": len(np.unique(nodes.location[touched])),
        "samples": int(nodes.samples[touched].sum()),
        "sample_pairs": int((nodes.samples[pairs.first] * nodes.samples[pairs.second]).sum()),
    }


def _table(nodes: _Nodes, pairs: Pairs) -> pa.Table:
    swap = nodes.split[pairs.first] > nodes.split[pairs.second]
    one = np.where(swap, pairs.second, pairs.first)
    other = np.where(swap, pairs.first, pairs.second)
    order = np.lexsort([other, one])  # nodes are sorted by CRS, bounds and split already
    one, other = one[order], other[order]
    members = _members(nodes, np.unique(np.concatenate([one, other])))
    shapes = _common(nodes, one, other)
    columns: dict[str, Any] = {}
    for suffix, places in (("a", one), ("b", other)):
        rows = nodes.table.iloc[places]
        for name in ("crs", *SIDES):
            columns[f"{name}_{suffix}"] = rows[name].to_list()
        columns[f"split_{suffix}"] = [nodes.splits[place] for place in nodes.split[places]]
        columns[f"samples_{suffix}"] = nodes.samples[places]
        columns[f"items_{suffix}"] = [members[place] for place in places.tolist()]
    columns["overlap_area"] = pairs.area[order].round(3)
    columns["overlap_share"] = pairs.share[order].round(9)
    columns["sample_pairs"] = nodes.samples[one] * nodes.samples[other]
    columns["geometry"] = shapely.to_wkb(shapes, byte_order=1).tolist() if len(shapes) else []
    sides = shapely.bounds(shapes).reshape(-1, 4).T
    columns["bbox"] = pa.StructArray.from_arrays(
        [pa.array(side) for side in sides], fields=list(SCHEMA.field("bbox").type)
    )
    arrays = [pa.array(columns[f.name], f.type) for f in SCHEMA if f.name != "bbox"]
    return pa.Table.from_arrays([*arrays, columns["bbox"]], schema=SCHEMA)


def _members(nodes: _Nodes, wanted: NDArray[np.int64]) -> dict[int, list[str]]:
    """Return the sorted ids of the samples of some locations."""
    chosen = np.isin(nodes.member, wanted)
    members: dict[int, list[str]] = {}
    ids = nodes.ids.to_numpy(object)[chosen].tolist()
    for place, name in sorted(zip(nodes.member[chosen].tolist(), ids, strict=True)):
        members.setdefault(place, []).append(name)
    return members


def _common(nodes: _Nodes, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.object_]:
    """Return the ground that both of each pair cover, in longitude and latitude."""
    shapes = np.empty(len(one), object)
    crs = nodes.table["crs"].to_numpy(object)
    rings = [_outlines(nodes, crs, one), _outlines(nodes, crs, other)]
    apart = crs[one] != crs[other]
    shapes[apart] = shapely.intersection(rings[0][apart], rings[1][apart])
    lower = np.maximum(nodes.bounds[one, :2], nodes.bounds[other, :2])
    upper = np.minimum(nodes.bounds[one, 2:], nodes.bounds[other, 2:])
    bounds = np.column_stack([lower, upper])
    for code in np.unique(crs[one[~apart]].astype(str)):
        chosen = ~apart & (crs[one] == code)
        shapes[chosen] = shapely.polygons(outlines(str(code), bounds[chosen], 1))
    rounded = shapely.transform(shapes, lambda points: np.round(points, 7))
    found: NDArray[np.object_] = rounded
    return found


def _outlines(
    nodes: _Nodes, crs: NDArray[np.object_], places: NDArray[np.int64]
) -> NDArray[np.object_]:
    shapes = np.empty(len(places), object)
    for code in np.unique(crs[places].astype(str)):
        chosen = crs[places] == code
        shapes[chosen] = shapely.polygons(outlines(str(code), nodes.bounds[places[chosen]]))
    return shapes


def write_leakage(report: LeakageReport, path: Path) -> TableFile:
    """Write the pairs as GeoParquet; the file appears whole or not at all."""
    table = report.pairs.combine_chunks()
    extent = Extent()
    batches = table.to_batches(max_chunksize=ROW_GROUP)
    for batch in batches:
        extent.add(batch)
    with Writer(path, SCHEMA, {"geo": extent.metadata()}) as writer:
        for batch in batches:
            writer.write(batch)
    return writer.done()
