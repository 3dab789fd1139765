"""Find and read BigEarthNet's raw patches: names, twelve TIFFs, and whether all files agree.

What a file claims is kept as found (`PatchName.time`, `PatchMetadata`); what is derived from it
is made elsewhere, and never written over it.
"""

from __future__ import annotations

import logging
import os
import re
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from stacbuild.dataset import SampleRef
from stacbuild.errors import SampleError, UsageError
from stacbuild.raster.read import read_chip
from stactools.bigearthnet import constants as c
from stactools.bigearthnet.metadata import AGAIN, PatchMetadata, parse_metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from stacbuild.dataset import Files, Inputs
    from stacbuild.raster.read import Chip

NAME: Final = re.compile(
    r"(S2[AB])_MSIL2A_(\d{8})T(\d{5,6})_(\d|[1-8]\d|90)_(\d|[1-8]\d|90)", re.ASCII
)
"""Names of patches. The hour of 5-digit times lost its leading zero; seconds go up to 61."""

LATTICE: Final = 60
"""Corners of patches are multiples of the coarsest pixel, in metres."""

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

_PACKED: Final = ("", ".gz", ".bz2")
_FOLDERS: Final = ("", "splits", "exclusions", "lists", "index")
_DEPTH: Final = 3
_PROBE: Final = 100_000
"""Entries of a folder that are looked at in search of a patch."""
_NEXT_RELEASE: Final = re.compile(r"S2[AB]_MSIL2A_\d{8}T\d{6}_N\d{4}_R\d{3}_T\w{5}", re.ASCII)
_LOG: Final = logging.getLogger(__name__)


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


JSON_SUFFIX: Final = "_labels_metadata.json"
_BANDS: Final = tuple(f"_{name}.tif" for name in c.BAND_NAMES)
_FILES: Final = (*sorted(_BANDS), JSON_SUFFIX)
_BAND_FILE: Final = re.compile(r"_B\w\w\.tiff?", re.ASCII | re.IGNORECASE)
_STACKS: Final = tuple(
    (metres, tuple(f"_{name}.tif" for name in names), c.PATCH_METRES // metres)
    for metres, names in c.RESOLUTIONS.items()
)
_UINT16: Final[np.dtype[Any]] = np.dtype(np.uint16)


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
        If it cannot be used; ``kind`` says why: those of `parse_metadata` and of
        `stacbuild.raster.read.read_chip`, ``patch-name``, ``json-missing``, ``missing-band``,
        ``extra-band``, ``stray-file``, ``wrong-dtype``, ``wrong-shape``, ``wrong-nodata``,
        ``crs-differs``, ``corners-differ``, ``json-disagrees``, ``off-lattice``.
    """
    name = parse_name(text)
    if name is None:
        raise SampleError("patch-name", f"{text!r} is not a patch's name")
    if list(files.names) != [text + suffix for suffix in _FILES]:
        raise _odd_files(text, files)
    json_name = text + JSON_SUFFIX
    where = files.where(json_name)
    metadata = parse_metadata(files.read(json_name), where)
    stacks: dict[int, NDArray[np.uint16]] = {}
    first: Chip | None = None
    left = top = 0.0
    for metres, suffixes, size in _STACKS:
        side, shape = float(metres), (1, size, size)
        stack = np.empty((len(suffixes), size, size), _UINT16)
        for row, suffix in enumerate(suffixes):
            file = text + suffix
            chip = read_chip(files.read(file), files.where(file))
            if first is None:
                first = chip
                _, _, left, _, _, top = chip.transform
            # One look at each band; which of them failed, and how, is found out afterwards.
            array = chip.array
            if (
                array.dtype != _UINT16
                or array.shape != shape
                or chip.transform != (side, 0.0, left, 0.0, -side, top)
                or chip.crs != first.crs
                or chip.nodata
            ):
                raise SampleError(*_fault(chip, metres, first), file=files.where(file))
            stack[row] = array[0]
        stacks[metres] = stack
    ulx, uly = _check_place(first, metadata, name, where)
    return Patch(name, metadata.epsg, ulx, uly, stacks, metadata)


def _fault(chip: Chip, metres: int, first: Chip) -> tuple[str, str]:
    """Return kind and reason of a band that is not what it should be, or elsewhere."""
    size = c.PATCH_METRES // metres
    if chip.array.dtype != _UINT16:
        return "wrong-dtype", f"pixels are {chip.array.dtype}, not uint16"
    if chip.array.shape != (1, size, size):
        return "wrong-shape", f"bands, rows, columns are {chip.array.shape}, not {(1, size, size)}"
    if chip.nodata:
        return "wrong-nodata", f"nodata is {chip.nodata}, not 0 or undeclared"
    a, b, left, d, e, top = chip.transform
    if (a, b, d, e) != (metres, 0, 0, -metres):
        return "wrong-shape", f"pixels are {a} by {-e} m, not {metres} by {metres}, or turned"
    if chip.crs != first.crs:
        return "crs-differs", f"the CRS is {chip.crs}, other bands have {first.crs}"
    corner = first.transform[2], first.transform[5]
    return "corners-differ", f"the corner is {left, top}, that of other bands {corner}"


def _odd_files(text: str, files: Files) -> SampleError:
    """Return the error for files that are missing, or too many."""
    found = set(files.names)
    if text + JSON_SUFFIX not in found:
        where = files.where(text + JSON_SUFFIX)
        return SampleError("json-missing", "the JSON is missing", file=where, mend=AGAIN)
    for suffix in _BANDS:
        if text + suffix not in found:
            where = files.where(text + suffix)
            return SampleError("missing-band", "the band is missing", file=where, mend=AGAIN)
    extra = min(found - {text + suffix for suffix in _FILES})
    band = extra.startswith(text) and _BAND_FILE.fullmatch(extra[len(text) :])
    return SampleError(
        "extra-band" if band else "stray-file",
        "a patch has no such file",
        file=files.where(extra),
        mend="Move it out of the folder",
    )


def _check_place(
    chip: Chip | None, metadata: PatchMetadata, name: PatchName, where: str
) -> tuple[int, int]:
    """Return the corner, if rasters, JSON, name and tile agree on it."""
    if chip is None or chip.crs != f"EPSG:{metadata.epsg}":
        reason = f"EPSG:{metadata.epsg} in the JSON, {chip and chip.crs} in the rasters"
        raise SampleError("json-disagrees", reason, file=where)
    if (metadata.mission, metadata.date) != (name.mission, name.date):
        reason = f"tile_source is {metadata.tile_source}: another satellite or day than the name's"
        raise SampleError("json-disagrees", reason, file=where)
    left, top = chip.transform[2], chip.transform[5]
    if left % LATTICE or top % LATTICE:
        reason = f"the corner {left, top} is off the {LATTICE} m lattice"
        raise SampleError("off-lattice", reason, file=where)
    ulx, uly = int(left), int(top)
    tile = c.TILES.get(metadata.tile)
    if tile is not None:
        grid = (tile.ulx + c.PATCH_METRES * name.h, tile.uly - c.PATCH_METRES * name.v)
        if metadata.epsg != tile.epsg or (ulx, uly) != grid:
            reason = (
                f"EPSG:{metadata.epsg}, {ulx, uly} is not the corner of column {name.h}, "
                f"row {name.v} of tile {tile.name}: EPSG:{tile.epsg}, {grid}"
            )
            raise SampleError("off-lattice", reason, file=where)
    claimed = (metadata.ulx, metadata.uly, metadata.lrx, metadata.lry)
    if claimed != (ulx, uly, ulx + c.PATCH_METRES, uly - c.PATCH_METRES):
        reason = f"corners are {claimed} in the JSON, {ulx, uly} in the rasters"
        raise SampleError("json-disagrees", reason, file=where)
    return ulx, uly


def scan(inputs: Inputs) -> Iterator[SampleRef]:
    """Yield a reference to every patch folder.

    What lies beside the patches and is neither a patch nor a list is left out with a warning in
    the log.

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
    strays, example = 0, ""
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if NAME.fullmatch(name) and entry.is_dir():
                yield SampleRef(name, prefix + name if prefix else name, "patches")
            elif not _expected_beside(name):
                strays += 1
                example = min(example or name, name)
    if strays:
        _LOG.warning("%s: %d entries are no patches, such as %r", folder, strays, example)


def _expected_beside(name: str) -> bool:
    """Whether an entry beside patches is a list, or a folder of lists."""
    return name in _FOLDERS or name.removesuffix(".gz").removesuffix(".bz2") in LISTS.values()


def patch_folder(top: Path) -> Path | None:
    """Return the folder that directly holds patch folders; None where there is none.

    It is looked for in ``top`` and two levels below, in 100,000 entries of each folder.

    Raises
    ------
    UsageError
        If ``top`` cannot be read, several folders of a level hold patches, or they are of
        another release.
    """
    level = [top]
    for depth in range(_DEPTH):
        holding: list[Path] = []
        below: list[Path] = []
        for folder in level:
            try:
                children = _folders_in(folder)
            except OSError as error:
                if depth:
                    continue  # such as lost+found
                mend = "Unpack it, and name the folder" if top.is_file() else None
                reason = error.strerror or "cannot be read"
                raise UsageError(reason, file=top, mend=mend) from error
            if any(map(NAME.fullmatch, children)):
                holding.append(folder)
            below += [folder / child for child in children]
        if len(holding) > 1:
            found = ", ".join(sorted(str(folder) for folder in holding))
            reason = "several folders hold patches"
            raise UsageError(reason, file=top, mend=f"Name one of {found}")
        if holding:
            return holding[0]
        _refuse_next_release(below, top)
        level = sorted(below)
    return None


def _folders_in(folder: Path) -> list[str]:
    """Return the names of the folders in a folder; of patches, the first one is enough."""
    names = []
    with os.scandir(folder) as entries:
        for entry in islice(entries, _PROBE):
            if entry.is_dir():
                names.append(entry.name)
                if NAME.fullmatch(entry.name):
                    break
    return names


def _refuse_next_release(folders: list[Path], top: Path) -> None:
    for folder in folders:
        if _NEXT_RELEASE.match(folder.name):
            raise UsageError(
                f"{folder.name} is of BigEarthNet v2.0; this is a reader of v1.0",
                file=top,
                mend=f"Fetch version 1.0: {c.DOWNLOAD}",
            )


def discover(raw: Path) -> dict[str, Path]:
    """Return the inputs of a download folder: the patches, and lists under published names.

    Lists are looked for in it, in its folders ``splits``, ``exclusions``, ``lists`` and ``index``,
    and, where ``raw`` itself holds the patches, in the same places beside it.
    """
    patches = patch_folder(raw) or raw
    found = {"patches": patches}
    tops = [raw, patches, *([Path(os.path.abspath(raw)).parent] if patches == raw else [])]  # noqa: PTH100 - links stay
    for key, file in LISTS.items():
        places = (
            top / name / f"{file}{end}" for top in tops for name in _FOLDERS for end in _PACKED
        )
        path = next(filter(Path.is_file, places), None)
        if path is not None:
            found[key] = path
    return found
