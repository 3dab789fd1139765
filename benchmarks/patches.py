"""What both baselines know of BigEarthNet: bands, names, lists, classes.

Plain reading with the standard library, shared so that the two loops differ in nothing but how
they make rasters and items. The speed of stacbuild does not come from here: it uses none of it.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stactools.bigearthnet import constants

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

GRIDS = constants.RESOLUTIONS
"""Ground sampling distance in metres, and its bands in the order of the stack."""
BLOCKS = {10: 128, 20: 64, 60: 32}
"""Block of a chip's one tile: its side rounded up to a power of two."""
TRUE_COLOUR = constants.RGB
SPLITS = {"train": "train", "val": "validate", "test": "test"}
"""The publisher's list, and its ``ml-aoi:split``."""
DOI = "10.1109/IGARSS.2019.8900532"
CITATION = (
    "G. Sumbul, M. Charfuelan, B. Demir, V. Markl, BigEarthNet: A Large-Scale Benchmark Archive "
    "for Remote Sensing Image Understanding, IGARSS 2019, pp. 5901-5904."
)
EXTENSIONS = "https://stac-extensions.github.io/"
WHITE = 2000
"""Digital number that the visual shows white; 0 is black."""
FLAGS = {
    "ben:seasonal_snow": "patches_with_seasonal_snow",
    "ben:cloud_or_shadow": "patches_with_cloud_and_shadow",
}


@dataclass(frozen=True, slots=True)
class Lists:
    """The publisher's lists as look-ups.

    Parameters
    ----------
    split : dict of str to str
        Patch name to ``ml-aoi:split``.
    flags : dict of str to set of str
        Property name to the patches that are in its list.
    """

    split: dict[str, str]
    flags: dict[str, set[str]]


@dataclass(frozen=True, slots=True)
class Labels:
    """What the JSON of a patch says.

    Parameters
    ----------
    names43, names19 : list of str
        Class names in both nomenclatures, in canonical order.
    datetime : str
        Instant of acquisition, RFC 3339.
    tile : str
        MGRS tile.
    orbit : int
        Relative orbit.
    source : str
        Name of the Level-1C product.
    """

    names43: list[str]
    names19: list[str]
    datetime: str
    tile: str
    orbit: int
    source: str


def find_patches(raw: Path) -> list[Path]:
    """Return the folders of all patches below a download folder, sorted by name."""
    folders = [path for path in raw.rglob("S2?_MSIL2A_*") if path.is_dir()]
    return sorted(folders, key=lambda path: path.name)


def _read_names(raw: Path, stem: str) -> list[str]:
    for path in sorted(raw.rglob(f"{stem}.csv")):
        with path.open(newline="") as lines:
            return [row[0] for row in csv.reader(lines) if row]
    return []


def read_lists(raw: Path) -> Lists:
    """Read the split and exclusion lists that lie in a download folder."""
    split = {name: value for stem, value in SPLITS.items() for name in _read_names(raw, stem)}
    return Lists(split, {key: set(_read_names(raw, stem)) for key, stem in FLAGS.items()})


def read_labels(folder: Path) -> Labels:
    """Read the JSON of a patch."""
    data: dict[str, Any] = json.loads((folder / f"{folder.name}_labels_metadata.json").read_text())
    names43 = data["labels"]
    found = {constants.TO_19[constants.INDEX_43[name]] for name in names43}
    source = data["tile_source"]
    return Labels(
        names43=names43,
        names19=[name for index, name in enumerate(constants.LABELS_19) if index in found],
        datetime=data["acquisition_date"].replace(" ", "T") + "Z",
        tile=source.split("_")[5][1:],
        orbit=int(source.split("_")[4][1:]),
        source=source,
    )


def true_colour(stack: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    """Return the 8-bit picture, (3, 120, 120), of the 10 m stack, (4, 120, 120)."""
    order = [GRIDS[10].index(name) for name in TRUE_COLOUR]
    picture: npt.NDArray[np.uint8] = np.clip(stack[order] * (255 / WHITE), 0, 255).astype(np.uint8)
    return picture


def band_facts(name: str, pixels: npt.NDArray[np.uint16]) -> dict[str, Any]:
    """Return a band as STAC 1.1, eo v2 and raster v2 describe it, with its statistics."""
    band = constants.BAND[name]
    valid = pixels[pixels != constants.NODATA]
    facts: dict[str, Any] = {
        "name": name,
        "eo:common_name": band.common_name,
        "eo:center_wavelength": band.center_wavelength,
        "eo:full_width_half_max": band.full_width_half_max,
    }
    if valid.size:
        facts["statistics"] = {
            "minimum": int(valid.min()),
            "maximum": int(valid.max()),
            "mean": float(valid.mean()),
            "stddev": float(valid.std()),
            "valid_percent": 100 * valid.size / pixels.size,
        }
    return facts


def properties(name: str, labels: Labels, lists: Lists) -> dict[str, Any]:
    """Return the properties that the imagery and the label item of a patch share."""
    title = (", ".join(labels.names43[:3]), labels.tile, labels.datetime[:10])
    found: dict[str, Any] = {
        "title": " \u00b7 ".join(title),
        "ben:labels_43": labels.names43,
        "ben:labels_19": labels.names19,
        "ben:multi_hot_43": [int(known in labels.names43) for known in constants.LABELS_43],
        "ben:multi_hot_19": [int(known in labels.names19) for known in constants.LABELS_19],
    }
    for key, members in lists.flags.items():
        found[key] = name in members
    if name in lists.split:
        found["ml-aoi:split"] = lists.split[name]
    return found


def imagery_properties(name: str, labels: Labels) -> dict[str, Any]:
    """Return the properties that only the imagery item has, but for its projection."""
    _, column, row = name.rsplit("_", 2)
    return {
        "platform": constants.PLATFORMS[name[:3]],
        "constellation": "sentinel-2",
        "instruments": ["msi"],
        "gsd": 10,
        "sat:relative_orbit": labels.orbit,
        "ben:h": int(column),
        "ben:v": int(row),
        "ben:tile_source": labels.source,
        "ben:product": labels.source.removesuffix(".SAFE"),
    }
