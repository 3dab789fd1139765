"""GDAL's own validator on what we write: the second opinion that issue reports would quote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import rasterio
from affine import Affine

from stacbuild import dataset
from stacbuild.engine.build import BuildRequest, build

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Complaints = Callable[[list[Path]], dict[str, list[str]]]


def cogs_of(raw: Path, root: Path) -> list[Path]:
    known = dataset.load("bigearthnet")
    build(BuildRequest(root=root, dataset=known.id, inputs=known.discover(raw)))
    return sorted(root.rglob("*.tif"))


def test_gdal_finds_nothing_in_synthetic_patches(
    tmp_path: Path, gdal_complaints: Complaints
) -> None:
    dataset.load("bigearthnet").sample(tmp_path / "raw", size=4, seed=1)
    cogs = cogs_of(tmp_path / "raw", tmp_path / "catalog")
    assert len(cogs) == 4 * 4
    assert gdal_complaints(cogs) == {str(path): [] for path in cogs}


def test_gdal_finds_nothing_in_the_real_patches(
    real_patches: Path, tmp_path: Path, gdal_complaints: Complaints
) -> None:
    cogs = cogs_of(real_patches, tmp_path)
    assert len(cogs) == 6 * 4
    assert gdal_complaints(cogs) == {str(path): [] for path in cogs}


def test_gdal_does_complain_of_what_is_no_cog(tmp_path: Path, gdal_complaints: Complaints) -> None:
    path = tmp_path / "strips.tif"
    pixels = np.zeros((1, 1100, 1100), np.uint16)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=1100,
        height=1100,
        count=1,
        dtype="uint16",
        crs="EPSG:32635",
        transform=Affine(10, 0, 0, 0, -10, 0),
    ) as file:
        file.write(pixels)
    (complaints,) = gdal_complaints([path]).values()
    assert any("tiled" in one for one in complaints)
