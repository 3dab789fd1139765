"""What others read of a built catalog: index, splits, lint."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas
import pyarrow.parquet as pq
import pystac
import pytest
import rustac
import stac_geoparquet.arrow
from stac_check.lint import Linter

from stacbuild.dataset import load
from stacbuild.engine.build import BuildRequest, build
from stacbuild.index.transpose import without_nulls

IMAGERY = "bigearthnet/bigearthnet-s2"
LABELS = "bigearthnet/bigearthnet-s2-labels"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    raw = tmp_path_factory.mktemp("raw")
    load("bigearthnet").sample(raw, size=60, seed=1)
    root = tmp_path_factory.mktemp("catalog")
    build(BuildRequest(root, "bigearthnet", load("bigearthnet").discover(raw)))
    return root


def items(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(folder.glob("*/*/*.json")):
        if path.name != "catalog.json":
            yield path, json.loads(path.read_bytes())


def resolved(item: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return an item with hrefs as whole paths, without what a table cannot tell from nothing."""

    def whole(part: dict[str, Any]) -> dict[str, Any]:
        href = part["href"]
        return part if "://" in href else {**part, "href": str((folder / href).resolve())}

    links = [whole(link) for link in item["links"]]
    assets = {key: whole(asset) for key, asset in item["assets"].items() if asset}
    found: dict[str, Any] = without_nulls({**item, "links": links, "assets": assets})
    found["bbox"] = list(found["bbox"])
    found["properties"]["datetime"] = found["properties"]["datetime"].replace("+00:00", "Z")
    # Readers spell whole seconds with zeros behind them.
    text = re.sub(r"\.0+Z\"", 'Z"', json.dumps(found, sort_keys=True))
    return json.loads(text)  # type: ignore[no-any-return]


@pytest.mark.parametrize("collection", [IMAGERY, LABELS])
@pytest.mark.parametrize("reader", ["stac_geoparquet", "rustac"])
def test_index_holds_the_items(root: Path, collection: str, reader: str) -> None:
    folder = root / collection
    if reader == "rustac":
        found = rustac.read_sync(str(folder / "items.parquet"))["features"]
    else:
        table = pq.read_table(folder / "items.parquet")
        found = list(stac_geoparquet.arrow.stac_table_to_items(table))
    expected = {item["id"]: resolved(item, path.parent) for path, item in items(folder)}
    assert len(expected) == 60
    got = {item["id"]: resolved(item, folder) for item in found}
    assert got.keys() == expected.keys()
    for name, item in expected.items():
        one = {key: value for key, value in got[name].items() if key != "stac_extensions"}
        other = {key: value for key, value in item.items() if key != "stac_extensions"}
        assert without_floats(one) == without_floats(other)


def without_floats(value: Any) -> Any:  # noqa: ANN401
    """Return a value in which 10 and 10.0 are one: a column has one type."""
    if isinstance(value, dict):
        return {key: without_floats(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_floats(inner) for inner in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_labels_and_splits_can_be_filtered(root: Path) -> None:
    index = geopandas.read_parquet(root / IMAGERY / "items.parquet")
    for split in ("train", "validate", "test"):
        table = geopandas.read_parquet(root / IMAGERY / f"splits/{split}.parquet")
        assert table.crs is not None
        chosen = index[index["ml-aoi:split"] == split]
        assert sorted(chosen["id"]) == table["item_id"].tolist() != []
        for href, label in zip(table["href"], table["label_href"], strict=True):
            assert (root / IMAGERY / "splits" / href).is_file()
            assert (root / IMAGERY / "splits" / label).is_file()
    water = index[["Inland waters" in labels for labels in index["ben:labels_19"]]]
    assert set(water["id"]) == {
        item["id"]
        for _, item in items(root / IMAGERY)
        if "Inland waters" in item["properties"]["ben:labels_19"]
    }


def test_pystac_walks_everything(root: Path) -> None:
    catalog = pystac.Catalog.from_file(str(root / "catalog.json"))
    walked = list(catalog.get_items(recursive=True))
    assert len(walked) == 2 * 60
    for item in walked:
        assert item.get_root() is catalog
        assert item.get_collection() is not None
        for asset in item.assets.values():
            assert Path(asset.get_absolute_href() or "").is_file()


EXPLAINED = (
    # The publisher's names are kept, and they have capital letters.
    "should only contain Searchable identifiers",
    "Identifiers should consist of only lowercase characters",
    # What a search filters by has to be a property.
    "properties. Please consider using links to avoid bloated metadata",
    # A catalog or collection that lists its children.
    "links. Please consider using sub-collections or sub-catalogs",
    # Unknown until the catalog has an address: then the root has one (`public_url`).
    "A link to 'self' in links is strongly recommended",
)


def test_complaints_of_stac_check_are_explained(root: Path) -> None:
    (image, _), *_ = items(root / IMAGERY)
    (label, _), *_ = items(root / LABELS)
    for path in (
        root / "catalog.json",
        root / IMAGERY / "collection.json",
        root / LABELS / "collection.json",
        image.parent / "catalog.json",
        image,
        label,
    ):
        linter = Linter(str(path), fast_linting=True)
        complaints = [text for text in linter.best_practices_msg[1:] if text]
        unexplained = [text for text in complaints if not any(one in text for one in EXPLAINED)]
        assert unexplained == []
        assert linter.geometry_errors_msg == []
