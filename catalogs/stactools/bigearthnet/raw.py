"""Read BigEarthNet's raw patches: names, JSON, twelve TIFFs, and the checks that they agree.

What a file claims is kept as found (`PatchName.time`, `PatchMetadata`); what is derived from it
has functions and properties of its own.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from stacbuild.dataset import SampleRef
from stacbuild.errors import SampleError, UsageError
from stacbuild.raster.read import read_chip
from stactools.bigearthnet import constants as c

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from stacbuild.dataset import Files, Inputs
    from stacbuild.raster.read import Chip

NAME: Final = re.compile(r"(S2[AB])_MSIL2A_(\d{8})T(\d{5,6})_(\d{1,2})_(\d{1,2})", re.ASCII)
"""Names of patches. The hour of 5-digit times lost its leading zero; seconds go up to 61."""

LATTICE: Final = 60
"""Corners of patches are multiples of the coarsest pixel, in metres."""

METADATA_LIMIT: Final = 1 << 16
"""Bytes of a patch's JSON; real ones have about a thousand."""

LISTS: Final = {
    "train": "train.csv",
    "val": "val.csv",
    "test": "test.csv",
    "snow": "patches_with_seasonal_snow.csv",
    "cloud": "patches_with_cloud_and_shadow.csv",
    "no_19_class": "patches_with_no_19_class_targets.csv",
    "products": "tile_names_and_links.csv",
    "countries": "s1_s2_name_country_season.csv",
}
"""Input to the publisher's file name; ``.gz`` and ``.bz2`` may follow."""

_FOLDERS: Final = ("", "splits", "exclusions", "lists", "index")
_DEPTH: Final = 3
_PROBE: Final = 1000


class PatchName(NamedTuple):
    """A patch's name, taken apart as it is found."""

    text: str
    mission: str
    date: str
    """YYYYMMDD."""
    time: str
    """Five or six digits, not always a time."""
    h: int
    """Column in the tile, west to east, 0..90."""
    v: int
    """Row in the tile, north to south, 0..90."""

    def __str__(self) -> str:
        """Return the name."""
        return self.text


class PatchMetadata(NamedTuple):
    """What a patch's JSON claims."""

    labels: list[str]
    """43-class names."""
    labels_19: list[str] | None
    """19-class names, if the original tools added them."""
    ulx: int
    uly: int
    lrx: int
    lry: int
    epsg: int
    tile_source: str
    """Name of an L1C product; its time is that of the patch's name, so it need not exist."""
    tile: str
    """MGRS tile, from ``tile_source``."""
    acquisition_date: str


class Patch(NamedTuple):
    """A patch whose files agree with each other.

    ``stacks`` holds uint16 arrays (bands, rows, columns) by resolution in metres, bands in the
    order of `c.RESOLUTIONS`; ``ulx`` and ``uly`` are the outer corner in metres of ``epsg``.
    """

    name: PatchName
    epsg: int
    ulx: int
    uly: int
    stacks: dict[int, NDArray[np.uint16]]
    metadata: PatchMetadata


def parse_name(text: str) -> PatchName | None:
    """Return the parts of a patch's name; None if it is not one."""
    parts = NAME.fullmatch(text)
    if parts is None:
        return None
    mission, date, time, h, v = parts.groups()
    return PatchName(text, mission, date, time, int(h), int(v))


_TILE = re.compile(
    r"S2[AB]_MSIL1C_[0-9T]+_N\d{4}_R\d{3}_T(\d\d[A-Z]{3})_\d{8}T\d{6}(?:\.SAFE)?", re.ASCII
)
_EPSG = re.compile(r'PROJCS\[.{,2000},AUTHORITY\["EPSG","(\d{4,5})"\]\]', re.ASCII)
_DATE = re.compile(r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)", re.ASCII)
_REQUIRED: Final = frozenset(
    ("labels", "coordinates", "projection", "tile_source", "acquisition_date")
)
_LABELS_19: Final = "BigEarthNet_19_labels"


def parse_metadata(data: bytes, name: str) -> PatchMetadata:
    """Read a patch's JSON.

    Parameters
    ----------
    data : bytes
        The file's content.
    name : str
        Its name, for messages.

    Raises
    ------
    SampleError
        ``json-unparsable``, ``json-keys`` or ``unknown-label``.
    """
    if not data:
        raise SampleError("zero-byte", "the file is empty", file=name)
    if len(data) > METADATA_LIMIT:
        raise SampleError("json-unparsable", f"{len(data):,} bytes are too many", file=name)
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SampleError("json-unparsable", f"not JSON: {error}", file=name) from error
    if not isinstance(found, dict) or not _REQUIRED <= found.keys() <= _REQUIRED | {_LABELS_19}:
        keys = sorted(found) if isinstance(found, dict) else type(found).__name__
        raise SampleError("json-keys", f"other keys than a patch has: {keys}", file=name)
    labels_19 = None
    if _LABELS_19 in found:
        labels_19 = _names(found[_LABELS_19], c.INDEX_19, name)
    ulx, uly, lrx, lry = _corners(found["coordinates"], name)
    return PatchMetadata(
        labels=_names(found["labels"], c.INDEX_43, name),
        labels_19=labels_19,
        ulx=ulx,
        uly=uly,
        lrx=lrx,
        lry=lry,
        epsg=int(_matched(_EPSG, found, "projection", name)),
        tile_source=found["tile_source"],
        tile=_matched(_TILE, found, "tile_source", name),
        acquisition_date=_matched(_DATE, found, "acquisition_date", name),
    )


def _matched(pattern: re.Pattern[str], found: dict[str, Any], key: str, name: str) -> str:
    """Return the first group of a pattern that a value has to match."""
    value = found[key]
    match = pattern.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise SampleError("json-keys", f"{key} is {str(value)[-80:]!r}", file=name)
    return match[1]


def _corners(value: Any, name: str) -> list[int]:  # noqa: ANN401 - untrusted JSON
    keys = ("ulx", "uly", "lrx", "lry")
    if not isinstance(value, dict) or value.keys() != set(keys):
        raise SampleError("json-keys", "coordinates are not ulx, uly, lrx, lry", file=name)
    sides = [value[key] for key in keys]
    if not all(type(side) is int for side in sides):
        raise SampleError("json-keys", f"coordinates are {sides}, not integers", file=name)
    return sides


def _names(value: Any, known: dict[str, int], name: str) -> list[str]:  # noqa: ANN401 - untrusted JSON
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise SampleError("json-keys", "labels are not a list of names", file=name)
    for one in value:
        if one not in known:
            raise SampleError("unknown-label", f"{one[:80]!r} is not a class", file=name)
    if len(set(value)) < len(value):
        raise SampleError("json-keys", "a label comes twice", file=name)
    return value


_SUFFIXES: Final = tuple(f"_{name}.tif" for name in c.BAND_NAMES)
_JSON: Final = "_labels_metadata.json"


def read_patch(text: str, files: Files) -> Patch:
    """Read a patch and check that its files agree.

    Parameters
    ----------
    text : str
        The patch's name.
    files : Files
        Its raw files.

    Raises
    ------
    SampleError
        If it cannot be used; ``kind`` says why.
    """
    name = parse_name(text)
    if name is None:
        raise SampleError("patch-name", f"{text!r} is not a patch's name")
    _check_names(files, text)
    json_name = text + _JSON
    metadata = parse_metadata(files.read(json_name), files.where(json_name))
    stacks: dict[int, NDArray[np.uint16]] = {}
    first: Chip | None = None
    for resolution, bands in c.RESOLUTIONS.items():
        size = c.PATCH_METRES // resolution
        stack = np.empty((len(bands), size, size), np.uint16)
        for row, band in enumerate(bands):
            file = f"{text}_{band}.tif"
            chip = read_chip(files.read(file), files.where(file))
            fault = _fault(chip, resolution, first)
            if fault is not None:
                raise SampleError(*fault, file=files.where(file))
            stack[row] = chip.array[0]
            first = first or chip
        stacks[resolution] = stack
    ulx, uly = _check_place(first, metadata, name, files.where(json_name))
    return Patch(name, metadata.epsg, ulx, uly, stacks, metadata)


def _fault(chip: Chip, resolution: int, first: Chip | None) -> tuple[str, str] | None:
    """Return kind and reason if a band is not what it should be, or not where the first one is."""
    size = c.PATCH_METRES // resolution
    if chip.array.dtype != np.uint16:
        return "wrong-dtype", f"pixels are {chip.array.dtype}, not uint16"
    if chip.array.shape != (1, size, size):
        return "wrong-shape", f"bands, rows, columns are {chip.array.shape}, not {(1, size, size)}"
    a, b, left, d, e, top = chip.transform
    if (a, b, d, e) != (resolution, 0, 0, -resolution):
        return "wrong-shape", f"pixels are {a} by {-e} m, not {resolution} by {resolution}"
    if first is not None:
        if chip.crs != first.crs:
            return "crs-differs", f"the CRS is {chip.crs}, other bands have {first.crs}"
        corner = first.transform[2], first.transform[5]
        if (left, top) != corner:
            return "corners-differ", f"the corner is {left, top}, that of other bands {corner}"
    return None


def _check_names(files: Files, text: str) -> None:
    expected = [text + suffix for suffix in _SUFFIXES]
    json_name = text + _JSON
    if list(files.names) == sorted([*expected, json_name]):
        return
    found = set(files.names)
    if json_name not in found:
        raise SampleError("json-missing", "the JSON is missing", file=files.where(json_name))
    for name in expected:
        if name not in found:
            raise SampleError("missing-band", "the band is missing", file=files.where(name))
    extra = min(found - set(expected) - {json_name})
    kind = "extra-band" if extra.endswith(".tif") else "stray-file"
    raise SampleError(kind, "a patch has no such file", file=files.where(extra))


def _check_place(
    chip: Chip | None, metadata: PatchMetadata, name: PatchName, where: str
) -> tuple[int, int]:
    """Return the corner, if rasters, JSON, name and tile agree on it."""
    if chip is None or chip.crs != f"EPSG:{metadata.epsg}":
        found = chip and chip.crs
        raise SampleError(
            "json-disagrees",
            f"EPSG:{metadata.epsg} in the JSON, {found} in the rasters",
            file=where,
        )
    left, top = chip.transform[2], chip.transform[5]
    if left % LATTICE or top % LATTICE:
        raise SampleError("off-lattice", f"the corner {left, top} is off the {LATTICE} m lattice")
    ulx, uly = int(left), int(top)
    tile = c.TILES.get(metadata.tile)
    if tile is not None:
        grid = (tile.ulx + c.PATCH_METRES * name.h, tile.uly - c.PATCH_METRES * name.v)
        if metadata.epsg != tile.epsg or (ulx, uly) != grid:
            raise SampleError(
                "off-lattice",
                f"the corner {ulx, uly} is not that of column {name.h}, row {name.v} "
                f"of tile {metadata.tile}, {grid}",
            )
    claimed = (metadata.ulx, metadata.uly, metadata.lrx, metadata.lry)
    if claimed != (ulx, uly, ulx + c.PATCH_METRES, uly - c.PATCH_METRES):
        raise SampleError(
            "json-disagrees",
            f"corners are {claimed} in the JSON, {ulx, uly} in the rasters",
            file=where,
        )
    return ulx, uly


def scan(inputs: Inputs) -> Iterator[SampleRef]:
    """Yield a reference to every patch folder.

    Raises
    ------
    UsageError
        If there is none within three levels of the input.
    """
    top = inputs["patches"]
    folder = patch_folder(top)
    if folder is None:
        raise UsageError(
            "no patch folder such as S2A_MSIL2A_20170613T101031_0_45 was found",
            file=top,
            mend=f"Unpack the download first: {c.DOWNLOAD}",
        )
    above = folder.relative_to(top).as_posix()
    prefix = "" if above == "." else f"{above}/"
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if NAME.fullmatch(name) and entry.is_dir():
                yield SampleRef(name, prefix + name, "patches")


def patch_folder(top: Path) -> Path | None:
    """Return the folder that directly holds patch folders, at most three levels down."""
    level = [top]
    for _ in range(_DEPTH):
        below: list[Path] = []
        for folder in level:
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.is_dir():
                            if NAME.fullmatch(entry.name):
                                return folder
                            if len(below) < _PROBE:
                                below.append(folder / entry.name)
            except OSError as error:
                raise UsageError(error.strerror or "cannot be read", file=folder) from error
        level = sorted(below)
    return None


def discover(raw: Path) -> dict[str, Path]:
    """Return the inputs in a download folder: the patches, and lists under published names."""
    found = {"patches": raw}
    folders: Sequence[Path] = [raw / name for name in _FOLDERS]
    folders = [*folders, *(raw.parent / name for name in _FOLDERS[1:])]
    for key, file in LISTS.items():
        for folder in folders:
            for suffix in ("", ".gz", ".bz2"):
                path = folder / f"{file}{suffix}"
                if path.is_file():
                    found.setdefault(key, path)
    return found
