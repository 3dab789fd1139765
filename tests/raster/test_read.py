from __future__ import annotations

import io
import struct
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio import Affine
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

from stacbuild.errors import SampleError
from stacbuild.raster import read, tiff
from stacbuild.raster.claims import allowance
from stacbuild.raster.read import Chip, read_chip
from stacbuild.raster.stamp import DTYPES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KINDS = {"truncated-tiff", "tiff-claims-too-much", "zero-byte", "not-a-tiff", "unreadable-tiff"}
TRANSFORM = (10.0, 0.0, 404460.0, 0.0, -10.0, 5342400.0)


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    read._FAMILIES.clear()
    yield
    read._FAMILIES.clear()


def written(array: np.ndarray[Any, Any], **options: object) -> bytes:
    bands, height, width = array.shape
    profile = {
        "driver": "GTiff",
        "count": bands,
        "height": height,
        "width": width,
        "dtype": array.dtype.name,
        "crs": "EPSG:32633",
        "transform": Affine(*TRANSFORM),
        **options,
    }
    with warnings.catch_warnings(), MemoryFile() as file:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with file.open(**profile) as target:
            target.write(array)
        return bytes(file.read())


def pixels(dtype: str, shape: tuple[int, int, int] = (1, 50, 40)) -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).integers(0, 100, shape).astype(dtype)


def patched(data: bytes, tag: int, code: str, *values: float) -> bytes:
    """Return a file with a field's values overwritten."""
    out = bytearray(data)
    struct.pack_into("<" + code, out, tiff.parse(data).entries[tag].at, *values)
    return bytes(out)


PLAIN = written(pixels("uint16"))
TILED = written(
    pixels("uint16", (2, 50, 40)), tiled=True, blockxsize=16, blockysize=16, compress="deflate"
)


@pytest.mark.parametrize("dtype", sorted(DTYPES))
def test_plain_files_need_no_gdal(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    array = pixels(dtype)
    data = written(array)
    slow = read._read_gdal(data, "x.tif")
    monkeypatch.delattr(read, "MemoryFile")
    for _ in range(2):  # parsed, then known
        chip = read_chip(data, "x.tif")
        assert chip.array.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(chip.array, array)
        assert chip[1:] == slow[1:] == ("EPSG:32633", TRANSFORM, None, ("",))
    assert chip.epsg == 32633
    assert chip.origin == (404460.0, 5342400.0)
    assert chip.bounds == (404460.0, 5341900.0, 404860.0, 5342400.0)
    assert not chip.array.flags.owndata


def test_a_known_layout_with_another_origin_and_another_crs() -> None:
    read_chip(PLAIN, "a")
    moved = patched(PLAIN, tiff.MODEL_TIE_POINT, "6d", 0, 0, 0, 1.5, -2.5, 0)
    assert read_chip(moved, "b").origin == (1.5, -2.5)
    other = written(pixels("uint16"), crs="EPSG:32735")
    assert len(other) == len(PLAIN)
    assert read_chip(other, "c").epsg == 32735
    assert read_chip(PLAIN, "a").epsg == 32633
    turned = patched(PLAIN, tiff.MODEL_PIXEL_SCALE, "3d", 20, 20, 0)
    assert read_chip(turned, "d").transform[0] == 20
    lost = patched(PLAIN, tiff.MODEL_TIE_POINT, "6d", 0, 0, 0, float("nan"), 0, 0)
    with pytest.raises(SampleError) as caught:
        read_chip(lost, "e")
    assert caught.value.kind == "unreadable-tiff"


def test_what_is_known_is_bounded() -> None:
    for x in range(2 * read._MAX_KNOWN):
        read_chip(patched(PLAIN, tiff.MODEL_PIXEL_SCALE, "3d", x + 1, 20, 0), "x")
        read_chip(PLAIN + bytes(x), "x")
    assert len(read._FAMILIES) <= read._MAX_KNOWN
    assert all(len(family.layouts) <= read._MAX_KNOWN for family in read._FAMILIES.values())


@pytest.mark.parametrize(
    "options",
    [
        {"nodata": 0},
        {"nodata": 65535},
        {"compress": "deflate", "predictor": 2},
        {"tiled": True, "blockxsize": 16, "blockysize": 16},
        {"bigtiff": "yes"},
        {"endianness": "big"},
        {"crs": None},
        {"crs": "EPSG:4326", "transform": Affine(0.1, 0, 5, 0, -0.1, 50)},
        {"crs": "+proj=laea +lat_0=10 +lon_0=20"},
        {"crs": "EPSG:2193"},
        {"transform": Affine(10, 1, 0, 2, -10, 0)},
        {"transform": Affine(10, 0, 0, 0, 10, 0)},
        {"transform": Affine.identity()},
        {"photometric": "miniswhite"},
    ],
    ids=str,
)
@pytest.mark.parametrize("bands", [1, 3])
def test_whatever_the_layout_the_chip_is_that_of_rasterio(
    options: dict[str, Any], bands: int
) -> None:
    array = pixels("uint16", (bands, 50, 40))
    data = written(array, **options)
    chip = read_chip(data, "x.tif")
    np.testing.assert_array_equal(chip.array, array)
    with warnings.catch_warnings(), MemoryFile(data) as file:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with file.open() as source:
            assert chip.transform == source.transform[:6]
            assert chip.nodata == source.nodata
            if source.crs is None:
                assert chip.crs is None
            else:
                assert rasterio.CRS.from_user_input(chip.crs) == source.crs


@pytest.mark.parametrize("nodata", [-9999.0, float("nan"), 0.5])
def test_float_nodata(nodata: float) -> None:
    chip = read_chip(written(pixels("float32"), nodata=nodata), "x")
    np.testing.assert_equal(chip.nodata, nodata)


def test_descriptions_come_through_gdal() -> None:
    with MemoryFile() as file:
        with file.open(
            driver="GTiff", count=2, height=4, width=4, dtype="uint8", crs="EPSG:32633",
            transform=Affine(*TRANSFORM),
        ) as target:  # fmt: skip
            target.write(np.zeros((2, 4, 4), np.uint8))
            target.set_band_description(1, "red")
        data = bytes(file.read())
    assert read_chip(data, "x").descriptions == ("red", "")


def test_credentials_in_the_environment_build_no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    built = []
    monkeypatch.setattr(
        "rasterio.session.AWSSession.__init__", lambda self, *_a, **_k: built.append(self)
    )
    assert read_chip(TILED, "x").array.shape == (2, 50, 40)
    assert not built


DEFECTS = {
    "empty": (b"", "zero-byte"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(100), "not-a-tiff"),
    "vrt": (b"<VRTDataset rasterXSize='1' rasterYSize='1'></VRTDataset>", "not-a-tiff"),
    "header only": (PLAIN[:8], "truncated-tiff"),
    "cut in the directory": (PLAIN[:100], "truncated-tiff"),
    "cut in the pixels": (PLAIN[:-100], "truncated-tiff"),
    "one byte short": (PLAIN[:-1], "truncated-tiff"),
    "tiles cut": (TILED[:-10], "truncated-tiff"),
    "higher": (patched(PLAIN, tiff.IMAGE_LENGTH, "H", 5000), "tiff-claims-too-much"),
    "wider": (patched(PLAIN, tiff.IMAGE_WIDTH, "H", 80), "tiff-claims-too-much"),
    "highest": (
        patched(patched(PLAIN, tiff.IMAGE_LENGTH, "H", 65535), tiff.IMAGE_WIDTH, "H", 65535),
        "tiff-claims-too-much",
    ),
    "tiles higher": (patched(TILED, tiff.IMAGE_LENGTH, "H", 5000), "tiff-claims-too-much"),
    "long strip": (patched(PLAIN, tiff.STRIP_BYTE_COUNTS, "I", 10**9), "tiff-claims-too-much"),
    "long tile": (patched(TILED, tiff.TILE_BYTE_COUNTS, "I", 10**9), "tiff-claims-too-much"),
    "short strip": (patched(PLAIN, tiff.STRIP_BYTE_COUNTS, "I", 9), "tiff-claims-too-much"),
    "many bands": (patched(PLAIN, tiff.SAMPLES_PER_PIXEL, "H", 30000), "tiff-claims-too-much"),
    "no width": (patched(PLAIN, tiff.IMAGE_WIDTH, "H", 0), "unreadable-tiff"),
    "broken tile": (TILED[:-40] + b"\xff" * 40, "unreadable-tiff"),
    "unknown codec": (patched(TILED, tiff.COMPRESSION, "H", 4711), "unreadable-tiff"),
}


@pytest.mark.parametrize(("data", "kind"), DEFECTS.values(), ids=DEFECTS)
@pytest.mark.parametrize("warm", [False, True])
def test_defects_have_a_kind_and_name_the_file(data: bytes, kind: str, warm: bool) -> None:
    if warm:
        read_chip(PLAIN, "x")
    with pytest.raises(SampleError) as caught:
        read_chip(data, "patch/B02.tif")
    assert caught.value.kind == kind
    assert caught.value.file == "patch/B02.tif"


def test_complex_pixels_are_refused() -> None:
    with pytest.raises(SampleError, match="complex64"):
        read_chip(written(pixels("complex64")), "x")


def outcome(raw: bytes) -> Chip | SampleError:
    try:
        return read_chip(raw, "x.tif")
    except SampleError as error:
        return error


CORRUPTIONS = st.lists(
    st.tuples(st.integers(0, 700), st.binary(min_size=1, max_size=4)), min_size=1, max_size=6
)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from([PLAIN, TILED, written(pixels("uint8"), bigtiff="yes", compress="lzw")]),
    CORRUPTIONS,
    st.one_of(st.none(), st.integers(0, 4000)),
)
def test_corrupt_files_are_read_or_refused(
    data: bytes, corruptions: list[tuple[int, bytes]], cut: int | None
) -> None:
    damaged = bytearray(data)
    for at, content in corruptions:
        damaged[at : at + len(content)] = content
    raw = bytes(damaged[:cut])
    chip = outcome(raw)
    if isinstance(chip, SampleError):
        assert chip.kind in KINDS
        assert chip.file == "x.tif"
        return
    assert chip.array.ndim == 3
    assert chip.array.dtype.kind in "uif"
    assert chip.array.nbytes <= allowance(len(raw))
    assert len(chip.descriptions) == len(chip.array)
    assert np.isfinite(chip.transform).all()


def test_real_bands_are_those_of_rasterio(real_patches: Path) -> None:
    files = sorted(real_patches.glob("*/*.tif"))
    assert len(files) == 72
    for file in files:
        data = file.read_bytes()
        with rasterio.open(file) as source:
            for _ in range(2):
                chip = read_chip(data, file.name)
                np.testing.assert_array_equal(chip.array, source.read())
                assert chip.array.dtype == source.dtypes[0]
                assert chip.transform == source.transform[:6]
                assert chip.epsg == source.crs.to_epsg()
                assert chip.nodata is source.nodata
                assert chip.bounds == tuple(source.bounds)
    assert len(read._FAMILIES) == 3  # one per resolution


def test_real_files_of_version_2_are_those_of_rasterio(shared: Path) -> None:
    files = sorted((shared / "datasets/bigearthnet/samples/v2").rglob("*.tif"))
    assert files
    for file in files:
        chip = read_chip(file.read_bytes(), file.name)
        with rasterio.open(file) as source:
            np.testing.assert_array_equal(chip.array, source.read())
            assert chip.nodata == source.nodata == 0


def test_a_picture_is_not_opened_by_another_driver() -> None:
    from PIL import Image  # noqa: PLC0415 - one test

    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PNG")
    with pytest.raises(SampleError, match="no TIFF header"):
        read_chip(file.getvalue(), "x.png")
