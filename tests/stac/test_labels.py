from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacbuild.stac import extensions
from stacbuild.stac.labels import (
    class_name,
    classification_classes,
    feature_collection,
    label_properties,
    multi_hot,
    overview,
    source_link,
)

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = {"crop": ["wheat", "maize"], "season": ["winter", "summer"]}


def properties(kind: str) -> dict[str, Any]:
    return label_properties(
        kind=kind,
        description="What grows",
        classes=CLASSES if kind == "vector" else {"": ["wheat", "maize"]},
        tasks=["classification"],
        methods=["manual"],
    )


@given(st.sets(st.integers(0, 42)))
def test_multi_hot_marks_the_indices_and_nothing_else(indices: set[int]) -> None:
    vector = multi_hot(indices, 43)
    assert len(vector) == 43
    assert {index for index, value in enumerate(vector) if value == 1} == indices
    assert set(vector) <= {0, 1}


def test_multi_hot_refuses_what_lies_outside() -> None:
    with pytest.raises(IndexError):
        multi_hot([43], 43)


def test_overviews_count_each_class_once_or_as_told() -> None:
    assert overview("crop", ["maize"])["counts"] == [{"name": "maize", "count": 1}]
    assert overview("crop", ["maize"], [7])["counts"] == [{"name": "maize", "count": 7}]
    assert overview("crop", []) == {"property_key": "crop", "counts": []}


@pytest.mark.parametrize("kind", ["vector", "raster"])
def test_official_schema_accepts_label_items(shared: Path, kind: str) -> None:
    schema = json.loads((shared / "schemas/label/v1.0.1/schema.json").read_text())
    item = {
        "type": "Feature",
        "stac_extensions": [extensions.LABEL],
        "properties": {**properties(kind), "label:overviews": [overview("crop", ["maize"])]},
        "links": [source_link("./image.json", "The image", ["10m"])],
        "assets": {},
    }
    jsonschema.Draft7Validator(schema).validate(item)
    # The schema does look: a vector list without a name is refused.
    item["properties"]["label:classes"] = [
        {"name": None if kind == "vector" else "x", "classes": []}
    ]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema).validate(item)


def test_rasters_have_no_label_properties() -> None:
    assert properties("raster")["label:properties"] is None
    assert properties("raster")["label:classes"] == [{"name": None, "classes": ["wheat", "maize"]}]
    assert properties("vector")["label:properties"] == ["crop", "season"]


@pytest.mark.parametrize(("kind", "description"), [("points", "x"), ("vector", "")])
def test_label_properties_refuse_other_kinds(kind: str, description: str) -> None:
    with pytest.raises(ValueError, match="label:type"):
        label_properties(kind=kind, description=description, classes={}, tasks=[], methods=[])


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Transitional woodland/shrub", "transitional_woodland_shrub"),
        ("Broad-leaved forest", "broad-leaved_forest"),
        (" (Maïs) ", "ma_s"),
    ],
)
def test_class_names_have_letters_digits_and_two_signs(title: str, name: str) -> None:
    assert class_name(title) == name


def test_classification_classes_have_all_their_fields() -> None:
    made = classification_classes(
        ["A b", "C"], values=[10, 20], colors=["00FF00", "FF0000"], descriptions=["d", "e"]
    )
    assert made[0] == {
        "value": 10,
        "name": "a_b",
        "title": "A b",
        "description": "d",
        "color_hint": "00FF00",
    }
    assert [each["value"] for each in classification_classes(["A", "B"])] == [0, 1]


@pytest.mark.parametrize(
    ("titles", "more"),
    [
        (["a b", "a/b"], {}),
        (["a", "b"], {"values": [1, 1]}),
        (["", "b"], {}),
        (["a", "b"], {"colors": ["00ff00", "000000"]}),
        (["a", "b"], {"colors": ["00FF00"]}),
    ],
)
def test_classes_that_cannot_be_told_apart_are_refused(
    titles: list[str], more: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"own|hexadecimal|argument"):
        classification_classes(titles, **more)


def test_feature_collections_are_geojson_and_deterministic() -> None:
    ring = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]
    data = feature_collection("x", ring, {"crop": ["maize"]})
    assert data == feature_collection("x", ring, {"crop": ["maize"]})
    made = json.loads(data)
    assert made["features"][0]["geometry"] == {"type": "Polygon", "coordinates": [ring]}
    assert made["features"][0]["properties"] == {"crop": ["maize"]}
    assert made["features"][0]["id"] == "x"
