from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.io import MemoryFile
from rio_cogeo import cog_profiles, cog_translate

from stacbuild.raster.stamp import ChipSpec, stamp
from stacbuild.validate.cog import Malformed, check_cog, parse
from stacbuild.validate.decode import check_decoded, footprint_faults

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]
LEFT, TOP, GSD = 622800.0, 7196820.0, 10
PROPERTIES = {"proj:code": "EPSG:32635"}
NAMES = ("B02", 'B03 <raw> & "old"', "B04")


def pixels(dtype: str = "uint16", side: int = 40, bands: int = 3) -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).integers(1, 200, (bands, side, side)).astype(dtype)


def asset_of(array: np.ndarray[Any, Any], **fields: object) -> Json:
    return {
        "data_type": array.dtype.name,
        "nodata": 0,
        "proj:shape": list(array.shape[1:]),
        "proj:transform": [GSD, 0, LEFT, 0, -GSD, TOP],
        "bands": [{"name": name} for name in NAMES[: len(array)]],
        **fields,
    }


def stamped(array: np.ndarray[Any, Any]) -> bytes:
    spec = ChipSpec(
        *array.shape[1:],
        bands=len(array),
        dtype=array.dtype.name,
        crs="EPSG:32635",
        resolution=(GSD, GSD),
        nodata=0,
        descriptions=NAMES[: len(array)],
    )
    return stamp(spec, array, (LEFT, TOP))


def written(array: np.ndarray[Any, Any], **changes: object) -> bytes:
    profile = {
        "driver": "COG",
        "height": array.shape[1],
        "width": array.shape[2],
        "count": len(array),
        "dtype": array.dtype.name,
        "crs": "EPSG:32635",
        "transform": Affine(GSD, 0, LEFT, 0, -GSD, TOP),
        "nodata": 0,
        "compress": "DEFLATE",
        "blocksize": 128,
        **changes,
    }
    with MemoryFile() as memory:
        with memory.open(**profile) as file:
            file.write(array)
        return memory.read()


def kinds(data: bytes, asset: Json, properties: Json | None = None) -> list[str]:
    found = check_cog(data, asset, properties or PROPERTIES, "a.tif")
    return [one.kind for one in found if one.severity == "error"]


def test_stamped_chips_are_cogs_and_what_their_assets_say() -> None:
    array = pixels()

    assert check_cog(stamped(array), asset_of(array), PROPERTIES, "a.tif") == []


def test_what_gdal_writes_is_a_cog() -> None:
    array = pixels(side=64)

    assert check_cog(written(array), asset_of(array), PROPERTIES, "a.tif") == []


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("nodata", [0, None])
def test_what_rio_cogeo_writes_is_a_cog_with_overviews_and_mask(
    tmp_path: Path, nodata: int | None
) -> None:
    array = pixels("uint8", side=600)
    source, target = tmp_path / "plain.tif", tmp_path / "cog.tif"
    source.write_bytes(written(array, driver="GTiff", nodata=nodata))
    cog_translate(
        source,
        target,
        cog_profiles.get("deflate"),
        add_mask=nodata is None,
        overview_level=2,
        in_memory=True,
        quiet=True,
    )
    asset = asset_of(array)
    if nodata is None:
        del asset["nodata"]
    data = target.read_bytes()

    assert len(parse(data).ifds) == (3 if nodata == 0 else 6)
    assert kinds(data, asset) == []
    assert check_decoded(str(target), asset, {"properties": PROPERTIES}, "a.tif")[0] == []


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_data_types_are_told_apart(dtype: str) -> None:
    array = pixels(dtype)
    data = stamped(array)

    assert kinds(data, asset_of(array)) == []
    assert kinds(data, asset_of(array, data_type="uint32")) == ["cog-asset"]


def test_nan_is_a_nodata_like_any_other() -> None:
    array = pixels("float32", side=64)
    data = written(array, nodata=math.nan)

    assert kinds(data, asset_of(array, nodata="nan")) == []
    assert kinds(data, asset_of(array, nodata=0)) == ["cog-asset"]


@pytest.mark.parametrize(
    "change",
    [
        {"bands": [{"name": "B02"}]},
        {"bands": [{"name": "B02"}, {"name": "B04"}, {"name": "B03"}]},
        {"proj:shape": [41, 40]},
        {"proj:transform": [GSD, 0, LEFT + 5, 0, -GSD, TOP]},
        {"proj:transform": [GSD, 0, LEFT, 0, GSD, TOP]},
        {"proj:code": "EPSG:32634"},
        {"nodata": 1},
        {"nodata": None},
    ],
)
def test_an_asset_that_says_otherwise(change: Json) -> None:
    array = pixels()

    assert set(kinds(stamped(array), asset_of(array, **change))) == {"cog-asset"}


def test_bands_may_each_have_a_data_type_of_their_own_to_state() -> None:
    array = pixels()
    bands = [{"name": name, "data_type": "uint16", "nodata": 0} for name in NAMES]
    asset = asset_of(array, bands=bands)
    del asset["data_type"], asset["nodata"]

    assert kinds(stamped(array), asset) == []
    bands[2]["data_type"] = "int16"
    assert kinds(stamped(array), asset) == ["cog-asset"]


def test_a_place_is_not_asked_for_where_none_is_stated() -> None:
    array = pixels()
    data = stamp(ChipSpec(40, 40, bands=3), array)
    asset = asset_of(array)
    del asset["proj:transform"], asset["nodata"]

    assert kinds(data, asset, {"proj:code": None}) == []


def test_points_and_areas_are_the_same_grid(tmp_path: Path) -> None:
    array = pixels(side=64)
    path = tmp_path / "a.tif"
    path.write_bytes(written(array, driver="GTiff"))
    with rasterio.open(path, "r+") as file:
        file.update_tags(AREA_OR_POINT="Point")
        file.transform = Affine(GSD, 0, LEFT, 0, -GSD, TOP)
    with rasterio.open(path) as file:
        assert list(file.transform)[:6] == [GSD, 0, LEFT, 0, -GSD, TOP]
    data = path.read_bytes()

    assert parse(data).ifds[-1][33922][3] == LEFT + GSD / 2
    assert "cog-asset" not in kinds(data, asset_of(array))


def test_a_striped_tiff_is_no_cog() -> None:
    array = pixels(side=64)
    data = written(array, driver="GTiff", blockysize=8)

    assert "cog-layout" in kinds(data, asset_of(array))


def test_a_directory_after_the_pixels_is_no_cog(tmp_path: Path) -> None:
    array = pixels(side=64)
    path = tmp_path / "a.tif"
    path.write_bytes(written(array, driver="GTiff", tiled=True, blockxsize=64, blockysize=64))
    with rasterio.open(path, "r+") as file:
        file.update_tags(note="x" * 4000)  # the directory moves to the end

    assert kinds(path.read_bytes(), asset_of(array)) == ["cog-layout"]


def test_tiles_out_of_order_are_no_cog() -> None:
    array = pixels(side=300)
    data = bytearray(written(array, bigtiff="no"))
    tags = parse(bytes(data)).ifds[0]
    first, second = tags[324][:2]
    at = bytes(data).index(struct.pack("<II", first, second))
    data[at : at + 8] = struct.pack("<II", second, first)

    assert kinds(bytes(data), asset_of(array)) == ["cog-layout"]


@pytest.mark.parametrize("keep", [0, 7, 8, 100, 300, -1])
def test_a_truncated_file_is_no_cog(keep: int) -> None:
    array = pixels()

    assert "cog-layout" in kinds(stamped(array)[:keep], asset_of(array))


def test_a_file_that_claims_more_than_it_has() -> None:
    array = pixels()
    data = bytearray(stamped(array))
    tags = parse(bytes(data)).ifds[0]
    at = bytes(data).index(struct.pack("<3I", *tags[325]))
    data[at : at + 4] = struct.pack("<I", 0xFFFFFFF0)

    assert kinds(bytes(data), asset_of(array)) == ["cog-layout"]


def test_a_circle_of_directories_ends() -> None:
    data = bytearray(stamped(pixels()))
    first = parse(bytes(data)).offsets[0]
    (count,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * count, first)

    with pytest.raises(Malformed, match="circle"):
        parse(bytes(data))


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_no_bytes_break_the_parser(data: st.DataObject) -> None:
    array = pixels(side=20, bands=2)
    chip = bytearray(stamped(array))
    headers = parse(bytes(chip)).offsets[0] + 400
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, min(headers, len(chip) - 1)))
        chip[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(chip)))

    # Whatever it says: it says it, and does not raise.
    check_cog(bytes(chip[:end]), asset_of(array), PROPERTIES, "a.tif")
    check_cog(bytes(chip), asset_of(array), PROPERTIES, "a.tif")


@given(st.binary(max_size=400))
def test_noise_is_no_cog(noise: bytes) -> None:
    assert kinds(b"II*\0" + noise, {}) != []


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_gdal_decodes_what_is_whole_and_refuses_what_is_not(tmp_path: Path) -> None:
    array = pixels()
    path = tmp_path / "a.tif"
    good = stamped(array)
    path.write_bytes(good)
    item = {"properties": PROPERTIES}
    found, bounds = check_decoded(str(path), asset_of(array), item, "a.tif")

    assert found == []
    assert bounds is not None
    spoilt = bytearray(good)
    where, size = (parse(good).ifds[0][tag][1] for tag in (324, 325))
    spoilt[where : where + size] = bytes(size)
    path.write_bytes(spoilt)
    found, _ = check_decoded(str(path), asset_of(array), item, "a.tif")
    assert [one.kind for one in found] == ["cog-decode"]


def test_an_item_lies_where_its_rasters_lie(tmp_path: Path) -> None:
    array = pixels()
    path = tmp_path / "a.tif"
    path.write_bytes(stamped(array))
    _, bounds = check_decoded(str(path), asset_of(array), {"properties": PROPERTIES}, "a.tif")
    assert bounds is not None
    west, south, east, north = bounds

    assert footprint_faults([bounds], {"bbox": bounds}, "a.json") == []
    # A corner that changed places, as in a catalog that was once published.
    for wrong in ([west, south, west, north], [west, south, east + 0.001, north], [0, 0, 1, 1]):
        assert [one.kind for one in footprint_faults([bounds], {"bbox": wrong}, "a.json")] == [
            "footprint"
        ]
    infinite = [[-math.inf, south, math.inf, north]]
    assert footprint_faults(infinite, {"bbox": bounds}, "a.json") != []
