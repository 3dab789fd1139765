"""Items of a collection that does not exist, with everything that an index has to carry."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from typing import Any

import pytest

Item = dict[str, Any]

COG = "image/tiff; application=geotiff; profile=cloud-optimized"
BANDS = {"10m": ("B02", "B03", "B04", "B08"), "60m": ("B01", "B09")}


def _asset(name: str, suffix: str, rng: random.Random) -> Item:
    asset: Item = {
        "href": f"./{name}_{suffix}",
        "type": COG,
        "title": suffix,
        "roles": ["data"],
        "file:size": rng.randrange(10_000, 40_000),
        "file:checksum": "1220" + hashlib.sha256(f"{name}{suffix}".encode()).hexdigest(),
        "proj:transform": [10, 0, 300_000.5, 0, -10, 5_400_000.0],
    }
    asset["bands"] = [
        {
            "name": band,
            "eo:center_wavelength": 0.56,
            "statistics": {"minimum": rng.randrange(100), "mean": rng.random() * 1000},
        }
        for band in BANDS[suffix[:3]]
    ]
    return asset


def _ring(west: float, south: float, side: float) -> list[list[float]]:
    east, north = round(west + side, 7), round(south + side, 7)
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def make_item(number: int, rng: random.Random, collection: str = "chips") -> Item:
    name = f"chip_{number:05d}"
    ring = _ring(round(rng.uniform(-9, 31), 7), round(rng.uniform(37, 68), 7), 0.0123)
    properties: Item = {
        "datetime": f"2017-06-13T10:{number % 60:02d}:31Z",
        "title": name,
        "gsd": 10,
        "proj:code": "EPSG:32633",
        "ben:labels_19": rng.sample(["Arable land", "Pastures", "Marine waters"], 2),
        "ben:snow": number % 5 == 0,
    }
    if number % 4:
        properties["ml-aoi:split"] = ("train", "validate", "test")[number % 3]
    links: list[Item] = [
        {"rel": "collection", "href": "../../collection.json", "title": "Chips"},
        {
            "rel": "related",
            "href": f"../../../labels/p/row/{name}_labels.json",
            "type": "application/geo+json",
            "label:assets": ["10m"],
        },
        {"rel": "derived_from", "href": "https://example.com/product/1"},
    ]
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": ["https://example.com/one.json"],
        "id": name,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [*ring[0], *ring[2]],
        "properties": properties,
        "links": links,
        "assets": {suffix: _asset(name, f"{suffix}.tif", rng) for suffix in BANDS},
        "collection": collection,
    }


@pytest.fixture
def make_items() -> Callable[..., list[Item]]:
    """A function that gives ``n`` items, the same ones for the same seed."""

    def make(count: int, seed: int = 0, start: int = 0) -> list[Item]:
        rng = random.Random(seed)
        return [make_item(number, rng) for number in range(start, start + count)]

    return make
