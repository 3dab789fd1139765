"""A second and a third opinion on a COG: rio-cogeo's, and that of GDAL, which decodes it."""

from __future__ import annotations

import math
import warnings
from typing import Any

import rasterio
from rasterio.errors import RasterioError
from rasterio.session import DummySession
from rasterio.warp import transform_bounds
from rio_cogeo.cogeo import cog_validate

from stacbuild.validate.findings import Finding, error

FOOTPRINT_TOLERANCE = 0.05
"""How far item and raster may differ, as a share of the raster's own extent: an item's box is that
of its corners (or densified edges), rounded; a swapped corner is off by far more."""


def check_decoded(
    path: str, asset: dict[str, Any], item: dict[str, Any], file: str
) -> tuple[list[Finding], list[float] | None]:
    """Return what GDAL and rio-cogeo have against a COG, and where it lies.

    Parameters
    ----------
    path : str
        Full path of the file.
    asset, item : dict
        The asset and its item.
    file : str
        The file's name, for the findings.

    Returns
    -------
    findings : list of Finding
        What is wrong.
    bounds : list of float or None
        West, south, east, north in degrees, where the file has a place.
    """
    # A session of our own: with credentials in the environment, each open would make one.
    quiet = rasterio.Env(DummySession(), GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR")
    with quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            valid, errors, remarks = cog_validate(path, strict=True, quiet=True)
            if not valid:
                text = f"rio-cogeo: {'; '.join(errors + remarks)}"
                return [error("cog-layout", file, text)], None
            with rasterio.open(path) as raster:
                for band in raster.indexes:
                    raster.read(band)
                return _place(raster, asset, item, file)
        except (RasterioError, ValueError, OSError) as reason:
            return [error("cog-decode", file, f"GDAL cannot read it ({reason})")], None


def _place(
    raster: rasterio.DatasetReader, asset: dict[str, Any], item: dict[str, Any], file: str
) -> tuple[list[Finding], list[float] | None]:
    code = asset.get("proj:code", item["properties"].get("proj:code"))
    if "proj:transform" not in asset or code is None:
        return [], None
    if raster.crs is None or raster.crs != rasterio.crs.CRS.from_string(code):
        return [error("cog-asset", file, f"its CRS is {raster.crs}, the item's {code}")], None
    return [], list(transform_bounds(raster.crs, "OGC:CRS84", *raster.bounds))


def footprint_faults(bounds: list[list[float]], item: dict[str, Any], file: str) -> list[Finding]:
    """Return whether an item lies where its rasters lie.

    Parameters
    ----------
    bounds : list of list of float
        Of each raster: west, south, east, north in degrees.
    item : dict
        The item, with its bbox.
    file : str
        The item's file, for the findings.
    """
    stated = item.get("bbox")
    if not bounds or stated is None:
        return []
    if any(one[0] > one[2] for one in (*bounds, stated)):
        return []  # across the 180th meridian boxes are not compared this way
    sides = list(zip(*bounds, strict=True))
    own = [min(sides[0]), min(sides[1]), max(sides[2]), max(sides[3])]
    slack = FOOTPRINT_TOLERANCE * max(own[2] - own[0], own[3] - own[1])
    # Written so that infinite bounds, which a wrong CRS gives, are a fault too.
    if all(abs(one - two) <= slack < math.inf for one, two in zip(own, stated, strict=True)):
        return []
    box = [round(side, 7) for side in own]
    return [error("footprint", file, f"its rasters cover {box}, its bbox is {stated}")]
