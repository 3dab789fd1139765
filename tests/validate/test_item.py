from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from stacbuild.stac import extensions, media
from stacbuild.validate.item import ItemValidator

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]


@pytest.fixture
def validator() -> ItemValidator:
    return ItemValidator()


def kinds(validator: ItemValidator, item: Json, file: str = "") -> set[str]:
    return {one.kind for one in validator.validate(item, file)}


def test_good_items_have_no_findings(validator: ItemValidator, item: Json, labels: Json) -> None:
    assert validator.validate(item, "demo/a/chip_1.json") == []
    assert validator.validate(labels, "chip_1_labels.json") == []


def test_nothing_is_changed(validator: ItemValidator, item: Json) -> None:
    before = copy.deepcopy(item)
    validator.validate(item)

    assert item == before


def _set(*path: Any, to: Any) -> Callable[[Json], None]:  # noqa: ANN401 - JSON
    def spoil(item: Json) -> None:
        inner: Any = item
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = to

    return spoil


def _drop(*path: Any) -> Callable[[Json], None]:  # noqa: ANN401 - JSON
    def spoil(item: Json) -> None:
        inner: Any = item
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]

    return spoil


RING = ("geometry", "coordinates", 0)
IMAGE = ("assets", "image")

SCHEMA = {
    "id with a slash": _set("id", to="a/b"),
    "id with a colon": _set("id", to="a:b"),
    "id that starts with a dot": _set("id", to=".a"),
    "no collection": _drop("collection"),
    "foreign member": _set("created_by", to="me"),
    "old version": _set("stac_version", to="1.0.0"),
    "no title": _drop("properties", "title"),
    "empty title": _set("properties", "title", to=" "),
    "no datetime": _drop("properties", "datetime"),
    "null datetime alone": _set("properties", "datetime", to=None),
    "datetime with offset": _set("properties", "datetime", to="2017-06-13T10:10:31+00:00"),
    "date alone": _set("properties", "datetime", to="2017-06-13"),
    "impossible second": _set("properties", "datetime", to="2017-06-13T10:10:61Z"),
    "impossible month": _set("properties", "datetime", to="2017-13-13T10:10:01Z"),
    "split val": _set("properties", "ml-aoi:split", to="val"),
    "old proj:epsg": _set("properties", "proj:epsg", to=32635),
    "code without authority": _set("properties", "proj:code", to="32635"),
    "no root": _drop("links", 0),
    "no parent": _drop("links", 1),
    "no collection link": _drop("links", 2),
    "link without title": _drop("links", 3, "title"),
    "structure by an absolute link": _set("links", 0, "href", to="https://e.com/catalog.json"),
    "wrong type of root": _set("links", 0, "type", to=media.GEOJSON),
    "link to a file of this machine": _set("links", 3, "href", to="file:///data/x.json"),
    "link from the root of this machine": _set("links", 3, "href", to="/data/x.json"),
    "link to a drive": _set("links", 3, "href", to="C:\\data\\x.json"),
    "relative self": _set("links", 3, to={"rel": "self", "href": "./x.json"}),
    "no assets": _set("assets", to={}),
    "asset without type": _drop(*IMAGE, "type"),
    "asset without title": _drop(*IMAGE, "title"),
    "asset without roles": _set(*IMAGE, "roles", to=[]),
    "asset without size": _drop(*IMAGE, "file:size"),
    "empty asset": _set(*IMAGE, "file:size", to=0),
    "asset without checksum": _drop(*IMAGE, "file:checksum"),
    "checksum that is no multihash": _set(*IMAGE, "file:checksum", to="0" * 64),
    "checksum in upper case": _set(*IMAGE, "file:checksum", to="1220" + "A" * 64),
    "asset on this machine": _set(*IMAGE, "href", to="/data/chip.tif"),
    "cog without shape": _drop(*IMAGE, "proj:shape"),
    "cog without transform": _drop(*IMAGE, "proj:transform"),
    "cog without data type": _drop(*IMAGE, "data_type"),
    "unknown data type": _set(*IMAGE, "data_type", to="uint12"),
    "shape of three": _set(*IMAGE, "proj:shape", to=[3, 32, 32]),
    "band without name": _drop(*IMAGE, "bands", 0, "name"),
    "no bands at all": _set(*IMAGE, "bands", to=[]),
    "old raster:bands": _set(*IMAGE, "raster:bands", to=[{}]),
    "old eo:bands": _set(*IMAGE, "eo:bands", to=[{}]),
    "tiff as thumbnail": _set("assets", "thumbnail", "type", to=media.COG),
    "class without name": _set(*IMAGE, "classification:classes", to=[{"value": 1}]),
    "class name with a space": _set(
        *IMAGE, "classification:classes", to=[{"value": 1, "name": "a b"}]
    ),
    "colour with a hash": _set(
        *IMAGE, "classification:classes", to=[{"value": 1, "name": "a", "color_hint": "#00FF00"}]
    ),
    "colour in lower case": _set(
        *IMAGE, "classification:classes", to=[{"value": 1, "name": "a", "color_hint": "00ff00"}]
    ),
    "world line": _set("geometry", to={"type": "LineString", "coordinates": [[0, 0], [1, 1]]}),
    "geometry without bbox": _drop("bbox"),
    "bbox without geometry": _set("geometry", to=None),
    "bbox off the earth": _set("bbox", 3, to=90.5),
}


@pytest.mark.parametrize("name", SCHEMA)
def test_the_profile_is_stricter_than_the_specification(
    validator: ItemValidator, item: Json, name: str
) -> None:
    SCHEMA[name](item)

    assert kinds(validator, item) == {"schema"}


@pytest.mark.usefixtures("shared")
def test_the_official_schemas_are_run_too(validator: ItemValidator, item: Json) -> None:
    item["assets"]["image"]["bands"][0]["eo:common_name"] = "purple"
    (found,) = validator.validate(item)

    assert found.message.endswith("(eo)")
    assert validator.unchecked == set()


LABEL_SCHEMA = {
    "no type": _drop("properties", "label:type"),
    "no tasks": _drop("properties", "label:tasks"),
    "no methods": _drop("properties", "label:methods"),
    "no classes for categories": _drop("properties", "label:classes"),
    "vector without properties": _set("properties", "label:properties", to=None),
    "raster with properties": _set("properties", "label:type", to="raster"),
    "no source": _drop("links", 3),
    "source without assets": _drop("links", 3, "label:assets"),
    "no asset with labels": _set("assets", "vector_labels", "roles", to=["data"]),
    "class twice": _set(
        "properties", "label:classes", to=[{"name": "classes", "classes": ["a", "a"]}]
    ),
    "negative count": _set(
        "properties",
        "label:overviews",
        to=[{"property_key": "classes", "counts": [{"name": "Pastures", "count": -1}]}],
    ),
    "empty overview": _set("properties", "label:overviews", to=[{"property_key": "classes"}]),
}


@pytest.mark.parametrize("name", LABEL_SCHEMA)
def test_label_items_have_rules_of_their_own(
    validator: ItemValidator, labels: Json, name: str
) -> None:
    LABEL_SCHEMA[name](labels)

    assert kinds(validator, labels) == {"schema"}


def _raster_labels(labels: Json) -> None:
    labels["properties"].update(
        {
            "label:type": "raster",
            "label:properties": None,
            "label:classes": [{"name": None, "classes": ["Water", "Maize"]}],
            "label:overviews": [{"property_key": "map", "counts": [{"name": "Maize", "count": 3}]}],
        }
    )


def _regression(labels: Json) -> None:
    labels["properties"].update(
        {
            "label:tasks": ["regression"],
            "label:overviews": [
                {"property_key": "classes", "statistics": [{"name": "mean", "value": 0.5}]}
            ],
        }
    )
    del labels["properties"]["label:classes"]


def _source_of_a_collection(labels: Json) -> None:
    labels["links"][3] = {
        "rel": "source",
        "href": "https://example.com/collections/s2",
        "type": "application/json",
        "title": "Sentinel-2",
    }


def _table(item: Json) -> None:
    item["assets"]["parcels"] = {
        "href": "./chip_1.parquet",
        "type": media.PARQUET,
        "title": "Parcels",
        "roles": ["labels"],
        "file:size": 10,
        "file:checksum": "1220" + "0" * 64,
        "table:columns": [{"name": "id", "type": "string"}],
        "table:row_count": 3,
    }
    item["stac_extensions"] = [*item["stac_extensions"], extensions.TABLE]


def _nowhere(item: Json) -> None:
    item["geometry"] = None
    del item["bbox"]
    item["properties"]["proj:code"] = None
    del item["assets"]["image"]["proj:transform"]


def _series(item: Json) -> None:
    item["properties"].update(
        datetime=None,
        start_datetime="2018-01-01T00:00:00Z",
        end_datetime="2018-12-31T23:59:59.999Z",
    )


def _region(item: Json) -> None:
    one = item["geometry"]["coordinates"]
    other = [[[x + 1, y] for x, y in one[0]]]
    other = [[[round(x, 7), y] for x, y in other[0]]]
    item["geometry"] = {"type": "MultiPolygon", "coordinates": [one, other]}
    item["bbox"][2] = max(x for x, _ in other[0])


def _across_the_meridian(item: Json) -> None:
    east = [[[179, 10], [180, 10], [180, 11], [179, 11], [179, 10]]]
    west = [[[-180, 10], [-179, 10], [-179, 11], [-180, 11], [-180, 10]]]
    item["geometry"] = {"type": "MultiPolygon", "coordinates": [east, west]}
    item["bbox"] = [179, 10, -179, 11]


def _hole(item: Json) -> None:
    outer = [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]
    inner = [[1, 1], [1, 2], [2, 2], [2, 1], [1, 1]]
    item["geometry"] = {"type": "Polygon", "coordinates": [outer, inner]}
    item["bbox"] = [0, 0, 4, 4]


def _point(item: Json) -> None:
    item["geometry"] = {"type": "Point", "coordinates": [1.5, 2.5]}
    item["bbox"] = [1.5, 2.5, 1.5, 2.5]


def _elsewhere(item: Json) -> None:
    item["assets"]["raw"] = {
        "href": "s3://bucket/raw.zarr/",
        "type": "application/vnd+zarr",
        "title": "Raw",
        "roles": ["source"],
    }


@pytest.mark.parametrize("change", [_raster_labels, _regression, _source_of_a_collection])
def test_labels_of_every_kind_are_allowed(
    validator: ItemValidator, labels: Json, change: Callable[[Json], None]
) -> None:
    change(labels)

    assert validator.validate(labels) == []


@pytest.mark.parametrize(
    "change",
    [
        _table,
        _nowhere,
        _series,
        _region,
        _across_the_meridian,
        _hole,
        _point,
        _elsewhere,
    ],
)
def test_items_of_every_kind_are_allowed(
    validator: ItemValidator, item: Json, change: Callable[[Json], None]
) -> None:
    change(item)

    assert validator.validate(item) == []


def _reverse(item: Json) -> None:
    item["geometry"]["coordinates"][0].reverse()


def _open_ring(item: Json) -> None:
    item["geometry"]["coordinates"][0].append([27.6, 64.8])


def _flat_ring(item: Json) -> None:
    item["geometry"]["coordinates"][0] = [[1, 1], [2, 2], [3, 3], [1, 1]]
    item["bbox"] = [1, 1, 3, 3]


def _hole_like_a_shell(item: Json) -> None:
    _hole(item)
    item["geometry"]["coordinates"][1].reverse()


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (_reverse, "geometry"),
        (_open_ring, "geometry"),
        (_flat_ring, "geometry"),
        (_hole_like_a_shell, "geometry"),
        (_set(*RING, 1, 0, to=27.123456789), "geometry"),
        (_set(*RING, 1, to=[27.1, 64.8, 3]), "geometry"),
        (_set("bbox", 0, to=20), "geometry"),
        (_set("properties", "sat:relative_orbit", to=3), "extension"),
        (_set("stac_extensions", to=[extensions.FILE, extensions.PROJECTION]), "extension"),
        (_set(*IMAGE, "bands", 1, "name", to="B02"), "bands"),
        (_drop("properties", "proj:code"), "projection"),
    ],
)
def test_what_no_schema_can_say(
    validator: ItemValidator, item: Json, spoil: Callable[[Json], None], kind: str
) -> None:
    spoil(item)

    assert kinds(validator, item) == {kind}


@pytest.mark.parametrize(
    ("start", "moment", "end", "good"),
    [
        ("2018-01-02T00:00:00Z", None, "2018-01-01T00:00:00Z", False),
        ("2018-01-01T00:00:00.5Z", None, "2018-01-01T00:00:00Z", False),
        ("2018-01-01T00:00:00Z", None, "2018-01-01T00:00:00.5Z", True),
        ("2018-01-01T00:00:00Z", "2018-01-03T00:00:00Z", "2018-01-02T00:00:00Z", False),
        ("2018-01-01T00:00:00Z", "2018-01-01T00:00:00Z", "2018-01-01T00:00:00Z", True),
    ],
)
def test_time_runs_forward(
    validator: ItemValidator,
    item: Json,
    start: str,
    moment: str | None,
    end: str,
    good: bool,
) -> None:
    item["properties"].update(datetime=moment, start_datetime=start, end_datetime=end)

    assert kinds(validator, item) == (set() if good else {"datetime"})


@pytest.mark.parametrize(
    "change",
    [
        _set("properties", "label:properties", to=["other"]),
        _set("properties", "label:overviews", 0, "property_key", to="other"),
        _set("properties", "label:overviews", 0, "counts", 0, "name", to="Glaciers"),
        _set(
            "properties",
            "label:overviews",
            0,
            "counts",
            to=[{"name": "Pastures", "count": 1}, {"name": "Pastures", "count": 2}],
        ),
    ],
)
def test_labels_speak_of_each_other(
    validator: ItemValidator, labels: Json, change: Callable[[Json], None]
) -> None:
    change(labels)

    assert kinds(validator, labels) == {"labels"}


def test_raster_overviews_count_classes_of_the_map(validator: ItemValidator, labels: Json) -> None:
    _raster_labels(labels)
    labels["properties"]["label:overviews"][0]["counts"][0]["name"] = "Glaciers"

    assert kinds(validator, labels) == {"labels"}


def test_the_file_is_named_after_the_item(validator: ItemValidator, item: Json) -> None:
    assert kinds(validator, item, "demo/chip_2.json") == {"file-name"}


def test_field_faults_are_found_again_in_the_next_item(
    validator: ItemValidator, item: Json
) -> None:
    item["properties"]["sat:relative_orbit"] = 3
    twin = copy.deepcopy(item)

    assert kinds(validator, item) == kinds(validator, twin) == {"extension"}


def test_messages_name_place_and_schema(validator: ItemValidator, item: Json) -> None:
    item["properties"]["ml-aoi:split"] = "val"
    del item["assets"]["image"]["file:checksum"]
    messages = " ".join(one.message for one in validator.validate(item))

    assert "properties/ml-aoi:split" in messages
    assert '"file:checksum" is a required property (profile)' in messages


@pytest.mark.parametrize("declared", ["https://x", {"a": 1}, [1, 2], [[]]])
def test_extensions_that_are_no_list_of_addresses(
    validator: ItemValidator, item: Json, declared: object
) -> None:
    item["stac_extensions"] = declared

    assert kinds(validator, item) == {"schema"}
