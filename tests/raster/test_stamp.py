from __future__ import annotations

import hashlib
import platform
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from rio_cogeo import cog_validate

from stacbuild.raster import stamp as module
from stacbuild.raster.read import read_chip
from stacbuild.raster.stamp import DTYPES, MAX_SIDE, PIXEL_FORMAT, ChipSpec, stamp

LAEA = rasterio.CRS.from_string("+proj=laea +lat_0=52 +lon_0=10 +x_0=7 +ellps=GRS80").to_wkt()


def noise(spec: ChipSpec, seed: int = 0) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    shape = (spec.bands, spec.height, spec.width)
    if spec.dtype.startswith("float"):
        return rng.normal(size=shape).astype(spec.dtype)
    info = np.iinfo(spec.dtype)
    return rng.integers(info.min, info.max, shape, dtype=spec.dtype, endpoint=True)


def check(spec: ChipSpec, array: np.ndarray[Any, Any], origin: tuple[float, float] | None) -> bytes:
    """Check all that a stamped chip must be, as rasterio sees it."""
    data = stamp(spec, array, origin)
    assert data == stamp(spec, array, origin)
    with warnings.catch_warnings(), MemoryFile(data) as file:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with file.open(driver="GTiff") as source:
            read = source.read()
            assert read.dtype == array.dtype
            np.testing.assert_array_equal(read, array)
            structure = source.tags(ns="IMAGE_STRUCTURE")
            assert structure["LAYOUT"] == "COG"
            assert structure["COMPRESSION"] == "DEFLATE"
            assert structure["PREDICTOR"] == ("3" if array.dtype.kind == "f" else "2")
            sides = [-(-side // 16) * 16 for side in array.shape[1:]]
            assert source.block_shapes == [tuple(sides)] * spec.bands
            np.testing.assert_equal(source.nodata, spec.nodata)
            assert [text or "" for text in source.descriptions] == list(
                spec.descriptions or [""] * spec.bands
            )
            if spec.crs is None:
                assert source.crs is None
            else:
                assert source.crs == rasterio.CRS.from_user_input(spec.crs)
            if origin is not None:
                wide, high = spec.resolution or (0, 0)
                assert source.transform[:6] == (wide, 0, origin[0], 0, -high, origin[1])
        assert cog_validate(file.name, strict=True, quiet=True) == (True, [], [])
    return data


@st.composite
def specs(draw: st.DrawFn) -> ChipSpec:
    dtype = draw(st.sampled_from(sorted(DTYPES)))
    side = st.one_of(st.integers(1, 40), st.sampled_from([64, 120, 256, 511, 512]))
    bands = draw(st.integers(1, 5))
    if dtype.startswith("float"):
        nodata = st.one_of(st.none(), st.sampled_from([0.0, -9999.0, float("nan")]))
    else:
        nodata = st.one_of(st.none(), st.sampled_from([0, 1, 127]))
    crs = draw(st.sampled_from([None, "EPSG:32633", "EPSG:4326", "EPSG:3035", LAEA]))
    sizes = st.sampled_from([(10.0, 10.0), (0.00025, 0.0005), (1.0, 1.0)])
    return ChipSpec(
        height=draw(side),
        width=draw(side),
        bands=bands,
        dtype=dtype,
        crs=crs,
        resolution=draw(sizes if crs else st.one_of(st.none(), sizes)),
        nodata=draw(nodata),
        descriptions=draw(
            st.one_of(
                st.just(()),
                st.tuples(*[st.text("ABC<&> é_01", min_size=1, max_size=9)] * bands).filter(
                    lambda texts: all(text == text.strip() for text in texts)
                ),
            )
        ),
        level=draw(st.sampled_from([1, 2])),
    )


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(specs(), st.integers(0, 9), st.data())
def test_round_trip_through_rasterio(spec: ChipSpec, seed: int, data: st.DataObject) -> None:
    shape = (spec.bands, spec.height, spec.width)
    if spec.height * spec.width <= 300:
        array = data.draw(hnp.arrays(spec.dtype, shape))
    else:
        array = noise(spec, seed)
    finite = st.floats(-1e7, 1e7, allow_nan=False)
    origin = data.draw(st.tuples(finite, finite)) if spec.resolution else None
    check(spec, array, origin)


@pytest.mark.parametrize("dtype", sorted(DTYPES))
@pytest.mark.parametrize("bands", [1, 4])
def test_round_trip_through_tifffile(dtype: str, bands: int, tmp_path: Path) -> None:
    spec = ChipSpec(37, 61, bands, dtype, "EPSG:32633", (10, 10), None)
    array = noise(spec)
    path = tmp_path / "x.tif"
    path.write_bytes(stamp(spec, array, (5e5, 4e6)))
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        assert len(file.pages) == 1
        assert (page.tilelength, page.tilewidth) == (48, 64)
        assert page.dtype == array.dtype
        if array.dtype.kind == "f":
            # tifffile leaves predictor 3 to a package that is not needed otherwise.
            assert page.predictor == 3
            return
        np.testing.assert_array_equal(page.asarray().reshape(array.shape), array)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_an_origin_at_zero(dtype: str) -> None:
    spec = ChipSpec(8, 8, 1, dtype, None, (1, 1))
    check(spec, noise(spec), (0.0, 0.0))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_hundreds_of_bands(dtype: str) -> None:
    names = tuple(f"t{step}_B{band:02}" for step in range(26) for band in range(12))
    spec = ChipSpec(20, 20, 312, dtype, "EPSG:32633", (60, 60), 0, names)
    check(spec, noise(spec), (5e5, 4e6))


def test_the_largest_chip_and_not_one_pixel_more() -> None:
    spec = ChipSpec(MAX_SIDE, MAX_SIDE, 2, "uint16", "EPSG:32633", (10, 10))
    check(spec, noise(spec), (5e5, 4e6))
    with pytest.raises(ValueError, match="overviews"):
        ChipSpec(MAX_SIDE + 1, MAX_SIDE)


def test_a_picture_is_rgb_interleaved_by_pixel() -> None:
    spec = ChipSpec(
        120, 100, 3, "uint8", "EPSG:32633", (10, 10), 0, ("red", "green", "blue"), "rgb"
    )
    array = noise(spec)
    data = check(spec, array, (5e5, 4e6))
    with MemoryFile(data) as file, file.open() as source:
        assert source.interleaving.name == "pixel"
        assert source.colorinterp == (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
        assert source.mask_flag_enums[0][0].name == "nodata"


def test_views_and_known_chips_can_be_stamped() -> None:
    spec = ChipSpec(24, 30, 2, "uint16", "EPSG:32633", (10, 10))
    array = noise(ChipSpec(30, 24, 4))
    view = array[::2].transpose(0, 2, 1)
    assert not view.flags.c_contiguous
    data = stamp(spec, view, (5e5, 4e6))
    assert data == stamp(spec, view.copy(), (5e5, 4e6))
    np.testing.assert_array_equal(read_chip(data, "x").array, view)


def test_a_smaller_chip_after_a_larger_one_has_no_trace_of_it() -> None:
    small = ChipSpec(10, 10, 1, "uint16")
    alone = stamp(small, noise(small))
    for side in (16, 11, 9):
        larger = ChipSpec(side, side, 1, "uint16")
        stamp(larger, noise(larger, 5))
    assert stamp(small, noise(small)) == alone


def test_threads_do_not_share_buffers() -> None:
    spec = ChipSpec(120, 120, 4, "uint16")
    arrays = [noise(spec, seed) for seed in range(4)]
    expected = [stamp(spec, array) for array in arrays]
    wrong: list[int] = []

    def work(index: int) -> None:
        wrong.extend(index for _ in range(30) if stamp(spec, arrays[index]) != expected[index])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"height": 0}, "at least one pixel"),
        ({"bands": 0}, "bands"),
        ({"bands": 5000}, "bands"),
        ({"dtype": "complex64"}, "no chip of complex64"),
        ({"dtype": "float16"}, "no chip of float16"),
        ({"descriptions": ("a",)}, "description"),
        ({"level": 3}, "level 1 or 2"),
        ({"photometric": "ycbcr"}, "photometric"),
        ({"photometric": "rgb"}, "three bands of uint8"),
        ({"resolution": None}, "CRS needs a resolution"),
        ({"resolution": (10, -10)}, "north-up"),
        ({"resolution": (float("nan"), 10)}, "north-up"),
    ],
    ids=str,
)
def test_specs_that_cannot_be_stamped(change: dict[str, Any], reason: str) -> None:
    known: dict[str, Any] = {"crs": "EPSG:32633", "resolution": (10, 10), "bands": 2}
    with pytest.raises(ValueError, match=reason):
        ChipSpec(**{"height": 8, "width": 8, **known, **change})


@pytest.mark.parametrize("change", [{"nodata": -1}, {"nodata": 70000}, {"crs": "EPSG:1"}], ids=str)
def test_specs_that_gdal_refuses(change: dict[str, Any]) -> None:
    spec = ChipSpec(**{"height": 8, "width": 8, "resolution": (10, 10), **change})
    with pytest.raises(ValueError, match=r"."):
        stamp(spec, np.zeros((1, 8, 8), np.uint16), (0, 0))


@pytest.mark.parametrize(
    ("array", "origin", "reason"),
    [
        (np.zeros((8, 8), np.uint16), (0, 0), "not"),
        (np.zeros((2, 8, 8), np.uint16), (0, 0), "not"),
        (np.zeros((1, 8, 8), np.int16), (0, 0), "not"),
        (np.zeros((1, 8, 8), np.uint16), None, "origin"),
        (np.zeros((1, 8, 8), np.uint16), (0, float("inf")), "finite"),
    ],
)
def test_chips_that_are_not_what_the_spec_says(
    array: np.ndarray[Any, Any], origin: tuple[float, float] | None, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        stamp(ChipSpec(8, 8, 1, "uint16", "EPSG:32633", (10, 10)), array, origin)


def test_each_tile_stands_between_its_size_and_its_last_bytes() -> None:
    spec = ChipSpec(20, 20, 3, "uint16", "EPSG:32633", (60, 60))
    data = stamp(spec, noise(spec), (5e5, 4e6))
    plan = module._plan(spec)
    offsets = plan.numbers.unpack_from(data, plan.offsets)
    counts = plan.numbers.unpack_from(data, plan.counts)
    for offset, count in zip(offsets, counts, strict=True):
        assert data[offset - 4 : offset] == count.to_bytes(4, "little")
        assert data[offset + count - 4 : offset + count] == data[offset + count :][:4]
    assert offsets[-1] + counts[-1] + 4 == len(data)


# If this fails, the same pixels have become other bytes: raise PIXEL_FORMAT in stamp.py, and put
# the new digests here. GDAL and isal are pinned where catalogs are built; another release of
# either may be the reason.
GOLDEN = {
    "uint16": "d7cde75dd320f81cb25c376c55e93a798d6b56ba4dd86bec3d865c980a3d2afc",
    "float32": "dd8330bbeba1b3f7a9b86d6a907c405ceed54a9ceac63a2b5001a143447d6820",
    "rgb": "c812afb9f76e61d23e02118b4fdaa830ca14734a939f3225a949a370dd6bbbf8",
}


@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="made on x86-64")
@pytest.mark.parametrize("kind", GOLDEN)
def test_golden_bytes(kind: str) -> None:
    assert PIXEL_FORMAT == 1
    names = ("B02", "B03", "B04")
    if kind == "rgb":
        spec = ChipSpec(20, 24, 3, "uint8", "EPSG:32633", (10, 10), 0, names, "rgb")
    else:
        spec = ChipSpec(20, 24, 3, kind, "EPSG:32633", (10, 10), 0, names)
    band, row, column = np.indices((3, 20, 24))
    array = ((band * 131 + row * row * 17 + column * 29) % 251).astype(spec.dtype)
    data = stamp(spec, array, (404460.0, 5342400.0))
    assert hashlib.sha256(data).hexdigest() == GOLDEN[kind]


def test_real_patches(real_patches: Path) -> None:
    for name in ("B02", "B05", "B01"):
        for path in sorted(real_patches.glob(f"*/*_{name}.tif")):
            raw = read_chip(path.read_bytes(), path.name)
            bands, height, width = raw.array.shape
            scale = (raw.transform[0], -raw.transform[4])
            spec = ChipSpec(height, width, bands, "uint16", raw.crs, scale, 0, (name,))
            data = check(spec, raw.array, raw.origin)
            with rasterio.open(path) as source, MemoryFile(data) as file, file.open() as cog:
                np.testing.assert_array_equal(cog.read(), source.read())
                assert cog.transform == source.transform
                assert cog.crs == source.crs
                assert cog.bounds == source.bounds
