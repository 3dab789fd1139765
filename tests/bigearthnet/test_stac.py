from __future__ import annotations

import copy
import json
import warnings
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import jsonschema
import numpy as np
import pystac
import pytest
import rasterio
from pyproj import Transformer

from stacbuild.dataset import SampleRef, load
from stacbuild.errors import SampleError, StacbuildError
from stacbuild.raster.footprint import footprint
from stacbuild.stac import extensions
from stacbuild.stac.encode import dumps_item
from stacbuild.summary import BandSums, CollectionSummary, Summary
from stactools.bigearthnet import (
    DATASET,
    assets,
    collection,
    create_collection,
    create_item,
    create_items,
    items,
)
from stactools.bigearthnet import constants as c

if TYPE_CHECKING:
    from pathlib import Path

    from stacbuild.dataset import Facts, Item


class Memory:
    """Raw files of a folder, outputs in memory: `Files` and `Place` at once."""

    def __init__(self, patch: Path) -> None:
        self._patch = patch
        self.names = sorted(path.name for path in patch.iterdir())
        self.written: dict[tuple[str, str], bytes] = {}

    def read(self, name: str) -> bytes:
        return (self._patch / name).read_bytes()

    def where(self, name: str) -> str:
        return str(self._patch / name)

    def write(self, collection: str, name: str, data: bytes) -> None:
        assert (collection, name) not in self.written
        self.written[collection, name] = bytes(data)


class Somewhere:
    """A `Place` that knows what a `Memory` holds; without one, it takes any asset for granted."""

    def __init__(self, files: Memory | None = None) -> None:
        self._files = files

    def asset(self, collection: str, name: str) -> dict[str, Any]:
        data = b"" if self._files is None else self._files.written[collection, name]
        return {
            "href": f"./{name}",
            "file:size": len(data),
            "file:checksum": "1220" + sha256(data).hexdigest(),
        }

    def item(self, collection: str, item_id: str, *, seen_from: str) -> str:
        assert collection != seen_from
        return f"../../../{collection}/p/r/{item_id}.json"


SUMS = {"count": 4, "nodata": 0, "minimum": 1, "maximum": 4, "total": 10, "squares": 30}
NAME = "S2B_MSIL2A_20180204T94161_57_38"
TRUE_PRODUCT = "S2B_MSIL1C_20180204T094159_N0206_R036_T35VPK_20180204T115809"


def row(**changes: object) -> Facts:
    facts = {
        "id": NAME,
        "epsg": 32635,
        "ulx": 668400,
        "uly": 6954420,
        "ring": footprint("EPSG:32635", 668400, 6953220, 669600, 6954420),
        "tile": "35VPK",
        "labels": [11, 23, 24],
        "tile_source": TRUE_PRODUCT.replace("T094159", "T94161") + ".SAFE",
        "acquisition_date": "2018-02-04 09:41:56",
        "claimed_labels_19": None,
        "band_sums": [SUMS] * 12,
    }
    assert set(changes) <= set(facts)
    return {**facts, **changes}


def said(**changes: object) -> dict[str, Any]:
    known = dict.fromkeys(DATASET.context_schema.names)
    assert set(changes) <= set(known)
    return {**known, **changes}


def described(facts: Facts | None = None, **context: object) -> tuple[Item, Item]:
    imagery, labels = DATASET.describe(facts or row(), said(**context), Somewhere())
    return imagery, labels


def validate(shared: Path, value: dict[str, Any]) -> None:
    """Check an item or a collection against the core schemas and those of its extensions."""
    core = copy.deepcopy(value) | {"stac_extensions": []}
    # The engine's part: without it the core schema takes no `collection`.
    core["links"].append({"rel": "collection", "href": "./collection.json"})
    pystac.read_dict(core).validate()
    for url in value["stac_extensions"]:
        # The one extension whose schema is not at hand.
        if url == extensions.CLASSIFICATION:
            continue
        name, version = url.removeprefix(extensions.BASE).split("/")[:2]
        schema = json.loads((shared / "schemas" / name / version / "schema.json").read_text())
        jsonschema.Draft7Validator(schema).validate(value)


@pytest.fixture(scope="module")
def converted(real_patches: Path) -> dict[str, tuple[Memory, Facts]]:
    made = {}
    for patch in sorted(real_patches.iterdir()):
        files = Memory(patch)
        ref = SampleRef(patch.name, patch.name, "patches")
        made[patch.name] = (
            files,
            {**DATASET.convert(ref, {"conflict": None}, files), "id": patch.name},
        )
    return made


def test_the_entry_point_is_the_dataset() -> None:
    assert load("bigearthnet") is DATASET
    assert DATASET.collection_ids == (c.IMAGERY, c.LABELS)


def test_partitions_follow_from_names() -> None:
    assert DATASET.partition("S2A_MSIL2A_20170613T101031_0_45") == (
        "S2A_MSIL2A_20170613T101031/row45"
    )
    assert DATASET.partition_titles("S2B_MSIL2A_20180204T94161/row38") == (
        "Sentinel-2B · 2018-02-04 · names with T94161",
        "Row 38",
    )


# What convert writes -----------------------------------------------------------------------


def test_every_pixel_of_real_patches_is_the_publishers(
    converted: dict[str, tuple[Memory, Facts]],
) -> None:
    assert len(converted) == 6
    for name, (files, facts) in converted.items():
        for key, metres in assets.STACKS.items():
            data = files.written[c.IMAGERY, f"{name}_{key}.tif"]
            with rasterio.MemoryFile(data) as memory, memory.open() as cog:
                assert cog.descriptions == c.RESOLUTIONS[metres]
                assert cog.nodata == 0
                for index, band in enumerate(c.RESOLUTIONS[metres], 1):
                    with rasterio.open(files.where(f"{name}_{band}.tif")) as raw:
                        assert np.array_equal(cog.read(index), raw.read(1))
                        assert cog.transform == raw.transform
                        assert cog.crs == raw.crs
                        assert cog.dtypes[index - 1] == raw.dtypes[0]
                        bounds = raw.bounds
                assert (facts["ulx"], facts["uly"]) == (bounds.left, bounds.top)


def test_pictures_are_rgb_with_the_documented_stretch(
    converted: dict[str, tuple[Memory, Facts]],
) -> None:
    for name, (files, _) in converted.items():
        with (
            rasterio.MemoryFile(files.written[c.IMAGERY, f"{name}_visual.tif"]) as memory,
            memory.open() as picture,
        ):
            assert picture.dtypes == ("uint8",) * 3
            for index, band in enumerate(("B04", "B03", "B02"), 1):
                with rasterio.open(files.where(f"{name}_{band}.tif")) as raw:
                    share = np.clip(raw.read(1) / 3500, 0, 1)
                assert np.array_equal(picture.read(index), 1 + np.rint(254 * share ** (1 / 1.6)))
        assert files.written[c.IMAGERY, f"{name}_thumbnail.jpg"].startswith(b"\xff\xd8\xff")
    assert "1 + round(254 \u00d7 x^(1/1.6))" in c.STRETCH_TEXT
    assert "x = value / 3500" in c.STRETCH_TEXT


def test_label_files_are_the_footprint_with_labels(
    converted: dict[str, tuple[Memory, Facts]],
) -> None:
    for name, (files, facts) in converted.items():
        raw = json.loads(files.read(f"{name}_labels_metadata.json"))
        made = json.loads(files.written[c.LABELS, f"{name}_labels.geojson"])
        (feature,) = made["features"]
        assert feature["id"] == name
        assert feature["properties"]["labels_43"] == raw["labels"]
        assert feature["properties"]["indices_43"] == facts["labels"]
        codes = feature["properties"]["clc_codes"]
        assert [c.LABELS_43[c.CLC_CODES.index(code)] for code in codes] == raw["labels"]
        assert feature["geometry"]["coordinates"] == [facts["ring"]]
        corner = raw["coordinates"]
        project = Transformer.from_crs(4326, facts["epsg"], always_xy=True)
        points = [project.transform(*point) for point in facts["ring"]]
        assert min(x for x, _ in points) == pytest.approx(corner["ulx"], abs=0.05)
        assert max(x for x, _ in points) == pytest.approx(corner["lrx"], abs=0.05)
        assert min(y for _, y in points) == pytest.approx(corner["lry"], abs=0.05)
        assert max(y for _, y in points) == pytest.approx(corner["uly"], abs=0.05)


def test_conversion_is_deterministic(
    real_patches: Path, converted: dict[str, tuple[Memory, Facts]]
) -> None:
    name, (files, facts) = next(iter(converted.items()))
    again = Memory(real_patches / name)
    ref = SampleRef(name, name, "patches")
    assert {**DATASET.convert(ref, {"conflict": None}, again), "id": name} == facts
    assert again.written == files.written


def test_a_patch_in_two_splits_is_rejected(real_patches: Path) -> None:
    name = "S2A_MSIL2A_20170613T101031_87_48"
    files = Memory(real_patches / name)
    assert DATASET.pixel_columns == ("conflict",)
    with pytest.raises(SampleError, match="train and test") as caught:
        DATASET.convert(SampleRef(name, name, "patches"), {"conflict": "train and test"}, files)
    assert caught.value.kind == "two-splits"
    assert files.written == {}


# What describe says ------------------------------------------------------------------------


def test_items_of_real_patches_are_valid(
    shared: Path, converted: dict[str, tuple[Memory, Facts]]
) -> None:
    context = said(split="train", seasonal_snow=False, cloud_or_shadow=False, country="Finland")
    for files, facts in converted.values():
        for item in DATASET.describe(facts, context, Somewhere(files)):
            assert len(dumps_item(item)) < 8000
            validate(shared, json.loads(dumps_item(item)))


def test_statistics_are_those_of_the_valid_pixels(
    converted: dict[str, tuple[Memory, Facts]],
) -> None:
    for name, (files, facts) in converted.items():
        imagery, _ = DATASET.describe(facts, said(), Somewhere(files))
        for key in assets.STACKS:
            for band in imagery["assets"][key]["bands"]:
                with rasterio.open(files.where(f"{name}_{band['name']}.tif")) as raw:
                    pixels = raw.read(1).astype(float)
                valid = pixels[pixels != 0]
                found = band["statistics"]
                assert found["minimum"] == valid.min()
                assert found["maximum"] == valid.max()
                assert found["mean"] == pytest.approx(valid.mean(), abs=6e-4)
                assert found["stddev"] == pytest.approx(valid.std(), abs=6e-4)
                assert ("valid_percent" in found) == (valid.size < pixels.size)


def test_all_schemas_look_where_they_should(shared: Path) -> None:
    for broken in (
        {"ml-aoi:split": "val"},
        {"grid:code": "mgrs 35VPK"},
        {"sat:relative_orbit": 0},
        {"proj:bbox": [1, 2]},
    ):
        imagery, _ = described(split="train")
        imagery["properties"].update(broken)
        with pytest.raises(jsonschema.ValidationError):
            validate(shared, imagery)


def test_altered_times_give_way_to_the_true_product() -> None:
    imagery, labels = described()
    properties = imagery["properties"]
    assert properties["datetime"] == "2018-02-04T09:41:59Z"
    assert labels["properties"]["datetime"] == "2018-02-04T09:41:59Z"
    assert properties["ben:product"] == TRUE_PRODUCT
    assert properties["sat:relative_orbit"] == 36
    # The claims stay as they are.
    assert properties["ben:acquisition_date"] == "2018-02-04 09:41:56"
    assert "T94161" in properties["ben:tile_source"]
    source = next(link for link in imagery["links"] if link["rel"] == "derived_from")
    assert c.PRODUCTS[TRUE_PRODUCT].cdse_id in source["href"]
    assert source["title"] == TRUE_PRODUCT


def test_the_side_table_beats_the_packages_own() -> None:
    other = "S2B_MSIL1C_20180204T094201_N0206_R136_T35VPJ_20180204T115809"
    imagery, _ = described(product=f"{other}.SAFE")
    assert imagery["properties"]["datetime"] == "2018-02-04T09:42:01Z"
    assert imagery["properties"]["grid:code"] == "MGRS-35VPJ"
    assert imagery["properties"]["sat:relative_orbit"] == 136
    assert imagery["properties"]["ben:product"] == other
    # A product outside the table has no known address.
    assert [link["rel"] for link in imagery["links"]] == ["related"]


@pytest.mark.parametrize(
    ("name", "claimed", "expected"),
    [
        (NAME, "2018-02-04 09:41:56", "2018-02-04T09:41:56Z"),
        (NAME, "2018-02-04T09:41:61", "2018-02-04T09:41:59Z"),
        (NAME, "", "2018-02-04T09:41:59Z"),
        ("S2A_MSIL2A_20180204T101031_0_9", "", "2018-02-04T10:10:31Z"),
        ("S2A_MSIL2A_20180204T93021_0_9", "2018-02-30 09:30:21", "2018-02-04T09:30:21Z"),
    ],
)
def test_without_product_the_claim_counts_and_then_the_name(
    shared: Path, name: str, claimed: str, expected: str
) -> None:
    imagery, labels = described(row(id=name, tile="35VZZ", acquisition_date=claimed))
    properties = imagery["properties"]
    assert properties["datetime"] == expected
    assert properties["grid:code"] == "MGRS-35VZZ"
    assert "sat:relative_orbit" not in properties
    assert "ben:product" not in properties
    assert "ben:country" not in properties
    assert extensions.SAT not in imagery["stac_extensions"]
    validate(shared, imagery)
    validate(shared, labels)


def test_one_prefix_over_two_tiles_has_two_products() -> None:
    name = "S2A_MSIL2A_20170613T101031_30_50"
    first, _ = described(row(id=name, tile="33UUP", epsg=32633))
    second, _ = described(row(id=name, tile="34VER", epsg=32634))
    assert first["properties"]["ben:product"][38:44] == "T33UUP"
    assert second["properties"]["ben:product"][38:44] == "T34VER"
    assert first["properties"]["ben:country"] == "Austria"
    assert second["properties"]["ben:country"] == "Finland"


def test_countries_are_derived_only_where_a_tile_has_one() -> None:
    border = row(tile="31UGR", epsg=32631)
    assert "ben:country" not in described(border)[0]["properties"]
    told = described(border, country="Luxembourg", season="Fall")[0]["properties"]
    assert (told["ben:country"], told["ben:season"]) == ("Luxembourg", "Fall")
    assert "ben:season" not in described()[0]["properties"]


def test_patches_without_19_class_labels_have_an_empty_overview(shared: Path) -> None:
    imagery, labels = described(row(labels=[3, 30]))
    for item in (imagery, labels):
        assert item["properties"]["ben:labels_19"] == []
        assert item["properties"]["ben:multi_hot_19"] == [0] * 19
        assert item["properties"]["ben:no_19_class"] is True
    overviews = {each["property_key"]: each for each in labels["properties"]["label:overviews"]}
    assert overviews["labels_19"]["counts"] == []
    assert [each["name"] for each in overviews["labels_43"]["counts"]] == [
        "Road and rail networks and associated land",
        "Bare rock",
    ]
    validate(shared, labels)
    validate(shared, imagery)


def test_labels_of_both_nomenclatures_are_in_canonical_order() -> None:
    every = list(range(43))
    imagery, labels = described(row(labels=every))
    assert imagery["properties"]["ben:labels_43"] == list(c.LABELS_43)
    assert imagery["properties"]["ben:labels_19"] == list(c.LABELS_19)
    assert imagery["properties"]["ben:multi_hot_43"] == [1] * 43
    assert labels["properties"]["ben:multi_hot_19"] == [1] * 19
    listed = {each["name"]: each["classes"] for each in labels["properties"]["label:classes"]}
    assert listed == {"labels_19": list(c.LABELS_19), "labels_43": list(c.LABELS_43)}
    assert imagery["properties"]["title"].startswith(
        "Continuous urban fabric, Discontinuous urban fabric, Industrial or commercial units "
        "and 40 more · 35VPK · 2018-02-04"
    )


def test_a_patch_in_no_list_has_no_split() -> None:
    for item in described(seasonal_snow=True, cloud_or_shadow=False):
        assert "ml-aoi:split" not in item["properties"]
        assert extensions.ML_AOI not in item["stac_extensions"]
        assert item["properties"]["ben:seasonal_snow"] is True
        assert item["properties"]["ben:cloud_or_shadow"] is False
    for item in described(split="validate"):
        assert item["properties"]["ml-aoi:split"] == "validate"
        assert extensions.ML_AOI in item["stac_extensions"]
        # No list was given, so nothing is claimed.
        assert "ben:seasonal_snow" not in item["properties"]


def test_claims_of_an_extended_json_are_kept_apart() -> None:
    claimed = ["Arable land"]
    imagery, labels = described(row(claimed_labels_19=claimed))
    assert imagery["properties"]["ben:claimed_labels_19"] == claimed
    assert imagery["properties"]["ben:labels_19"] == [
        "Arable land",
        "Coniferous forest",
        "Mixed forest",
    ]
    assert "ben:claimed_labels_19" not in described()[0]["properties"]
    assert "ben:claimed_labels_19" not in labels["properties"]


def test_a_band_without_valid_pixels_claims_none() -> None:
    empty = dict.fromkeys(SUMS, 0) | {"nodata": 4}
    half = SUMS | {"nodata": 4}
    imagery, _ = described(row(band_sums=[empty, half] + [SUMS] * 10))
    assert imagery["assets"]["60m"]["bands"][0]["statistics"] == {"valid_percent": 0.0}
    assert imagery["assets"]["10m"]["bands"][0]["statistics"]["valid_percent"] == 50.0
    assert imagery["assets"]["60m"]["bands"][1]["statistics"] == {
        "minimum": 1,
        "maximum": 4,
        "mean": 2.5,
        "stddev": 1.118,
    }


def test_items_link_to_each_other_by_title_and_to_their_assets() -> None:
    imagery, labels = described()
    related, _ = imagery["links"]
    (source,) = labels["links"]
    assert related["href"] == f"../../../{c.LABELS}/p/r/{NAME}_labels.json"
    assert related["title"] == labels["properties"]["title"]
    assert source["href"] == f"../../../{c.IMAGERY}/p/r/{NAME}.json"
    assert source["title"] == imagery["properties"]["title"]
    assert source["rel"] == "source"
    assert set(source["label:assets"]) <= set(imagery["assets"])
    assert list(labels["assets"]) == ["vector_labels"]


def test_the_raw_json_can_be_recovered_from_the_items(
    converted: dict[str, tuple[Memory, Facts]],
) -> None:
    for name, (files, facts) in converted.items():
        imagery, _ = DATASET.describe(facts, said(), Somewhere(files))
        raw = json.loads(files.read(f"{name}_labels_metadata.json"))
        properties = imagery["properties"]
        left, bottom, right, top = properties["proj:bbox"]
        assert raw["coordinates"] == {"ulx": left, "uly": top, "lrx": right, "lry": bottom}
        code = properties["proj:code"].removeprefix("EPSG:")
        assert raw["projection"].endswith(f'AUTHORITY["EPSG","{code}"]]')
        assert raw["labels"] == properties["ben:labels_43"]
        assert raw["tile_source"] == properties["ben:tile_source"]
        assert raw["acquisition_date"] == properties["ben:acquisition_date"]


def test_describing_changes_no_shared_constant() -> None:
    shared = (
        items.SHARED_LABELS,
        assets.VISUAL_FIELDS,
        assets.THUMBNAIL_FIELDS,
        items._STACK_FIELDS,
        items._EXTENSIONS,
        items._LABEL_EXTENSIONS,
        items.label_set((11, 23, 24)),
    )
    before = copy.deepcopy(shared)
    first = copy.deepcopy(described(split="train"))
    # What an engine does to items: links of its own, keys of its own.
    for item in described(split="train"):
        item["links"][:0] = [{"rel": "root"}]
        item["properties"]["more"] = 1
        item["assets"]["more"] = {}
        item["more"] = 1
    assert described(split="train") == first
    assert shared == before


# Collections -------------------------------------------------------------------------------


def summary() -> Summary:
    bands = [BandSums(4, 1, 1, 4, 10, 30) for _ in c.BAND_NAMES]
    common = {
        "items": 3,
        "bbox": [1.0, 2.0, 3.0, 4.0],
        "start": "2017-06-13T10:10:31Z",
        "end": "2017-06-14T10:10:31Z",
        "splits": {"train": 2, "": 1},
    }
    return Summary(
        collections={
            c.IMAGERY: CollectionSummary(**common, objects=18, bytes=600_000),
            c.LABELS: CollectionSummary(
                **common,
                classes={"labels_19": {"train": {"Pastures": 2}, "": {"Pastures": 1}}},
                objects=6,
                bytes=15_000,
            ),
        },
        bands={"train": bands, "": bands},
        samples=3,
        rejected=1,
        partial="--limit 3",
    )


@pytest.mark.parametrize("name", [c.IMAGERY, c.LABELS])
@pytest.mark.parametrize("built", [True, False])
def test_collections_are_valid(shared: Path, name: str, *, built: bool) -> None:
    made = DATASET.collections(summary() if built else Summary())
    value = next(each for each in made if each.id == name).to_dict()
    validate(shared, value)
    assert value["license"] == "CDLA-Permissive-1.0"
    assert value["sci:doi"] == "10.14279/depositonce-10149"
    rels = {link["rel"] for link in value["links"]}
    assert {"license", "cite-as"} <= rels
    assert all(link.get("title") for link in value["links"] if link["rel"] != "self")
    roles = {role for provider in value["providers"] for role in provider["roles"]}
    assert roles == {"producer", "processor", "licensor"}
    assert "Notice of change" in value["description"]
    assert "{" not in value["description"]
    assert value["title"] == collection.TITLES[name]
    assert value["extent"]["spatial"]["bbox"] == [[1.0, 2.0, 3.0, 4.0] if built else list(c.BBOX)]
    start = value["extent"]["temporal"]["interval"][0][0]
    assert start == "2017-06-13T10:10:31Z"


def test_collections_state_what_was_built() -> None:
    imagery, labels = (each.to_dict() for each in DATASET.collections(summary()))
    assert "A part of the dataset" in imagery["description"]
    assert "This catalog holds 3" in imagery["description"]
    assert "205 kB together" in imagery["description"]
    assert "| `val` | `validate` | 123,723 | 0 |" in imagery["description"]
    assert imagery["summaries"]["ml-aoi:split"] == ["train"]
    blue = next(band for band in imagery["summaries"]["bands"] if band["name"] == "B02")
    assert blue["statistics"]["mean"] == 2.5
    assert blue["statistics"]["valid_percent"] == 80.0
    pastures = labels["summaries"]["ben:classes_19"][4]
    assert pastures["patches"] == {"train": 2, "validate": 0, "test": 0, "none": 1}
    assert pastures["published"] == {"train": 50981, "validate": 23846, "test": 24170}
    assert (
        "| 4 | Pastures | 17 | `E6E64D` | 2 | 0 | 0 | 1 | 50,981 | 23,846 | 24,170 |"
        in (labels["description"])
    )


def test_item_assets_are_what_items_have() -> None:
    imagery, labels = DATASET.collections(Summary())
    for made, item in zip((imagery, labels), described(), strict=True):
        assert list(made.item_assets) == list(item["assets"])
        for key, asset in item["assets"].items():
            definition = made.item_assets[key].properties
            for field in ("type", "roles", "title", "data_type", "nodata", "raster:scale"):
                assert asset.get(field) == definition.get(field)
            names = [band["name"] for band in asset.get("bands", [])]
            assert names == [band["name"] for band in definition.get("bands", [])]


def test_classes_have_a_value_name_title_and_colour() -> None:
    _, labels = (each.to_dict() for each in DATASET.collections(Summary()))
    assert extensions.CLASSIFICATION in labels["stac_extensions"]
    classes = labels["item_assets"]["vector_labels"]["classification:classes"]
    assert [each["value"] for each in classes] == list(range(43))
    assert [each["title"] for each in classes] == list(c.LABELS_43)
    assert [each["color_hint"] for each in classes] == list(c.COLORS_43)
    assert classes[0]["description"] == "CORINE Land Cover 111; 19-class: Urban fabric"
    assert classes[3]["description"].endswith("in none of the 19 classes")


def test_two_calls_make_independent_collections() -> None:
    first, _ = DATASET.collections(Summary())
    first.summaries.add("surplus", [1])
    first.keywords.append("surplus")
    first.item_assets["10m"].properties["surplus"] = 1
    second, _ = DATASET.collections(Summary())
    assert "surplus" not in json.dumps(second.to_dict())


# stactools-style functions -----------------------------------------------------------------


def test_create_collection_names_what_there_is() -> None:
    assert create_collection().id == c.IMAGERY
    assert create_collection(c.LABELS).id == c.LABELS
    with pytest.raises(StacbuildError, match="bigearthnet-s2-labels"):
        create_collection("bigearthnet")


def test_create_items_writes_a_patch_that_loads(real_patches: Path, tmp_path: Path) -> None:
    name = "S2A_MSIL2A_20170613T101031_87_48"
    imagery, labels = create_items(real_patches / name, tmp_path / "out", {"split": "test"})
    assert imagery.properties["ml-aoi:split"] == "test"
    assert imagery.collection_id is None
    for item in (imagery, labels):
        item.save_object(include_self_link=False)
    found = pystac.Item.from_file(str(tmp_path / "out" / f"{name}.json"))
    for asset in found.assets.values():
        path = tmp_path / "out" / asset.href.removeprefix("./")
        data = path.read_bytes()
        assert len(data) == asset.extra_fields["file:size"]
        assert asset.extra_fields["file:checksum"] == "1220" + sha256(data).hexdigest()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        [f"{name}.json", f"{name}_labels.json", *(name + end for end in assets.SUFFIXES.values())]
    )
    assert create_item(real_patches / name, tmp_path / "out").id == name


def test_create_items_refuses_what_it_does_not_know(real_patches: Path, tmp_path: Path) -> None:
    patch = next(real_patches.iterdir())
    with pytest.raises(StacbuildError, match="no context is called spilt"):
        create_items(patch, tmp_path, {"spilt": "train"})
    with pytest.raises(StacbuildError, match="folder of one patch"):
        create_items(tmp_path / "absent", tmp_path)
    with pytest.raises(StacbuildError):
        create_items(tmp_path, tmp_path)


def test_odc_stac_loads_bands_on_one_grid(real_patches: Path, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odc-stac's and its dependencies' own
        import odc.stac  # noqa: PLC0415

        name = "S2A_MSIL2A_20170613T101031_87_48"
        item = create_item(real_patches / name, tmp_path)
        loaded = odc.stac.load([item], bands=["10m.3", "20m.4"], resolution=10).isel(time=0)
    with rasterio.open(real_patches / name / f"{name}_B04.tif") as raw:
        assert np.array_equal(loaded["10m.3"].values, raw.read(1))
    assert loaded["10m.3"].dtype == np.uint16
    assert loaded["10m.3"].attrs["nodata"] == 0
    with rasterio.open(real_patches / name / f"{name}_B8A.tif") as raw:
        assert np.array_equal(loaded["20m.4"].values[::2, ::2], raw.read(1))
