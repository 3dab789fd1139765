"""Tables of BigEarthNet-S2 v1.0: bands, classes, tiles, products, published counts.

The rows lie as CSV in ``data/``; ``data/README.md`` names the source of every column. They are
read once, at import (36 kB, about a millisecond), into tuples and dicts that nobody changes.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stacbuild.raster.picture import Stretch

DATA: Final = Path(__file__).parent / "data"

DATASET_ID: Final = "bigearthnet"
IMAGERY: Final = "bigearthnet-s2"
LABELS: Final = "bigearthnet-s2-labels"

HOMEPAGE: Final = "https://bigearth.net"
DOWNLOAD: Final = "https://zenodo.org/records/12687186"
LICENSE_URL: Final = "https://cdla.dev/permissive-1-0/"

PATCH_METRES: Final = 1200
"""Side of every patch."""
PATCHES_PER_SIDE: Final = 91
"""Columns (h) and rows (v) of patches in a Sentinel-2 tile, numbered from 0."""
SCALE: Final = 0.0001
"""Surface reflectance = digital number * SCALE (Sentinel-2 products before baseline 04.00)."""
NODATA: Final = 0
"""Fill of Sentinel-2 products; the raw files do not declare it."""
RGB: Final = ("B04", "B03", "B02")
"""Bands of the true-colour picture."""
STRETCH: Final = Stretch(low=0, high=3500, gamma=1.6)
"""One for all patches. Reflectances above 0.35, snow and cloud, are white."""
STRETCH_TEXT: Final = (
    f"`1 + round(254 \u00d7 x^(1/{STRETCH.gamma}))` with `x = value / {STRETCH.high:.0f}`, held "
    "within 0 and 1; 0 is no data."
)

PATCHES: Final = 590_326
SPLIT_COUNTS: Final = {"train": 269_695, "validate": 123_723, "test": 125_866}
"""Patches in the official split lists, by ``ml-aoi:split``."""
SNOW_COUNT: Final = 61_707
CLOUD_COUNT: Final = 9_280
NO_19_CLASS_COUNT: Final = 57
"""Patches without any 19-class label; 55 of them are in neither exclusion list."""
OVERLAPPING_LOCATIONS: Final = 38_546
"""Pairs of locations of different tiles, same zone, that overlap on the ground."""
LEAKING_LOCATIONS: Final = 22_692
"""Those of `OVERLAPPING_LOCATIONS` whose locations are in different splits."""
LEAKING_TOUCHED: Final = 30_117
"""Locations in at least one pair of `LEAKING_LOCATIONS`."""
LOCATIONS_IN_SPLITS: Final = 238_827
"""Distinct locations (tile, h, v) in the split lists."""
BBOX: Final = (-9.00023345437725, 36.956956702083396, 31.598439091981028, 68.02168200047284)
"""West, south, east, north of all patches, in degrees."""
START: Final = "2017-06-13T10:10:31Z"
END: Final = "2018-05-29T11:54:01Z"


@dataclass(frozen=True, slots=True)
class Band:
    """One of the twelve bands.

    Parameters
    ----------
    name : str
        Such as ``"B8A"``.
    title : str
        For people.
    resolution : int
        Pixel side in metres.
    size : int
        Rows and columns of a patch.
    common_name : str
        ``eo:common_name``.
    wavelengths : dict of str to tuple of float
        Platform (``sentinel-2a``, ``sentinel-2b``) to centre and width, in micrometres.
    published_mean, published_std : float
        Statistics that the authors' code normalises with (digital numbers); the subset that
        they were computed on is not stated.
    """

    name: str
    title: str
    resolution: int
    size: int
    common_name: str
    wavelengths: dict[str, tuple[float, float]]
    published_mean: float
    published_std: float

    @property
    def center_wavelength(self) -> float:
        """Mean of both platforms, in micrometres."""
        return round(sum(center for center, _ in self.wavelengths.values()) / 2, 5)

    @property
    def full_width_half_max(self) -> float:
        """Mean of both platforms, in micrometres."""
        return round(sum(width for _, width in self.wavelengths.values()) / 2, 5)


@dataclass(frozen=True, slots=True)
class Tile:
    """A Sentinel-2 (MGRS) tile.

    Parameters
    ----------
    name : str
        Such as ``"34VER"``.
    epsg : int
        EPSG code of its UTM zone.
    ulx, uly : int
        Upper left corner in metres.
    countries : tuple of str
        Names of the countries of its patches.
    """

    name: str
    epsg: int
    ulx: int
    uly: int
    countries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Product:
    """A Sentinel-2 L1C product that patches were cut from.

    Parameters
    ----------
    name : str
        Without ``.SAFE``.
    cdse_id : str
        Its UUID in the Copernicus Data Space.
    patches : int
        Patches cut from it.
    """

    name: str
    cdse_id: str
    patches: int

    @property
    def platform(self) -> str:
        """``sentinel-2a`` or ``sentinel-2b``."""
        return PLATFORMS[self.name[:3]]

    @property
    def datetime(self) -> str:
        """Start of the datatake, RFC 3339 in UTC."""
        stamp = self.name[11:26]
        return f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[9:11]}:{stamp[11:13]}:{stamp[13:15]}Z"

    @property
    def relative_orbit(self) -> int:
        """Relative orbit, 1 to 143."""
        return int(self.name[34:37])

    @property
    def tile(self) -> str:
        """MGRS tile, such as ``"34VER"``."""
        return self.name[39:44]

    @property
    def href(self) -> str:
        """Address of the product in the Copernicus Data Space (OData)."""
        return f"https://catalogue.dataspace.copernicus.eu/odata/v1/Products({self.cdse_id})"


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((DATA / name).read_text("utf-8").splitlines()))


def _band(row: dict[str, str]) -> Band:
    def micrometres(key: str) -> float:
        return round(float(row[key]) / 1000, 5)

    return Band(
        name=row["name"],
        title=row["title"],
        resolution=int(row["resolution"]),
        size=int(row["size"]),
        common_name=row["common_name"],
        wavelengths={
            f"sentinel-{key[1:]}": (
                micrometres(f"{key}_center_nm"),
                micrometres(f"{key}_width_nm"),
            )
            for key in ("s2a", "s2b")
        },
        published_mean=float(row["published_mean"]),
        published_std=float(row["published_std"]),
    )


PLATFORMS: Final = {"S2A": "sentinel-2a", "S2B": "sentinel-2b"}

BANDS: Final = tuple(_band(row) for row in _rows("bands.csv"))
"""In the canonical order of the authors' code."""
BAND_NAMES: Final = tuple(band.name for band in BANDS)
BAND: Final = {band.name: band for band in BANDS}
RESOLUTIONS: Final = {
    metres: tuple(band.name for band in BANDS if band.resolution == metres)
    for metres in (10, 20, 60)
}
"""Bands of each stack, in order."""

_CLASSES_43 = _rows("classes_43.csv")
_CLASSES_19 = _rows("classes_19.csv")

LABELS_43: Final = tuple(row["name"] for row in _CLASSES_43)
"""CORINE Land Cover level-3 names in canonical order, spelt as in the raw files."""
LABELS_19: Final = tuple(row["name"] for row in _CLASSES_19)
"""Names of the 19-class nomenclature in canonical order (not the alphabetical one)."""
CLC_CODES: Final = tuple(int(row["clc_code"]) for row in _CLASSES_43)
COLORS_43: Final = tuple(row["color"] for row in _CLASSES_43)
"""Official CORINE colours, six upper-case hexadecimal digits."""
COLORS_19: Final = tuple(row["color"] for row in _CLASSES_19)
"""Of the member class with the most patches: the nomenclature has no colours of its own."""
TO_19: Final = tuple(int(row["index_19"]) if row["index_19"] else None for row in _CLASSES_43)
"""43-class index to 19-class index; None where the class was dropped."""
FROM_19: Final = tuple(
    tuple(index for index, target in enumerate(TO_19) if target == label)
    for label in range(len(LABELS_19))
)
"""19-class index to its 43-class indices: ``label_conversion`` of the authors' code."""
INDEX_43: Final = {name: index for index, name in enumerate(LABELS_43)}
INDEX_19: Final = {name: index for index, name in enumerate(LABELS_19)}
PUBLISHED_43: Final = tuple(
    (int(row["patches_all"]), int(row["patches_clean"])) for row in _CLASSES_43
)
"""Published patches of each class: all, and without the snow and cloud lists."""
PUBLISHED_19: Final = {
    split: tuple(int(row[split]) for row in _CLASSES_19)
    for split in ("total", "train", "validate", "test")
}
"""Published patches of each class, by ``ml-aoi:split`` and in total."""

COUNTRIES: Final = {
    "AT": "Austria",
    "BE": "Belgium",
    "CH": "Switzerland",
    "FI": "Finland",
    "IE": "Ireland",
    "LT": "Lithuania",
    "LU": "Luxembourg",
    "PT": "Portugal",
    "RS": "Serbia",
    "XK": "Kosovo",
}
TILES: Final = {
    row["tile"]: Tile(
        name=row["tile"],
        epsg=int(row["epsg"]),
        ulx=int(row["ulx"]),
        uly=int(row["uly"]),
        countries=tuple(COUNTRIES[code] for code in row["countries"].split("/")),
    )
    for row in _rows("tiles.csv")
}
PRODUCTS: Final = {
    row["product"]: Product(row["product"], row["cdse_id"], int(row["patches"]))
    for row in _rows("products.csv")
}
"""The 125 L1C products by name (without ``.SAFE``)."""
PREFIX_PRODUCT: Final = {
    (row["prefix"], row["tile"]): PRODUCTS[row["product"]] for row in _rows("prefixes.csv")
}
"""True product by prefix of the patch name and tile; the two together are unambiguous."""
