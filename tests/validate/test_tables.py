from __future__ import annotations

import copy
from typing import Any

import pytest

from stacbuild.validate.tables import differences

Json = dict[str, Any]


@pytest.fixture
def row(item: Json) -> Json:
    return copy.deepcopy(item)


def test_an_item_is_its_row(item: Json, row: Json) -> None:
    assert differences(item, row) == []


def test_null_missing_and_empty_are_the_same(item: Json, row: Json) -> None:
    row["properties"]["ben:country"] = None
    item["properties"]["other"] = None

    assert differences(item, row) == []


def test_the_same_instant_may_be_written_in_two_ways(item: Json, row: Json) -> None:
    row["properties"]["datetime"] = "2017-06-13T10:10:31.000000Z"
    assert differences(item, row) == []
    row["properties"]["datetime"] = "2017-06-13T10:10:31.000001Z"
    assert differences(item, row) == ["properties/datetime"]


def test_every_field_is_compared(item: Json, row: Json) -> None:
    row["properties"]["ml-aoi:split"] = "test"
    row["assets"]["image"]["bands"][0]["name"] = "B99"
    row["bbox"][0] += 1e-7
    del row["properties"]["proj:code"]

    assert differences(item, row) == [
        "assets",
        "bbox",
        "properties/ml-aoi:split",
        "properties/proj:code",
    ]
