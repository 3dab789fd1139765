from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from shapely.geometry import Polygon

from stacbuild.errors import SampleError
from stacbuild.raster.footprint import DECIMALS, TOLERANCE, bbox, footprint
from stacbuild.raster.read import read_chip

if TYPE_CHECKING:
    from pathlib import Path

ZONES = st.integers(2, 59)  # the outer two touch the antimeridian


def corners(crs: str, box: tuple[float, float, float, float]) -> list[list[float]]:
    """Return the corners one by one, by another way through pyproj."""
    left, bottom, right, top = box
    to_degrees = Transformer.from_crs(crs, "EPSG:4326").transform  # latitude first
    points = [(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)]
    return [[round(value, DECIMALS) for value in to_degrees(*point)[::-1]] for point in points]


@settings(max_examples=60, deadline=None)
@given(ZONES, st.integers(200_000, 800_000), st.integers(0, 7_800_000))
def test_a_chip_in_utm_has_four_corners_and_no_more(zone: int, x: int, y: int) -> None:
    crs, box = f"EPSG:{32600 + zone}", (x, y, x + 1200, y + 1200)
    ring = footprint(crs, *box)
    assert ring == corners(crs, box)
    outline = Polygon(ring)
    assert outline.is_valid
    assert outline.exterior.is_ccw
    assert bbox(ring) == list(outline.bounds)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(10, 50),
    st.integers(200_000, 600_000),
    st.integers(0, 9_000_000),
    st.sampled_from([5_000, 25_600, 109_800, 200_000]),
)
def test_the_outline_follows_the_edges(zone: int, x: int, y: int, side: int) -> None:
    crs = f"EPSG:{32600 + zone}"
    ring = footprint(crs, x, y, x + side, y + side)
    outline = Polygon(ring)
    assert outline.is_valid
    assert outline.exterior.is_ccw
    to_degrees = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform
    line = outline.exterior
    for step in range(33):
        along = side * step / 32
        for px, py in ((along, 0), (side, along), (along, side), (0, along)):
            lon, lat = to_degrees(x + px, y + py)
            shrink = math.cos(math.radians(lat))
            nearest = line.interpolate(line.project(_point(lon, lat)))
            off = math.hypot((nearest.x - lon) * shrink, nearest.y - lat)
            assert off <= TOLERANCE + 10**-DECIMALS


def _point(lon: float, lat: float) -> object:
    from shapely.geometry import Point  # noqa: PLC0415 - one helper

    return Point(lon, lat)


def test_edges_that_are_straight_stay_so() -> None:
    assert footprint("EPSG:4326", -10, 40, 10, 60) == [
        [-10, 40], [10, 40], [10, 60], [-10, 60], [-10, 40],
    ]  # fmt: skip
    assert len(footprint("EPSG:3857", 0, 0, 1e6, 1e6)) == 5
    assert len(footprint("EPSG:32633", 3e5, 7e6, 4.1e5, 7.11e6)) > 20


def test_a_mirrored_crs_still_gives_a_counter_clockwise_ring() -> None:
    # South-orientated: westing and southing.
    ring = footprint("EPSG:2053", -100_000, 3_000_000, -90_000, 3_010_000)
    assert Polygon(ring).exterior.is_ccw
    assert ring[0] == ring[-1]


@pytest.mark.parametrize(
    ("crs", "box", "kind"),
    [
        ("EPSG:999999", (0, 0, 1, 1), "unknown-crs"),
        ("no crs at all", (0, 0, 1, 1), "unknown-crs"),
        ("EPSG:32633", (1e30, 0, 2e30, 1), "no-footprint"),
        ("EPSG:4326", (500, 0, 510, 10), "no-footprint"),
        ("EPSG:4326", (0, 85, 10, 95), "no-footprint"),
        ("EPSG:32601", (-300_000, 0, 300_000, 10_000), "no-footprint"),
        ("EPSG:3031", (-1e6, -1e6, 1e6, 1e6), "no-footprint"),
        ("EPSG:32633", (5e5, 5e6, 5e5, 5e6), "no-footprint"),
        ("EPSG:32633", (float("nan"), 5e6, 5e5, 5e6), "no-footprint"),
    ],
)
def test_rasters_without_a_footprint(
    crs: str, box: tuple[float, float, float, float], kind: str
) -> None:
    with pytest.raises(SampleError) as caught:
        footprint(crs, *box)
    assert caught.value.kind == kind


def test_real_patches(real_patches: Path) -> None:
    for path in sorted(real_patches.glob("*/*_B02.tif")):
        chip = read_chip(path.read_bytes(), path.name)
        assert chip.crs is not None
        ring = footprint(chip.crs, *chip.bounds)
        assert ring == corners(chip.crs, chip.bounds)
        west, south, east, north = bbox(ring)
        assert 1150 < (north - south) * 111_195 < 1350
        assert 1150 < (east - west) * 111_195 * math.cos(math.radians(south)) < 1350
