"""GDAL's own validator, with its full check of block leaders and trailers, on what is written.

It comes with GDAL's Python bindings (Debian: ``python3-gdal``), which the rasterio wheel has not:
the interpreter that has them is the system's, or the one that STACBUILD_GDAL_PYTHON names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
from rasterio import Affine

from stacbuild.raster.read import read_chip
from stacbuild.raster.stamp import DTYPES, ChipSpec, stamp
from stacbuild.raster.translate import translate

if TYPE_CHECKING:
    from pathlib import Path

MODULE = "osgeo_utils.samples.validate_cloud_optimized_geotiff"
CHECK = f"""
import sys
from {MODULE} import validate
bad = 0
for name in sys.argv[1:]:
    warnings, errors, _ = validate(name, full_check=True)
    bad += bool(warnings or errors)
    print(name, warnings, errors)
sys.exit(bad)
"""


def gdal_python() -> str | None:
    """Return an interpreter that has the validator."""
    candidates = (os.environ.get("STACBUILD_GDAL_PYTHON"), "/usr/bin/python3")
    for python in candidates:
        if python and shutil.which(python):
            command = [python, "-c", f"import {MODULE}"]
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                return python
    return None


PYTHON = gdal_python()
pytestmark = pytest.mark.skipif(
    PYTHON is None, reason="no Python with GDAL's validator (Debian: python3-gdal)"
)


def validate(*files: Path) -> None:
    assert PYTHON is not None
    command = [PYTHON, "-c", CHECK, *map(str, files)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("[] []") == len(files)


def test_the_validator_finds_fault_with_a_broken_leader(tmp_path: Path) -> None:
    data = stamp(ChipSpec(20, 20), np.ones((1, 20, 20), np.uint16))
    broken = bytearray(data)
    broken[-1] ^= 0xFF  # the trailer
    (tmp_path / "x.tif").write_bytes(broken)
    with pytest.raises(AssertionError, match="trailer"):
        validate(tmp_path / "x.tif")


def test_chips_of_all_kinds(tmp_path: Path) -> None:
    files = []
    for dtype in sorted(DTYPES):
        for bands, side in ((1, 20), (4, 120), (313, 9)):
            names = tuple(f"B{band}" for band in range(bands))
            spec = ChipSpec(side, side, bands, dtype, "EPSG:32633", (10, 10), 0, names)
            array = np.random.default_rng(0).integers(0, 100, (bands, side, side)).astype(dtype)
            files.append(tmp_path / f"{dtype}-{bands}.tif")
            files[-1].write_bytes(stamp(spec, array, (5e5, 4e6)))
    spec = ChipSpec(120, 120, 3, "uint8", "EPSG:32633", (10, 10), 0, (), "rgb")
    files.append(tmp_path / "rgb.tif")
    files[-1].write_bytes(stamp(spec, np.ones((3, 120, 120), np.uint8), (5e5, 4e6)))
    validate(*files)


def test_real_chips(real_patches: Path, tmp_path: Path) -> None:
    files = []
    for path in sorted(real_patches.glob("*/*_B0[125].tif")):
        raw = read_chip(path.read_bytes(), path.name)
        scale = (raw.transform[0], -raw.transform[4])
        spec = ChipSpec(*raw.array.shape[1:], 1, "uint16", raw.crs, scale, 0)
        files.append(tmp_path / path.name)
        files[-1].write_bytes(stamp(spec, raw.array, raw.origin))
    assert len(files) == 18
    validate(*files)


def test_large_rasters(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 9, (2, 700, 1300)).astype(np.uint16)
    with rasterio.open(
        tmp_path / "in.tif", "w", driver="GTiff", count=2, height=700, width=1300, dtype="uint16",
        crs="EPSG:32633", transform=Affine(10, 0, 5e5, 0, -10, 4e6),
    ) as target:  # fmt: skip
        target.write(array)
    translate(tmp_path / "in.tif", tmp_path / "out.tif", categorical=False)
    validate(tmp_path / "out.tif")
