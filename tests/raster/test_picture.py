from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from stacbuild.raster.picture import Stretch, thumbnail_jpeg, visual_rgb
from stacbuild.raster.read import read_chip

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@given(st.floats(0, 20000), st.floats(1, 40000), st.floats(0.2, 5))
def test_a_stretch_rises_and_keeps_zero_for_nodata(low: float, span: float, gamma: float) -> None:
    table = Stretch(low, low + span, gamma).table
    assert table.dtype == np.uint8
    assert table.shape == (65536,)
    assert table[0] == 0
    assert table[1:].min() >= 1
    assert (np.diff(table[1:].astype(int)) >= 0).all()
    assert (table[1 : int(low) + 1] == 1).all()
    assert (table[min(65535, int(low + span) + 1) :] == 255).all() or low + span > 65535


def test_values_of_a_stretch() -> None:
    table = Stretch(0, 254).table
    assert table[[1, 100, 254, 255, 65535]].tolist() == [2, 101, 255, 255, 255]
    half = Stretch(0, 1000, 2).table
    assert half[250] == 1 + 127


@pytest.mark.parametrize("values", [(5, 5, 1), (6, 5, 1), (0, 1, 0), (float("nan"), 1, 1)])
def test_stretches_that_are_none(values: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="low < high"):
        Stretch(*values)


def test_visual() -> None:
    rng = np.random.default_rng(0)
    bands = [rng.integers(0, 65536, (30, 20), dtype=np.uint16) for _ in range(3)]
    bands[0][:3] = 0
    stretch = Stretch(100, 3000, 1.6)
    picture = visual_rgb(*bands, stretch)
    assert picture.shape == (3, 30, 20)
    assert picture.dtype == np.uint8
    for band, out in zip(bands, picture, strict=True):
        np.testing.assert_array_equal(out, stretch.table[band])
        np.testing.assert_array_equal(out == 0, band == 0)
    views = [band[::2, ::-1] for band in bands]
    np.testing.assert_array_equal(visual_rgb(*views, stretch), picture[:, ::2, ::-1])


def test_visual_refuses_other_bands() -> None:
    band = np.zeros((4, 4), np.uint16)
    for wrong in (band.astype(np.int16), band[None]):
        with pytest.raises(ValueError, match="uint16"):
            visual_rgb(band, wrong, band, Stretch(0, 1))


def opened(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        assert image.mode == "RGB"
        return np.asarray(image)


@pytest.mark.parametrize("sharp", [False, True])
def test_thumbnail(sharp: bool) -> None:
    rgb = np.zeros((3, 40, 24), np.uint8)
    rgb[0, :20], rgb[1, 20:], rgb[2] = 200, 150, 30
    data = thumbnail_jpeg(rgb, sharp=sharp)
    assert data == thumbnail_jpeg(rgb.copy(), sharp=sharp)
    picture = opened(data)
    assert picture.shape == (40, 24, 3)
    assert np.abs(picture[5, 5].astype(int) - [200, 0, 30]).max() < 12
    assert np.abs(picture[35, 20].astype(int) - [0, 150, 30]).max() < 12


@pytest.mark.parametrize(
    ("size", "expected"), [(None, (20, 10)), (256, (240, 120)), (25, (20, 10)), (4, (20, 10))]
)
def test_thumbnails_grow_by_whole_numbers(size: int | None, expected: tuple[int, int]) -> None:
    assert opened(thumbnail_jpeg(np.zeros((3, 20, 10), np.uint8), size=size)).shape[:2] == expected


def test_quality_changes_the_size() -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (3, 64, 64), dtype=np.uint8)
    assert len(thumbnail_jpeg(rgb, quality=50)) < len(thumbnail_jpeg(rgb, quality=95))


def test_a_real_patch_is_neither_dark_nor_blown_out(real_patches: Path) -> None:
    for patch in sorted(real_patches.iterdir()):
        red, green, blue = (
            read_chip((patch / f"{patch.name}_{band}.tif").read_bytes(), band).array[0]
            for band in ("B04", "B03", "B02")
        )
        rgb = visual_rgb(red, green, blue, Stretch(0, 3000, 1.8))
        assert rgb.min() > 0
        assert opened(thumbnail_jpeg(rgb)).shape == (120, 120, 3)
