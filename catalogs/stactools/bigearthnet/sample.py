"""Synthetic raw input in the exact layout of the release: patches, lists, side tables.

FOLDER/BigEarthNet-v1.0/<patch>/<patch>_B01.tif … <patch>_labels_metadata.json
FOLDER/splits/{train,val,test}.csv
FOLDER/exclusions/patches_with_*.csv
FOLDER/index/tile_names_and_links.csv, s1_s2_name_country_season.csv
FOLDER/faults.csv                       with faults: id and kind of each broken patch
"""

from __future__ import annotations

import json
import os
import uuid
from typing import TYPE_CHECKING, Final

from stacbuild.errors import UsageError
from stactools.bigearthnet import constants as c
from stactools.bigearthnet.faults import KINDS, broken, listed_in
from stactools.bigearthnet.plan import plan
from stactools.bigearthnet.raw import JSON_SUFFIX, LISTS
from stactools.bigearthnet.rawtiff import raw_tiff
from stactools.bigearthnet.scenery import pixels

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from stactools.bigearthnet.plan import Planned

TOP: Final = "BigEarthNet-v1.0"
"""The folder in the published archive."""
MANIFEST: Final = "faults.csv"
"""Which patches are broken, and how: ``id,kind``."""

_LISTS: Final = {
    name: f"{'splits' if name in ('train', 'val', 'test') else 'exclusions'}/{LISTS[name]}"
    for name in ("train", "val", "test", "snow", "cloud", "no_19_class")
}
_PRODUCTS: Final = f"index/{LISTS['products']}"
_COUNTRIES: Final = f"index/{LISTS['countries']}"
# The community's lists end lines with LF, the authors' with CRLF.
_LF: Final = frozenset((_LISTS["no_19_class"], _COUNTRIES))

_CENTRAL_MERIDIAN: Final = {zone: 6 * zone - 183 for zone in range(1, 61)}
_WKT: Final = (
    'PROJCS["WGS 84 / UTM zone {zone}N",GEOGCS["WGS 84",DATUM["WGS_1984",'
    'SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],'
    'UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],'
    'AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]],PROJECTION["Transverse_Mercator"],'
    'PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",{meridian}],'
    'PARAMETER["scale_factor",0.9996],PARAMETER["false_easting",500000],'
    'PARAMETER["false_northing",0],UNIT["metre",1,AUTHORITY["EPSG","9001"]],'
    'AXIS["Easting",EAST],AXIS["Northing",NORTH],AUTHORITY["EPSG","{epsg}"]]'
)


def write_sample(folder: Path, *, size: int, seed: int, faults: bool = False) -> None:
    """Write synthetic patches with their lists and side tables.

    A patch depends on the seed and its name alone; a smaller sample is the beginning of a larger
    one. From 16 patches on every quirk of the release is there.

    Parameters
    ----------
    folder : Path
        Made if it is not there; must be empty.
    size : int
        How many whole patches.
    seed : int
        0 or more; what they look like, their labels and splits.
    faults : bool
        Add one broken patch of each kind, and ``faults.csv`` that names them.

    Raises
    ------
    UsageError
        If the folder is not empty, or size or seed make no sense.
    """
    if size < 1 or seed < 0:
        raise UsageError("a sample has at least one patch, and a seed of 0 or more")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            "there is something already", file=folder, mend="Name a new or an empty folder"
        )
    wanted = size + len(KINDS) * faults
    planned = list(plan(wanted, seed))
    if len(planned) < wanted:
        raise UsageError(f"a sample has at most {len(planned) - len(KINDS) * faults:,} patches")
    top = folder / TOP
    top.mkdir(parents=True)
    for patch in planned[:size]:
        write_files(f"{top}/{patch.name}", patch_files(patch))
    kinds = dict(zip((patch.name for patch in planned[size:]), KINDS, strict=faults))
    for patch in planned[size:]:
        write_files(f"{top}/{patch.name}", broken(kinds[patch.name], patch, patch_files(patch)))
    _write_tables(folder, planned, kinds)
    if faults:
        _write_lines(folder / MANIFEST, ["id,kind", *map(",".join, kinds.items())], "\n")


def patch_files(planned: Planned) -> dict[str, bytes]:
    """Return the thirteen files of a whole patch: name to content."""
    name, epsg, corner = planned.name, planned.tile.epsg, planned.corner
    files = {
        f"{name}_{band}.tif": raw_tiff(array, epsg, corner, c.BAND[band].resolution)
        for band, array in pixels(planned).items()
    }
    files[name + JSON_SUFFIX] = metadata(planned)
    return files


def metadata(planned: Planned) -> bytes:
    """Return the patch's JSON as the release has it: one line of ASCII, five keys."""
    left, top = planned.corner
    epsg = planned.tile.epsg
    zone = epsg % 100
    content = {
        "labels": [c.LABELS_43[index] for index in sorted(planned.labels)],
        "coordinates": {
            "ulx": left,
            "uly": top,
            "lrx": left + c.PATCH_METRES,
            "lry": top - c.PATCH_METRES,
        },
        "projection": _WKT.format(zone=zone, meridian=_CENTRAL_MERIDIAN[zone], epsg=epsg),
        "tile_source": planned.tile_source,
        "acquisition_date": planned.acquisition_date,
    }
    return json.dumps(content).encode("ascii")


def write_files(folder: str, files: dict[str, bytes]) -> None:
    """Write files into a new folder."""
    os.mkdir(folder)  # noqa: PTH102 - hundreds a second: no Path for each
    for name, data in files.items():
        handle = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            os.write(handle, data)
        finally:
            os.close(handle)


def _write_tables(folder: Path, planned: list[Planned], kinds: dict[str, str]) -> None:
    """Write the lists and side tables, restricted to the patches of the sample."""
    tables: dict[str, list[str]] = {path: [] for path in _LISTS.values()}
    tables[_PRODUCTS] = []
    tables[_COUNTRIES] = ["s1_name,s2_name,country,season"]
    for patch in planned:
        name, product = patch.name, patch.product.name
        for which in listed_in(kinds.get(name), patch):
            tables[_LISTS[which]].append(name)
        link = uuid.uuid5(uuid.NAMESPACE_URL, product)
        tables[_PRODUCTS].append(
            f"{name},{product}.SAFE,"
            f"https://scihub.copernicus.eu/apihub/odata/v1/Products('{link}')/$value"
        )
        tables[_COUNTRIES].append(f"{patch.s1_name},{name},{patch.country},{patch.season}")
    for path, lines in tables.items():
        _write_lines(folder / path, lines, "\n" if path in _LF else "\r\n")


def _write_lines(path: Path, lines: Iterable[str], end: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + end for line in lines).encode("ascii"))
