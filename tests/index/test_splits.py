from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stacbuild.errors import CatalogError
from stacbuild.index.geoparquet import TableFile
from stacbuild.index.schema import SchemaError
from stacbuild.index.splits import Sample, SplitWriter

Item = dict[str, Any]
MakeItems = Callable[..., list[Item]]
COLUMNS = ("ben:labels_19", "ben:snow", "ben:country", "datetime")


def sample(item: Item) -> Sample:
    name = item["id"]
    return Sample(
        item, f"p/row/{name}.json", f"{name}_labels", f"../chips-labels/p/row/{name}_labels.json"
    )


def write(
    folder: Path, items: list[Item], *, base: str | None = None, labels: bool = True
) -> dict[str, TableFile]:
    with SplitWriter(folder, COLUMNS, base=base, labels=labels) as writer:
        writer.add(map(sample, items))
        return writer.finish(folder)


def test_each_split_has_its_samples(tmp_path: Path, make_items: MakeItems) -> None:
    geopandas = pytest.importorskip("geopandas")
    items = make_items(50)
    files = write(tmp_path, random.Random(1).sample(items, len(items)))
    assert list(files) == ["train", "validate", "test"]
    for split, file in files.items():
        assert file.path == tmp_path / "splits" / f"{split}.parquet"
        wanted = [i for i in items if i["properties"].get("ml-aoi:split") == split]
        frame = geopandas.read_parquet(file.path)
        assert frame["item_id"].to_list() == [i["id"] for i in wanted]
        assert set(frame["split"]) == {split}
        assert frame.crs == "OGC:CRS84"
        assert [list(v) for v in frame["ben:labels_19"]] == [
            i["properties"]["ben:labels_19"] for i in wanted
        ]
        assert frame["href"][0] == f"../p/row/{wanted[0]['id']}.json"
        assert frame["label_href"][0] == (f"../../chips-labels/p/row/{wanted[0]['id']}_labels.json")
        assert frame.geometry.bounds.to_numpy().tolist() == [i["bbox"] for i in wanted]
        assert file.fields()["table:row_count"] == len(wanted) == len(frame)


def test_columns_are_typed_and_the_same_in_all_splits(
    tmp_path: Path, make_items: MakeItems
) -> None:
    items = make_items(30)
    (first,) = (i for i in items if i["id"] == "chip_00001")
    first["properties"]["ben:country"] = "Austria"  # one sample of one split has it
    files = write(tmp_path, items)
    schemas = {file.schema for file in files.values()}
    assert len(schemas) == 1
    (schema,) = schemas
    assert schema.names == [
        *("item_id", "href", "label_item_id", "label_href", "split"),
        *(*COLUMNS, "geometry", "bbox"),
    ]
    assert schema.field("ben:labels_19").type == pa.list_(pa.string())
    assert schema.field("ben:country").type == pa.string()
    assert schema.field("ben:snow").type == pa.bool_()
    assert schema.field("datetime").type == pa.timestamp("us", tz="UTC")


def test_absolute_hrefs_and_no_labels(tmp_path: Path, make_items: MakeItems) -> None:
    url = "https://data.example/ben/chips"
    files = write(tmp_path, make_items(9), base=url, labels=False)
    table = pq.read_table(files["train"].path)
    assert table["href"][0].as_py() == f"{url}/p/row/{table['item_id'][0].as_py()}.json"
    assert "label_href" not in table.schema.names


def test_bytes_do_not_depend_on_the_order(tmp_path: Path, make_items: MakeItems) -> None:
    items = make_items(200)
    found = set()
    for seed in range(3):
        folder = tmp_path / str(seed)
        folder.mkdir()
        files = write(folder, random.Random(seed).sample(items, len(items)))
        found.add(tuple(file.path.read_bytes() for file in files.values()))
        assert [p.name for p in folder.iterdir()] == ["splits"]
    assert len(found) == 1


def test_no_splits_no_tables(tmp_path: Path, make_items: MakeItems) -> None:
    items = make_items(5)
    for item in items:
        item["properties"].pop("ml-aoi:split", None)
    assert write(tmp_path, items) == {}


@pytest.mark.parametrize("split", ["../escape", "a/b", "", 3])
def test_a_split_that_cannot_name_a_file_is_refused(
    tmp_path: Path, make_items: MakeItems, split: object
) -> None:
    items = make_items(2)
    items[0]["properties"]["ml-aoi:split"] = split
    with pytest.raises(SchemaError, match="cannot name a table"):
        write(tmp_path, items)


def test_an_item_twice_in_a_split_is_refused(tmp_path: Path, make_items: MakeItems) -> None:
    items = make_items(3)
    with pytest.raises(CatalogError, match="twice"):
        write(tmp_path, [*items, items[1]])


def test_columns_may_not_hide_others(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="geometry"):
        SplitWriter(tmp_path, ["geometry"], labels=False)
