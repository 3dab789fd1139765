from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from rasterio import Affine
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rio_cogeo import cog_validate

from stacbuild.errors import SampleError
from stacbuild.raster.translate import translate

if TYPE_CHECKING:
    from pathlib import Path

COLOURS = {0: (0, 0, 0, 0), 1: (255, 0, 0, 255), 7: (3, 4, 5, 255)}


def write(path: Path, array: np.ndarray[Any, Any], **options: object) -> None:
    bands, height, width = array.shape
    profile = {
        "driver": "GTiff", "count": bands, "height": height, "width": width,
        "dtype": array.dtype.name, "crs": "EPSG:32633",
        "transform": Affine(10, 0, 5e5, 0, -10, 4e6),
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **(profile | options)) as target:
            target.write(array)
            target.descriptions = [f"band {band}" for band in range(bands)]
            if bands == 1 and array.dtype == np.uint8:
                target.write_colormap(1, COLOURS)


def scene(dtype: str, bands: int) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(0)
    coarse = rng.choice([0, 1, 7], (bands, 40, 50))
    return coarse.repeat(16, axis=1).repeat(16, axis=2)[:, :631, :777].astype(dtype)


@pytest.mark.parametrize(
    ("dtype", "bands", "categorical", "options"),
    [
        ("uint8", 1, True, {"nodata": 0}),
        ("uint16", 1, True, {}),
        ("uint16", 4, False, {"nodata": 0}),
        ("int16", 2, False, {"nodata": -1}),
        ("float32", 2, False, {"nodata": float("nan")}),
        ("uint8", 3, False, {"photometric": "rgb"}),
        ("uint16", 1, False, {"crs": None, "transform": Affine.identity()}),
    ],
)
def test_translated(
    dtype: str, bands: int, categorical: bool, options: dict[str, Any], tmp_path: Path
) -> None:
    array = scene(dtype, bands)
    source, target = tmp_path / "in.tif", tmp_path / "out.tif"
    write(source, array, **options)
    translate(source, target, categorical=categorical)
    first = target.read_bytes()
    translate(source, target, categorical=categorical)
    assert target.read_bytes() == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.tif", "out.tif"]
    assert cog_validate(target, strict=True, quiet=True) == (True, [], [])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(source) as raw, rasterio.open(target) as cog:
            np.testing.assert_array_equal(cog.read(), array)
            assert cog.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert (cog.crs, cog.transform) == (raw.crs, raw.transform)
            np.testing.assert_equal(cog.nodata, raw.nodata)
            assert cog.descriptions == raw.descriptions
            assert cog.colorinterp == raw.colorinterp
            assert cog.block_shapes == [(512, 512)] * bands
            assert cog.overviews(1) == [2]
            small = cog.read(1, out_shape=(316, 389))
            if categorical:
                assert set(np.unique(small)) <= {0, 1, 7}
            if cog.colorinterp[0] is ColorInterp.palette:
                assert {value: cog.colormap(1)[value] for value in COLOURS} == COLOURS


def test_nodata_can_be_declared(tmp_path: Path) -> None:
    write(tmp_path / "in.tif", scene("uint16", 1))
    translate(tmp_path / "in.tif", tmp_path / "out.tif", categorical=True, nodata=7)
    with rasterio.open(tmp_path / "out.tif") as cog:
        assert cog.nodata == 7
        np.testing.assert_array_equal(cog.read(), scene("uint16", 1))


@pytest.mark.parametrize("content", [b"", b"II*\0\x08\0\0\0", b"<VRTDataset/>"])
def test_broken_sources_leave_nothing(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "in.tif").write_bytes(content)
    with pytest.raises(SampleError) as caught:
        translate(tmp_path / "in.tif", tmp_path / "out.tif", categorical=False)
    assert caught.value.kind == "unreadable-raster"
    assert caught.value.file == str(tmp_path / "in.tif")
    assert [path.name for path in tmp_path.iterdir()] == ["in.tif"]


def test_a_truncated_source_leaves_the_target_alone(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 999, (1, 700, 700)).astype(np.uint16)
    write(tmp_path / "in.tif", noise, compress="deflate")
    data = (tmp_path / "in.tif").read_bytes()
    (tmp_path / "in.tif").write_bytes(data[: len(data) // 2])
    (tmp_path / "out.tif").write_bytes(b"before")
    with pytest.raises(SampleError):
        translate(tmp_path / "in.tif", tmp_path / "out.tif", categorical=False)
    assert (tmp_path / "out.tif").read_bytes() == b"before"
    assert len(list(tmp_path.iterdir())) == 2


def test_turned_grids_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "in.tif", scene("uint8", 2), transform=Affine(10, 1, 0, 1, -10, 0))
    with pytest.raises(SampleError, match="north-up"):
        translate(tmp_path / "in.tif", tmp_path / "out.tif", categorical=False)


def test_other_drivers_open_only_when_asked(tmp_path: Path) -> None:
    write(tmp_path / "in.tif", scene("uint8", 2))
    from rasterio.shutil import copy  # noqa: PLC0415 - one test

    copy(str(tmp_path / "in.tif"), str(tmp_path / "in.vrt"), driver="VRT")
    with pytest.raises(SampleError):
        translate(tmp_path / "in.vrt", tmp_path / "out.tif", categorical=False)
    translate(tmp_path / "in.vrt", tmp_path / "out.tif", categorical=False, driver="VRT")
    with rasterio.open(tmp_path / "out.tif") as cog:
        assert cog.count == 2
