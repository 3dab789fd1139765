from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyproj import Transformer

from stacbuild.errors import StacbuildError
from stacbuild.index.leakage import COLUMNS, SCHEMA, leakage, write_leakage

UTM33, UTM34 = "EPSG:32633", "EPSG:32634"


def frame(*rows: tuple[str, str | None, str | None, float, float, float]) -> pd.DataFrame:
    """Squares: id, split, crs, left, bottom, side."""
    full = [(i, s, c, x, y, x + side, y + side) for i, s, c, x, y, side in rows]
    return pd.DataFrame(full, columns=list(COLUMNS))


def test_overlap_in_one_crs() -> None:
    report = leakage(
        frame(
            ("b", "test", UTM33, 500_600, 5_000_300, 1200),
            ("a", "train", UTM33, 500_000, 5_000_000, 1200),
            ("a2", "train", UTM33, 500_000, 5_000_000, 1200),
            ("far", "test", UTM33, 600_000, 5_000_000, 1200),
            ("same", "train", UTM33, 500_100, 5_000_000, 1200),
        )
    )
    rows = report.pairs.to_pylist()
    first = rows[0]
    assert [(r["items_a"], r["items_b"]) for r in rows] == [(["a", "a2"], ["b"]), (["same"], ["b"])]
    assert (first["split_a"], first["split_b"]) == ("train", "test")
    assert first["overlap_area"] == 600 * 900
    assert first["overlap_share"] == 600 * 900 / 1200**2
    assert (first["samples_a"], first["samples_b"], first["sample_pairs"]) == (2, 1, 2)
    assert (first["left_a"], first["top_b"]) == (500_000, 5_001_500)
    summary = report.summary
    assert summary["samples"] == 5
    assert summary["locations"] == 4
    assert summary["overlapping"] == {
        "pairs": 2,
        "locations": 3,
        "samples": 4,
        "sample_pairs": 3,
        "by_split": {"train/test": {"pairs": 2, "locations": 3, "samples": 4, "sample_pairs": 3}},
    }
    assert summary["overlapping_within_a_split"] == {"pairs": 1}
    assert summary["touching"]["pairs"] == 0


def test_shared_edges_are_counted_and_corners_are_not() -> None:
    report = leakage(
        frame(
            ("a", "train", UTM33, 0, 0, 10),
            ("right", "test", UTM33, 10, 0, 10),
            ("corner", "test", UTM33, -10, -10, 10),
            ("below", "validate", UTM33, 5, -10, 10),
        )
    )
    assert report.pairs.num_rows == 0
    by_split = report.summary["touching"]["by_split"]
    assert {name: totals["pairs"] for name, totals in by_split.items()} == {
        "train/test": 1,
        "train/validate": 1,
        "validate/test": 1,  # below and right: half an edge
    }


def test_rounding_of_edges_is_not_overlap() -> None:
    side = 0.1 + 0.2  # more than 0.3 by one bit
    report = leakage(
        frame(("a", "train", UTM33, 0, 0, side), ("b", "test", UTM33, 0.3, 0, side)),
    )
    assert report.summary["overlapping"]["pairs"] == 0
    assert report.summary["touching"]["pairs"] == 1


def test_one_location_in_two_splits() -> None:
    report = leakage(
        frame(
            ("a", "train", UTM33, 0, 0, 10),
            ("b", "test", UTM33, 0, 0, 10),
            ("c", "test", UTM33, 0, 0, 10),
        )
    )
    assert report.summary["locations"] == report.summary["locations_in_several_splits"] == 1
    assert report.summary["overlapping"]["locations"] == 1
    (row,) = report.pairs.to_pylist()
    assert row["overlap_share"] == 1
    assert row["items_b"] == ["b", "c"]


def test_overlap_between_zones_is_found_and_measured() -> None:
    there = Transformer.from_crs(UTM33, UTM34, always_xy=True).transform
    # A square of zone 33 at 18 degrees east, and one of zone 34 on the same ground: half over it.
    x, y = Transformer.from_crs("OGC:CRS84", UTM33, always_xy=True).transform(18.0, 48.0)
    x, y = round(x), round(y)
    west, south = there(x + 600, y)
    report = leakage(
        frame(
            ("a", "train", UTM33, x, y, 1200),
            ("b", "validate", UTM34, west, south, 1200),
            ("c", "validate", UTM34, west + 50_000, south, 1200),
        )
    )
    (row,) = report.pairs.to_pylist()
    assert (row["crs_a"], row["crs_b"]) == (UTM33, UTM34)
    # The grids are turned against each other by 4.5 degrees, scales differ by 0.1 %.
    assert row["overlap_area"] == pytest.approx(600 * 1200, rel=0.06)
    assert row["overlap_share"] == pytest.approx(0.5, rel=0.06)
    assert report.summary["overlapping"]["pairs"] == 0
    assert report.summary["overlapping_between_crs"]["pairs"] == 1


def test_area_on_the_ellipsoid_for_degrees() -> None:
    report = leakage(
        frame(("a", "train", "EPSG:4326", 0, 60, 1.0), ("b", "test", "EPSG:4326", 0, 60, 0.5))
    )
    (row,) = report.pairs.to_pylist()
    # 0.5 degrees: 55.7 km of meridian by 27.9 to 27.4 km of parallel.
    assert row["overlap_area"] == pytest.approx(55_715 * 27_690, rel=0.01)


def test_without_split_or_location_nothing_is_claimed() -> None:
    report = leakage(
        frame(
            ("a", "train", UTM33, 0, 0, 10),
            ("b", None, UTM33, 0, 0, 10),
            ("c", "test", None, np.nan, np.nan, np.nan),
        )
    )
    assert report.summary["samples"] == 2
    assert report.summary["samples_without_location"] == 1
    assert report.pairs.num_rows == 0
    assert leakage(frame().astype({"split": object})).summary["locations"] == 0


def test_unknown_crs() -> None:
    with pytest.raises(StacbuildError, match="EPSG:999999"):
        leakage(frame(("a", "train", "EPSG:999999", 0, 0, 10)))


def brute_force(table: pd.DataFrame) -> set[tuple[str, str, float]]:
    found = set()
    rows = list(table.itertuples(index=False))
    for n, one in enumerate(rows):
        for other in rows[n + 1 :]:
            width = min(one.right, other.right) - max(one.left, other.left)
            height = min(one.top, other.top) - max(one.bottom, other.bottom)
            if one.split != other.split and width > 0 and height > 0:
                found.add((*sorted((str(one.id), str(other.id))), float(width * height)))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_as_comparing_everything_with_everything(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    rows = [
        (
            f"s{n}",
            rng.choice(["train", "validate", "test", "extra"]),
            UTM33,
            400_000.0 + 30 * rng.randrange(60),
            5_000_000.0 + 30 * rng.randrange(60),
            rng.choice([90.0, 120.0]),
        )
        for n in range(150)
    ]
    table = frame(*rows)
    report = leakage(table)
    listed = {
        (*sorted((one, other)), row["overlap_area"])
        for row in report.pairs.to_pylist()
        for one in row["items_a"]
        for other in row["items_b"]
    }
    assert listed == brute_force(table)
    assert report.summary["overlapping"]["sample_pairs"] == len(listed)
    again = leakage(table.sample(frac=1, random_state=seed).reset_index(drop=True))
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    write_leakage(report, one)
    write_leakage(again, other)
    assert one.read_bytes() == other.read_bytes()
    assert json.dumps(report.summary) == json.dumps(again.summary)


def test_the_file_is_geoparquet(tmp_path: Path) -> None:
    geopandas = pytest.importorskip("geopandas")
    report = leakage(
        frame(
            ("a", "train", UTM33, 500_000, 5_000_000, 1200),
            ("b", "test", UTM33, 500_600, 5_000_000, 1200),
        )
    )
    file = write_leakage(report, tmp_path / "leakage.parquet")
    table = geopandas.read_parquet(file.path)
    assert table.crs == "OGC:CRS84"
    area = table.geometry.to_crs(UTM33).area[0]
    assert area == pytest.approx(table["overlap_area"][0], rel=1e-4)
    empty = leakage(frame(("a", "train", UTM33, 0, 0, 10)))
    assert empty.pairs.schema == SCHEMA
    assert len(geopandas.read_parquet(write_leakage(empty, tmp_path / "none.parquet").path)) == 0


SPLIT_FILES = {"train": "train", "validate": "val", "test": "test"}


def official(folder: Path) -> pd.DataFrame:
    """The whole of BigEarthNet by its split lists, true tiles and the rule of its grid."""
    tables = []
    for split, name in SPLIT_FILES.items():
        ids = pd.read_csv(folder / f"splits/{name}.csv.bz2", header=None, names=["id"])
        tables.append(ids.assign(split=split))
    listed = pd.concat(tables, ignore_index=True)
    links = folder / "index/tile_names_and_links.csv.bz2"
    tiles = []
    reader = pd.read_csv(
        links, header=None, names=["id", "product"], usecols=[0, 1], chunksize=50_000
    )
    for chunk in reader:
        tile = chunk["product"].str.slice(39, 44).astype("category")
        tiles.append(pd.Series(tile.astype(str).to_numpy(), index=chunk["id"].astype(str)))
    listed["tile"] = pd.concat(tiles).astype("category").reindex(listed["id"]).to_numpy()
    rule = pd.read_csv(folder / "index/derived_prefix_tile_table.csv").drop_duplicates("mgrs")
    rule = rule.set_index("mgrs").reindex(listed["tile"])
    cell = listed["id"].str.extract(r"_(\d+)_(\d+)$").astype(np.int64)
    left = rule["tile_ulx"].to_numpy(np.float64) + 1200 * cell[0].to_numpy()
    top = rule["tile_uly"].to_numpy(np.float64) - 1200 * cell[1].to_numpy()
    sides: dict[str, Any] = {"left": left, "bottom": top - 1200, "right": left + 1200, "top": top}
    crs = ("EPSG:" + rule["epsg"].astype(str)).astype("category").to_numpy()
    return listed[["id", "split"]].assign(crs=crs, **sides)


def test_the_official_lists_give_the_known_figures(shared: Path) -> None:
    table = official(shared / "datasets/bigearthnet")
    started = time.perf_counter()
    report = leakage(table)
    assert time.perf_counter() - started < 60
    summary = report.summary
    assert summary["samples"] == 269_695 + 123_723 + 125_866
    assert summary["locations"] == 238_827
    assert summary["locations_in_several_splits"] == 0
    overlapping = summary["overlapping"]
    assert overlapping["pairs"] == report.pairs.num_rows - 368 == 22_692
    assert overlapping["pairs"] + summary["overlapping_within_a_split"]["pairs"] == 38_546
    assert overlapping["locations"] == 30_117
    assert sum(totals["pairs"] for totals in overlapping["by_split"].values()) == 22_692
    # Between UTM zones: not among the known figures, found here.
    assert summary["overlapping_between_crs"]["pairs"] == 368
    share = report.pairs["overlap_share"].to_numpy()
    assert 0.3 < share.mean() < 0.7, "about half a patch on average"
