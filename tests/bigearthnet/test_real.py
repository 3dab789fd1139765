"""The six real patches, from the raw files to a catalog that others can read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pystac
import pytest
import rasterio
from rasterio.warp import transform as reproject
from rio_cogeo.cogeo import cog_validate

from stacbuild.dataset import load
from stacbuild.engine.build import BuildRequest, BuildResult, build
from stacbuild.validate.catalog import validate_catalog
from stacbuild.validate.options import ValidateOptions
from stacbuild.validate.pixels import compare_pixels
from stactools.bigearthnet import constants as c

SPLITS = {"train": "train", "val": "validate", "test": "test"}


@pytest.fixture(scope="module")
def inputs(shared: Path, real_patches: Path) -> dict[str, Path]:
    folder = shared / "datasets/bigearthnet"
    return {
        "patches": real_patches,
        **{name: folder / f"splits/{name}.csv.bz2" for name in SPLITS},
        "snow": folder / "exclusions/patches_with_seasonal_snow.csv",
        "cloud": folder / "exclusions/patches_with_cloud_and_shadow.csv",
        "no_19_class": folder / "exclusions/patches_with_no_19_class_targets.csv.bz2",
        "products": folder / "index/tile_names_and_links.csv.bz2",
        "countries": folder / "index/s1_s2_name_country_season.csv.bz2",
    }


@pytest.fixture(scope="module")
def result(inputs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> BuildResult:
    root = tmp_path_factory.mktemp("real")
    return build(BuildRequest(root, "bigearthnet", inputs))


@pytest.fixture(scope="module")
def items(result: BuildResult) -> dict[str, pystac.Item]:
    catalog = pystac.Catalog.from_file(str(result.root / "catalog.json"))
    return {item.id: item for item in catalog.get_items(recursive=True)}


def names(real_patches: Path) -> list[str]:
    return sorted(path.name for path in real_patches.iterdir())


def href(item: pystac.Item, key: str) -> str:
    found = item.assets[key].get_absolute_href()
    assert found is not None
    return found


def test_all_patches_are_there_with_both_items(
    result: BuildResult, items: dict[str, pystac.Item], real_patches: Path
) -> None:
    assert result.rejects == []
    expected = names(real_patches)
    assert len(expected) == 6
    assert sorted(items) == sorted([*expected, *(f"{name}_labels" for name in expected)])


def test_every_band_reads_back_as_the_raw_file(
    items: dict[str, pystac.Item], real_patches: Path
) -> None:
    for name in names(real_patches):
        for metres, bands in c.RESOLUTIONS.items():
            path = href(items[name], f"{metres}m")
            assert cog_validate(path, strict=True, quiet=True)[0]
            with rasterio.open(path) as cog:
                assert cog.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
                assert cog.descriptions == bands
                assert cog.nodatavals == (0,) * len(bands)
                for number, band in enumerate(bands, 1):
                    with rasterio.open(real_patches / name / f"{name}_{band}.tif") as raw:
                        pixels = raw.read(1)
                        assert pixels.dtype == cog.dtypes[number - 1]
                        np.testing.assert_array_equal(cog.read(number), pixels)
                        assert cog.transform == raw.transform
                        assert cog.crs == raw.crs


def test_validation_finds_nothing_and_every_pixel_is_the_raw_one(
    result: BuildResult, inputs: dict[str, Path], monkeypatch: pytest.MonkeyPatch, shared: Path
) -> None:
    monkeypatch.setenv("STACBUILD_SCHEMAS", str(shared / "schemas"))
    report = validate_catalog(result.root, options=ValidateOptions(deep=1))
    assert report.findings.kept == []
    assert report.exit_code == 0
    pixels = compare_pixels(result.root, load("bigearthnet"), inputs)
    assert pixels.findings.kept == []
    assert pixels.counters.pixels == 6 * (4 * 120**2 + 6 * 60**2 + 2 * 20**2 + 3 * 120**2)


def test_footprints_are_the_raster_corners(
    items: dict[str, pystac.Item], real_patches: Path
) -> None:
    for name in names(real_patches):
        with rasterio.open(real_patches / name / f"{name}_B01.tif") as raw:
            left, bottom, right, top = raw.bounds
            lons, lats = reproject(
                raw.crs, "EPSG:4326", [left, right, right, left], [bottom, bottom, top, top]
            )
        geometry = items[name].geometry
        assert geometry is not None
        (ring,) = geometry["coordinates"]
        assert ring[0] == ring[-1]
        expected = sorted(zip(lons, lats, strict=True))
        np.testing.assert_allclose(sorted(map(tuple, ring[:-1])), expected, rtol=0, atol=1e-6)
        assert items[f"{name}_labels"].geometry == geometry


def test_labels_are_those_of_the_raw_json(
    items: dict[str, pystac.Item], real_patches: Path
) -> None:
    for name in names(real_patches):
        raw = json.loads((real_patches / name / f"{name}_labels_metadata.json").read_bytes())
        label = items[f"{name}_labels"]
        assert label.properties["ben:labels_43"] == raw["labels"]
        overviews = {
            overview["property_key"]: [count["name"] for count in overview["counts"]]
            for overview in label.properties["label:overviews"]
        }
        assert overviews["labels_43"] == raw["labels"]
        assert overviews["labels_19"] == label.properties["ben:labels_19"]
        (feature,) = json.loads(Path(href(label, "vector_labels")).read_bytes())["features"]
        assert feature["properties"]["labels_43"] == raw["labels"]
        (source,) = label.get_links("source")
        assert source.extra_fields["label:assets"] == ["10m", "20m", "60m"]
        assert Path(source.get_absolute_href() or "").name == f"{name}.json"


def test_split_product_and_country_are_those_of_the_lists(
    inputs: dict[str, Path], items: dict[str, pystac.Item], real_patches: Path
) -> None:
    split = {
        name: value
        for key, value in SPLITS.items()
        for name in pd.read_csv(inputs[key], header=None)[0]
    }
    products = pd.read_csv(inputs["products"], header=None, index_col=0)[1]
    countries = pd.read_csv(inputs["countries"], index_col="s2_name")
    snow = set(pd.read_csv(inputs["snow"], header=None)[0])
    for name in names(real_patches):
        properties = items[name].properties
        assert properties.get("ml-aoi:split") == split.get(name)
        assert items[f"{name}_labels"].properties.get("ml-aoi:split") == split.get(name)
        product = products[name].removesuffix(".SAFE")
        assert properties["ben:product"] == product
        stamp = product.split("_")[2]
        assert items[name].datetime is not None
        assert f"{items[name].datetime:%Y%m%dT%H%M%S}" == stamp
        (derived,) = items[name].get_links("derived_from")
        assert derived.title == product
        assert properties["ben:country"] == countries.loc[name, "country"]
        assert properties["ben:season"] == countries.loc[name, "season"]
        assert properties["ben:seasonal_snow"] is (name in snow)


def test_at_least_one_patch_has_an_altered_time(items: dict[str, pystac.Item]) -> None:
    altered = items["S2B_MSIL2A_20180204T94161_57_38"]
    assert altered.datetime is not None
    assert f"{altered.datetime:%H:%M:%S}" == "09:41:59"
    assert altered.properties["ben:acquisition_date"] == "2018-02-04 09:41:56"


def test_others_read_the_index(result: BuildResult, items: dict[str, pystac.Item]) -> None:
    table = pd.read_parquet(result.root / "bigearthnet/bigearthnet-s2/items.parquet")
    assert set(table["id"]) == {name for name in items if not name.endswith("_labels")}
    train = table[table["ml-aoi:split"] == "train"]
    assert len(train) == 4
    forest = table[["Coniferous forest" in labels for labels in table["ben:labels_19"]]]
    assert set(forest["id"]) == {
        item.id
        for item in items.values()
        if "Coniferous forest" in item.properties["ben:labels_19"]
        and not item.id.endswith("_labels")
    }


def test_lists_are_published_unchanged(result: BuildResult, inputs: dict[str, Path]) -> None:
    folder = result.root / "bigearthnet/bigearthnet-s2/lists"
    for key in (*SPLITS, "snow", "cloud", "no_19_class"):
        assert (folder / inputs[key].name).read_bytes() == inputs[key].read_bytes()


def test_official_lists_load_with_the_published_counts(
    inputs: dict[str, Path], real_patches: Path
) -> None:
    from stactools.bigearthnet.context import make_context  # noqa: PLC0415

    every = pd.read_csv(inputs["products"], header=None)[0].tolist()
    assert len(every) == c.PATCHES
    rows = make_context(inputs, every).rows
    splits = rows["split"].combine_chunks().value_counts().to_pylist()
    assert {one["values"]: one["counts"] for one in splits if one["values"]} == c.SPLIT_COUNTS
    assert rows["seasonal_snow"].combine_chunks().true_count == c.SNOW_COUNT
    assert rows["cloud_or_shadow"].combine_chunks().true_count == c.CLOUD_COUNT
    assert rows["no_19_class"].combine_chunks().true_count == c.NO_19_CLASS_COUNT
    assert rows["product"].null_count == rows["country"].null_count == 0
    assert rows["conflict"].null_count == len(every)
