"""Translate rasters above 512 px to Cloud Optimized GeoTIFFs with overviews, by rio-cogeo."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rio_cogeo.cogeo import cog_translate

from stacbuild.errors import SampleError
from stacbuild.raster.read import AGAIN, gdal_env

BLOCK: Final = 512
"""Side of the tiles, and of the smallest overview."""


def translate(
    source: str | Path,
    target: str | Path,
    *,
    categorical: bool,
    nodata: float | None = None,
    driver: str = "GTiff",
) -> None:
    """Write a raster as a Cloud Optimized GeoTIFF with overviews.

    Pixels, grid, CRS, colours, colour table, band descriptions, scales and offsets are kept.
    The target appears whole or not at all.

    Parameters
    ----------
    source : str or Path
        The raster.
    target : str or Path
        The file to write; its folder exists.
    categorical : bool
        Whether pixels are classes: overviews then take the most frequent one, never an average,
        and tiles are compressed without a predictor.
    nodata : int or float, optional
        In place of what the source declares.
    driver : str
        The GDAL driver that opens the source, and the only one: some (VRT) lead to other files.

    Raises
    ------
    SampleError
        ``unreadable-raster`` if GDAL cannot read the source, ``not-north-up`` if its grid is
        turned or given by control points, which rio-cogeo would resample.
    """
    target = Path(target)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    config = {"GDAL_NUM_THREADS": "1", "GDAL_TIFF_INTERNAL_MASK": "YES"}
    try:
        with warnings.catch_warnings(), gdal_env(**config):
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            # rasterio 1.4 multiplies matrices in a way that affine 3 announces to drop.
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            with rasterio.open(source, driver=driver) as raster:
                _check_grid(raster, source)
                cog_translate(
                    raster,
                    str(part),
                    _profile(raster, categorical=categorical),
                    nodata=nodata,
                    overview_resampling="mode" if categorical else "average",
                    allow_intermediate_compression=True,
                    in_memory=False,
                    quiet=True,
                )
        part.replace(target)
    except RasterioError as error:
        reason = f"GDAL cannot translate it: {error.__cause__ or error}"
        raise SampleError("unreadable-raster", reason, file=source, mend=AGAIN) from error
    finally:
        part.unlink(missing_ok=True)


def _check_grid(raster: Any, source: str | Path) -> None:  # noqa: ANN401 - rasterio has no types
    """Refuse rasters whose pixels would not come out as they went in."""
    a, b, _, d, e, _ = raster.transform[:6]
    identity = (a, e) == (1, 1)  # what rasterio says where there is no location
    if b or d or a <= 0 or (e >= 0 and not identity) or raster.gcps[0]:
        reason = "its grid is not north-up"
        raise SampleError("not-north-up", reason, file=source, mend="Warp it first")


def _profile(raster: Any, *, categorical: bool) -> dict[str, Any]:  # noqa: ANN401 - rasterio has no types
    """Return the creation options of GDAL's GTiff driver for a raster."""
    kind = np.dtype(raster.dtypes[0]).kind
    return {
        "driver": "GTiff",
        "interleave": "pixel",
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        "compress": "deflate",
        "zlevel": 6,
        "predictor": 1 if categorical or kind not in "uif" else (3 if kind == "f" else 2),
        "bigtiff": "if_safer",
    }
